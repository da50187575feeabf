"""The ledger: pockets and balances are the sums of its entries, and every trade has its legs."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from uuid import UUID

from orders.accounting import Pocket, Purpose, transfers
from orders.invariants.books import Books, Breach, into_pocket, one_moment, plain
from orders.models import Balance, LedgerEntry, Trade
from orders.rules import ZERO
from tradingbot.db import MoneySum

OF_A_TRADE = frozenset({Purpose.TRADE, Purpose.FEE, Purpose.ADOPTED})
Leg = tuple[str, str, str, Decimal, str]


def pockets_add_up(books: Books) -> Iterator[Breach]:
    """I14: the bot's cash and coins are the sums of the ledger's entries for its pocket."""
    bot = books.bot
    for currency, held in ((bot.quote, bot.cash), (bot.base, bot.position_amount)):
        total = into_pocket(books.entries, currency)
        if total != held:
            what = f"holds {plain(held)} {currency}, its ledger sums to {plain(total)}"
            yield books.breach("I14", what)
    others = {row.currency for row in books.entries} - {bot.base, bot.quote}
    for currency in sorted(others):
        total = into_pocket(books.entries, currency)
        if total:
            yield books.breach("I14", f"its ledger puts {plain(total)} {currency} into a pocket it has not")


def trades_booked(books: Books) -> Iterator[Breach]:
    """I14: the ledger has each trade's legs and fee, once, and nothing else for it."""
    booked: dict[UUID, Counter[Leg]] = defaultdict(Counter)
    for entry in books.entries:
        if entry.trade_id and entry.purpose != Purpose.ADOPTED:
            booked[entry.trade_id][_leg_of(entry)] += 1
    for trade in books.trades:
        if (found := booked[trade.pk]) != (due := _legs_due(books, trade)):
            missing, extra = due - found, found - due
            what = f"the ledger lacks {_words(missing)} and has {_words(extra)} for it"
            yield books.breach("I14", what, trade)
    for entry in books.entries:
        if entry.account_id != books.bot.account_id:
            yield books.breach("I14", f"ledger entry {entry.pk} is on another account")
        if entry.trade_id is None and entry.purpose in OF_A_TRADE:
            yield books.breach("I14", f"ledger entry {entry.pk} is a {entry.purpose} without a trade")


def _leg_of(entry: LedgerEntry) -> Leg:
    return entry.debit, entry.credit, entry.currency, entry.amount, entry.purpose


def _legs_due(books: Books, trade: Trade) -> Counter[Leg]:
    rows = transfers(trade.as_fill(), books.bot.base, books.bot.quote, trade.other_fee)
    return Counter(
        (str(row.debit), str(row.credit), row.currency, row.amount, str(row.purpose)) for row in rows
    )


def _words(legs: Counter[Leg]) -> str:
    named = (f"{plain(leg[3])} {leg[2]} from {leg[1]} to {leg[0]}" for leg in legs.elements())
    return " and ".join(named) or "nothing"


def balances_add_up(counted: Counter[str]) -> Iterator[Breach]:
    """I14: an account's free money in a currency is the sum of the entries for it."""
    with one_moment():
        balances = list(Balance.objects.select_related("account").order_by("account", "currency"))
        came, went = _sums("debit"), _sums("credit")
    counted["balances"] += len(balances)
    kept = {(row.account_id, row.currency): row.free for row in balances}
    for key in sorted(kept.keys() | came.keys() | went.keys(), key=str):
        total = came.get(key, ZERO) - went.get(key, ZERO)
        free = kept.get(key, ZERO)
        if free != total:
            account, currency = key
            what = f"{plain(free)} {currency} is free, its ledger sums to {plain(total)}"
            yield Breach("I14", f"account {account}", what)


def _sums(side: str) -> dict[tuple[UUID, str], Decimal]:
    rows = LedgerEntry.objects.filter(**{side: Pocket.FREE}).order_by()
    sums = rows.values("account_id", "currency").annotate(total=MoneySum("amount"))
    return {(row["account_id"], row["currency"]): row["total"] for row in sums}
