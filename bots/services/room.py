"""How much of a real account is left for a bot: what its exchange says is free, less what is in pockets.

The exchange is asked outside any transaction, and its answer is held against our books inside the one that
funds the bot. In between orders fill, end and are made; each of these makes the room smaller than it is, and
none makes it larger:

- What the answer has seen come in is booked before the books are read: every resting order is asked about
  after the answer.
- What the answer may not have seen go counts as if bots still had it: all that fills took which were booked
  since the question.
- An order locks money. It counts only if it rested before the question, all was known of it after the answer,
  and it rests still.
- An order that was out when the answer came, and of which not all is known, may have brought the currency in.
  Until it has ended, or the next try has asked about it, there is no telling: `Busy`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.core.cache import cache

from accounts.models import TRADES, ExchangeAccount
from accounts.queries import currencies_of, pockets_on
from bots.models import Bot
from bots.services.asked import ServiceRefused, refused
from orders.accounting import Pocket, Purpose, product
from orders.following import follow
from orders.gateways.base import Exchanges, GatewayError, Holding, KeyRefused
from orders.gateways.offers import OFFERS
from orders.models import LedgerEntry, Order
from orders.money import LostRace, free_of
from orders.rules import ZERO, Side
from orders.states import OrderStatus
from orders.switches import may_rest

NOTHING = Holding(ZERO, ZERO)
RESTING_MAX = 2000
SHOWN_FOR_S = 5


class Busy(LostRace):
    """An order on its way may change what is left; a moment later it is known."""


@dataclass(frozen=True, slots=True)
class Room:
    """An account's holdings as told. `trades`: how many each bot had before the question. `rested`: the
    orders that rested from then on until all was told of them. `doubted`: those that were out when it was
    answered, and of which not all was told then."""

    account: ExchangeAccount
    holdings: Mapping[str, Holding]
    trades: Mapping[UUID, int]
    rested: frozenset[UUID]
    doubted: frozenset[UUID]

    def left(self, currencies: tuple[str, ...]) -> Mapping[str, Decimal]:
        """By currency, not below zero. Inside the funding transaction: it keeps other starts on the
        account waiting until the commit."""
        ExchangeAccount.objects.select_for_update(no_key=True).get(pk=self.account.pk)
        doubts = self.doubts()  # before the books: what has ended by now is in them
        for currency in currencies:
            if any(currency == brings(order) for order in doubts):
                raise Busy(f"an order that may bring {currency} is on its way")
        ours = pockets_on(self.account)  # before the fills and the locks: a fill in between counts as taken
        taken = _taken(self.account, self.trades)
        locked = locked_by(Order.objects.filter(pk__in=self.rested, status=OrderStatus.OPEN))
        left = {}
        for currency in currencies:
            held = ours.get(currency, ZERO) + taken[currency]
            unlocked = max(held - locked.get(currency, ZERO), ZERO)
            left[currency] = max(self.holdings.get(currency, NOTHING).free - unlocked, ZERO)
        return left

    def doubts(self) -> list[Order]:
        """Those of them that have not ended since."""
        return list(Order.objects.filter(may_rest(), pk__in=self.doubted))


def room_asked(*, account: ExchangeAccount, exchanges: Exchanges, now: datetime) -> Room:
    """Ask the exchange what the account holds, and what has become of its resting orders. Raises a
    `GatewayError`, or `LostRace` when others are settling the same orders all the time."""
    trades = dict(Bot.objects.filter(account=account).values_list("pk", "total_trades"))
    rested = frozenset(order.pk for order in resting_on(account))
    holdings = exchanges.venues[account.exchange].holdings(account)
    out = Order.objects.filter(may_rest(), account=account).exclude(status=OrderStatus.PLANNED)
    there = set(out.values_list("pk", flat=True))  # before the question about them: one may come to rest
    known = follow_all(resting_on(account), exchanges=exchanges, now=now)
    return Room(account, holdings, trades, rested & known, frozenset(there - known))


def room_for(account: ExchangeAccount, exchanges: Exchanges, now: datetime) -> Room | None:
    """The same for a start; None on paper. Raises `ServiceRefused` when the exchange does not answer."""
    if not account.is_real:
        return None
    try:
        return room_asked(account=account, exchanges=exchanges, now=now)
    except KeyRefused:
        why = f"{account.label}: its exchange does not accept the key; test it, and replace it if need be."
        raise refused("key_refused", "account", why) from None
    except GatewayError:
        why = f"{account.label}: its exchange does not say now what the account holds. Try again in a minute."
        raise refused("unreachable", "account", why) from None
    except LostRace:
        raise busy(account) from None


def busy(account: ExchangeAccount) -> ServiceRefused:
    why = f"{account.label}: orders of it are on their way, so it is not known what is free. Try again soon."
    return refused("busy", "account", why)


def refuse_if_not_trading(account: ExchangeAccount) -> None:
    """Raises `ServiceRefused` for an account whose key is broken or suspended."""
    if account.state not in TRADES:
        state = account.get_state_display().lower()
        why = f"{account.label} is {state}, so its bots cannot start: {account.state_reason}"
        raise refused("not_working", "account", why)


def free_on(*, account: ExchangeAccount, currency: str, exchanges: Exchanges) -> Decimal | None:
    """What is left for a bot, as pages show it; of a real account it is some seconds old, and None while its
    exchange does not answer. A start asks anew."""
    if not account.is_real:
        return free_of(account_id=account.pk, currency=currency)
    holdings = _shown(account, exchanges)
    if holdings is None:
        return None
    unlocked = pockets_on(account).get(currency, ZERO) - locked_by(resting_on(account)).get(currency, ZERO)
    return max(holdings.get(currency, NOTHING).free - unlocked, ZERO)


def currencies_on(*, account: ExchangeAccount, exchanges: Exchanges) -> list[str]:
    """What the account has, or had, to spend; where nobody can say, what its exchange's markets are in."""
    if not account.is_real:
        return currencies_of(account)
    return sorted({*(_shown(account, exchanges) or {}), OFFERS[account.exchange].quote})


