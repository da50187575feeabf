"""An exchange behind our port: what the engine may ask of it, and the words it may answer.

GatewayError
├── Refused       it will not happen; the text says why
├── KeyRefused    the exchange does not accept the account's key
├── Unreachable   nobody knows; ask, do not repeat
├── NotYet        a candle that has closed is not listed yet
└── RateLimited   not now; `wait_s` says how long
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from accounts.keys import Credentials
from accounts.models import ExchangeAccount
from bots.strategies.base import Candles
from orders.accounting import Fill, money
from orders.gateways.streaming import Silence, Streams
from orders.matching import Quote
from orders.models import Order
from orders.rules import Side
from orders.states import OrderStatus
from tradingbot.clock import ms_of


class GatewayError(Exception):
    """The exchange did not do as asked."""


class Refused(GatewayError):
    pass


class KeyRefused(GatewayError):
    """The key is wrong, revoked, or not allowed from here: no other call with it will work."""


class Unreachable(GatewayError):
    pass


class NotYet(GatewayError):
    """A candle has closed that the exchange does not list yet."""


class RateLimited(GatewayError):
    def __init__(self, message: str, wait_s: float) -> None:
        super().__init__(message)
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class FillReport:
    """One execution as the exchange tells it; `trade_id` is the exchange's own. `fee_value` is what a fee
    in a third currency was worth in quote then. `fee_pending`: it has not told the fee yet, or not in which
    currency; one of zero is told."""

    trade_id: str
    amount: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    maker: bool
    at: datetime
    fee_value: Decimal = Decimal(0)
    fee_pending: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """The exchange's word on one order: where it stands, and the fills known with it.

    A `provisional` word holds only while our row is as it was when asked: a paper exchange remembers
    nothing but our rows, so what it said to a worker that slept has never happened. A report of an
    order's end by cancel, expiry or refusal carries all its fills; one of FILLED may run ahead of them.
    One of UNKNOWN says that the exchange has it, and what it says of it (`reason`) means nothing to us.
    `behind`: more has become of it than the report tells; its trades are not all listed yet, or it is not.
    `missing`: the exchange lists it nowhere, and does not say how it ended.
    """

    client_id: str
    status: OrderStatus
    at: datetime
    exchange_order_id: str | None = None
    fills: tuple[FillReport, ...] = ()
    reason: str = ""
    provisional: bool = False
    behind: bool = False
    missing: bool = False


def fill_of(order: Order, told: FillReport) -> Fill:
    """The pure fill of a report, its fee sorted by the currency it was taken in."""
    base, quote = order.ticker.split("/")
    fee = money(told.fee)
    return Fill(
        slot=order.slot,
        side=Side(order.side),
        amount=told.amount,
        price=told.price,
        at=ms_of(told.at),
        fee_base=fee if told.fee_currency == base else Decimal(0),
        fee_quote=fee if told.fee_currency == quote else Decimal(0),
        fee_other=Decimal(0) if told.fee_currency in (base, quote) else money(told.fee_value),
    )


class Gateway(Protocol):
    """Where orders go. Every call may raise `KeyRefused`, `Unreachable` or `RateLimited`.

    `may_be_late`: an order that was proven not to be there may still appear, so it is watched for a while.
    """

    @property
    def may_be_late(self) -> bool: ...

    def wait_s(self, order: Order) -> float:
        """For how many seconds nothing may be sent for its account; mostly 0."""

    def create(self, order: Order) -> Report:
        """Place it, once. Raises `Refused` or `KeyRefused` only when it is certain that it was not placed."""

    def lookup(self, order: Order) -> Report | None:
        """What the exchange knows under our id; None when it says it knows nothing."""

    def cancel(self, order: Order) -> Report:
        """Ask for its end. The report says how it truly ended, which may be filled."""

    def news(self, orders: Sequence[Order]) -> Sequence[Report]:
        """What has become of resting orders of one account in one market; nothing of those as they were."""

    def surely_not_placed(self, order: Order, now: datetime) -> bool:
        """Whether `lookup` finding nothing at `now` proves that it never will find it."""


class Prices(Protocol):
    """Where an exchange's prices come from."""

    def quotes(self, tickers: Collection[str]) -> Mapping[str, Quote]: ...

    def ask(self, tickers: Collection[str]) -> Mapping[str, Quote]:
        """The same, whatever is remembered; raises a `GatewayError` when there is no answer."""

    def candles(self, *, ticker: str, timeframe: str, until: int, count: int) -> Candles:
        """Up to `count` candles closed at or before `until` (ms UTC), oldest first. A moment after a close
        it may raise `NotYet`."""

    def age_s(self, quote: Quote) -> float:
        """How long ago the quote was the price. A simulated clock stands still between events: 0 there."""

    def hold(self, ticker: str, quote: Quote) -> bool:
        """Inside a transaction: whether `quote` is still the price, kept so until the commit.

        Only a simulated clock can be held; elsewhere the price is as it is, and the answer is yes.
        """


@dataclass(frozen=True, slots=True)
class Permissions:
    """What an exchange says a key may do; None where it cannot be asked."""

    trade: bool | None = None
    withdraw: bool | None = None
    transfer: bool | None = None
    ip_restricted: bool | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """What an account holds of one currency; `free` is what no order of anybody's has locked."""

    total: Decimal
    free: Decimal


class Venue(Protocol):
    """A real exchange as asked with one key. Every call may raise `KeyRefused`, `Unreachable` or
    `RateLimited`; no sentence of theirs holds a part of the key."""

    def permissions(self, credentials: Credentials, environment: str) -> Permissions:
        """What the key may do. Also raises `KeyRefused` when it may not even be asked about."""

    def holdings(self, account: ExchangeAccount) -> Mapping[str, Holding]:
        """All that the account holds, by currency; currencies of which it holds nothing are left out."""


class Markets(Protocol):
    """An exchange's list of what can be traded on it, and by which rules."""

    def load(self, *, now: datetime) -> int:
        """Ask for it, outside any transaction, and keep what has changed as rows; returns how many were
        written. Raises a `GatewayError` when there is no answer; nothing has changed then."""


class Depths(Protocol):
    """An exchange's order books."""

    def depth(self, ticker: str) -> Decimal:
        """The quote within 10 bps of the touch, on the thinner side; 0 while it cannot be had."""


@dataclass(frozen=True, slots=True)
class Exchanges:
    """Every exchange this process can reach: gateways by (exchange, environment); prices, venues, lists of
    markets and order books by exchange; and what they tell by themselves."""

    gateways: Mapping[tuple[str, str], Gateway] = field(default_factory=dict)
    prices: Mapping[str, Prices] = field(default_factory=dict)
    venues: Mapping[str, Venue] = field(default_factory=dict)
    markets: Mapping[str, Markets] = field(default_factory=dict)
    streams: Streams = field(default_factory=Silence)
    depths: Mapping[str, Depths] = field(default_factory=dict)

    def gateway(self, exchange: str, environment: str) -> Gateway:
        return self.gateways[exchange, environment]
