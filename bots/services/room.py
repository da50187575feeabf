"""How much of a real account is left for a bot: what its exchange says is free, less what is in pockets.

The exchange is asked outside any transaction, and its answer is held against our books inside the one that
funds the bot. In between orders fill, end and are made; each of these makes the room smaller than it is, and
none makes it larger:

- Fills that the answer has seen are booked before the books are read: every resting order is asked about
  after the answer.
- An order locks money. It counts only if it rested before the question and rests still.
- While nobody knows whether an order has brought in the currency, there is no telling: `Busy`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.core.cache import cache
from django.db.models import Q

from accounts.models import TRADES, ExchangeAccount
from accounts.queries import currencies_of, pockets_on
from bots.services.asked import ServiceRefused, refused
from orders.accounting import product
from orders.following import follow
from orders.gateways.base import Exchanges, GatewayError, Holding, KeyRefused
from orders.gateways.offers import OFFERS
from orders.models import Order
from orders.money import LostRace, free_of
from orders.rules import ZERO, Side
from orders.states import OrderStatus

NOTHING = Holding(ZERO, ZERO)
RESTING_MAX = 2000
SHOWN_FOR_S = 5


class Busy(LostRace):
    """An order on its way may change what is left; a moment later it is known."""


@dataclass(frozen=True, slots=True)
class Room:
    """An account's holdings as told, and the orders that rested before it was asked."""

    account: ExchangeAccount
    holdings: Mapping[str, Holding]
    rested: frozenset[UUID]

    def left(self, currencies: tuple[str, ...]) -> Mapping[str, Decimal]:
        """By currency, not below zero. Inside the funding transaction: it keeps other starts on the
        account waiting until the commit."""
        ExchangeAccount.objects.select_for_update(no_key=True).get(pk=self.account.pk)
        ours = pockets_on(self.account)  # before the locks: see above
        locked = locked_by(Order.objects.filter(pk__in=self.rested, status=OrderStatus.OPEN))
        return {currency: self._of(currency, ours, locked) for currency in currencies}

    def _of(self, currency: str, ours: Mapping[str, Decimal], locked: Mapping[str, Decimal]) -> Decimal:
        if may_bring(self.account, currency):
            raise Busy(f"an order that may bring {currency} is on its way")
        unlocked = ours.get(currency, ZERO) - locked.get(currency, ZERO)
        return max(self.holdings.get(currency, NOTHING).free - unlocked, ZERO)


def room_asked(*, account: ExchangeAccount, exchanges: Exchanges, now: datetime) -> Room:
    """Ask the exchange what the account holds, and what has become of its resting orders. Raises a
    `GatewayError`."""
    resting = list(resting_on(account))
    holdings = exchanges.venues[account.exchange].holdings(account)
    follow_all(resting, exchanges=exchanges, now=now)
    return Room(account, holdings, frozenset(order.pk for order in resting))


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
        try:
            known = (exchanges.venues[account.exchange].holdings(account),)
        except GatewayError:
            known = (None,)
        cache.set(key, known, timeout=SHOWN_FOR_S)
    return known[0]


def follow_all(orders: list[Order], *, exchanges: Exchanges, now: datetime) -> None:
    """Take in what has become of an account's resting orders, a market at a time."""
    markets: dict[str, list[Order]] = defaultdict(list)
    for order in orders:
        markets[order.ticker].append(order)
    for rows in markets.values():
        follow(rows, exchanges.gateway(rows[0].exchange, rows[0].account.environment), now)


def resting_on(account: ExchangeAccount) -> list[Order]:
    rows = Order.objects.filter(account=account, status=OrderStatus.OPEN)
    return list(rows.select_related("account", "bot", "market").order_by("ticker", "slot")[:RESTING_MAX])


def may_bring(account: ExchangeAccount, currency: str) -> bool:
    """Whether an order was sent that would bring the currency, and nobody knows yet what has become of it."""
    return _in_doubt(account, Q(side=Side.BUY, ticker__startswith=f"{currency}/"), Side.SELL, currency)


def may_take(account: ExchangeAccount, currency: str) -> bool:
    """The same of one that would take it."""
    return _in_doubt(account, Q(side=Side.SELL, ticker__startswith=f"{currency}/"), Side.BUY, currency)


def _in_doubt(account: ExchangeAccount, as_base: Q, other: Side, currency: str) -> bool:
    doubtful = Order.objects.filter(account=account, status__in=[OrderStatus.SENDING, OrderStatus.UNKNOWN])
    return doubtful.filter(as_base | Q(side=other, ticker__endswith=f"/{currency}")).exists()


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
