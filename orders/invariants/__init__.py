"""What must always hold between the rows, checked row by row: one function an invariant.

The database's constraints keep most of it from happening; this finds what slipped past them, or
what no constraint can say. A bot's rows are read in one moment, so it may run while bots trade.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import localcontext

from django.db.models import QuerySet

from bots.models import Bot
from orders.invariants import of_bots, of_fills, of_money, of_orders
from orders.invariants.books import Books, Breach, every_book

__all__ = ["OF_ALL", "OF_EACH_BOT", "Breach", "Examined", "breaches", "examine"]

# More digits than any sum of stored money can have.
DIGITS = 60

OF_EACH_BOT: tuple[Callable[[Books], Iterator[Breach]], ...] = (
    of_orders.sent_once,
    of_orders.exchange_ids_once,
    of_orders.one_per_slot,
    of_orders.status_fits,
    of_orders.within_rules,
    of_orders.reservations_covered,
    of_orders.sells_covered,
    of_fills.fills_of_orders,
    of_fills.trades_numbered,
    of_fills.fills_add_up,
    of_fills.position_adds_up,
    of_fills.fees_present,
    of_fills.corrections_follow,
    of_fills.accounting_repeats,
    of_fills.equity_adds_up,
    of_money.pockets_add_up,
    of_money.trades_booked,
    of_bots.journal_whole,
    of_bots.lease_whole,
    of_bots.deal_fits,
    of_bots.news_counted,
    of_bots.on_its_account,
)
OF_ALL: tuple[Callable[[Counter[str]], Iterator[Breach]], ...] = (
    of_money.balances_add_up,
    of_bots.owners_agree,
)


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found, and how many rows of what were looked at."""

    breaches: list[Breach]
    counted: Counter[str]


def examine(bots: QuerySet[Bot] | None = None) -> Examined:
    """Every invariant on `bots` (all, hidden ones too, if None), and those that concern no single bot."""
    counted: Counter[str] = Counter()
    found: list[Breach] = []
    with localcontext(prec=DIGITS):
        for books in every_book(Bot.objects.all() if bots is None else bots, counted):
            for invariant in OF_EACH_BOT:
                found.extend(invariant(books))
        for invariant_of_all in OF_ALL:
            found.extend(invariant_of_all(counted))
    return Examined(found, counted)


def breaches(bots: QuerySet[Bot] | None = None) -> list[Breach]:
    """What does not hold; nothing for a sound database."""
    return examine(bots).breaches