def _shown(account: ExchangeAccount, exchanges: Exchanges) -> Mapping[str, Holding] | None:
    """A silence is remembered too: not every page waits for it anew."""
    key = f"holdings:{account.pk}"
    known: tuple[Mapping[str, Holding] | None] | None = cache.get(key)
    if known is None:
        venue = exchanges.venues.get(account.exchange)  # none where an exchange is not reached any more
        try:
            known = (venue.holdings(account) if venue else None,)
        except GatewayError:
            known = (None,)
        cache.set(key, known, timeout=SHOWN_FOR_S)
    return known[0]


def follow_all(orders: list[Order], *, exchanges: Exchanges, now: datetime) -> set[UUID]:
    """Take in what has become of an account's resting orders, a market at a time; returns those of which all
    is known."""
    markets: dict[str, list[Order]] = defaultdict(list)
    for order in orders:
        markets[order.ticker].append(order)
    known: set[UUID] = set()
    for rows in markets.values():
        known |= follow(rows, exchanges.gateway(rows[0].exchange, rows[0].account.environment), now)
    return known


def resting_on(account: ExchangeAccount) -> list[Order]:
    rows = Order.objects.filter(account=account, status=OrderStatus.OPEN)
    return list(rows.select_related("account", "bot", "market").order_by("ticker", "slot")[:RESTING_MAX])


def _taken(account: ExchangeAccount, since: Mapping[UUID, int]) -> Mapping[str, Decimal]:
    """What each fill has taken out of the account's money, its fee with it, by currency; of those that its
    bots had booked beyond so many."""
    fills: dict[tuple[UUID | None, str], Decimal] = defaultdict(Decimal)
    for pk, count in Bot.objects.filter(account=account).values_list("pk", "total_trades"):
        if count > since.get(pk, 0):
            rows = LedgerEntry.objects.filter(bot=pk, trade__number__gt=since.get(pk, 0))
            for row in rows.filter(purpose__in=[Purpose.TRADE, Purpose.FEE]):
                pockets = (row.credit == Pocket.BOT) - (row.debit == Pocket.BOT)
                fills[row.trade_id, row.currency] += row.amount * pockets
    taken: dict[str, Decimal] = defaultdict(Decimal)
    for (_, currency), amount in fills.items():
        taken[currency] += max(amount, ZERO)
    return taken


def brings(order: Order) -> str:
    """The currency it would bring in."""
    base, quote = order.ticker.split("/")
    return base if order.side == Side.BUY else quote


def takes(order: Order) -> str:
    """The currency it would take."""
    base, quote = order.ticker.split("/")
    return quote if order.side == Side.BUY else base


def locked_by(orders: Iterable[Order]) -> Mapping[str, Decimal]:
    """What an exchange locks for resting orders, by currency: less than we reserve, which is with fees."""
    locked: dict[str, Decimal] = defaultdict(Decimal)
    for order in orders:
        base, quote = order.ticker.split("/")
        open_amount = max(order.amount - order.filled, ZERO)
        if order.side == Side.SELL:
            locked[base] += open_amount
        elif order.price is not None:
            locked[quote] += product(open_amount, order.price)
    return locked
