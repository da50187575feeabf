"""A market's rules, and the rounding they ask for.

Rounding always errs on the side that keeps the promise: amounts down, buy prices
down, sell prices up. Whoever sizes an order asks `Market` and nothing else.
"""

import decimal
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from enum import StrEnum
from functools import cached_property

from orders.records import Frozen

# 18 places of 20 digits do not fit into the 28 that Python keeps by default: sums would lose cents.
PRECISION = 60
decimal.DefaultContext.prec = PRECISION  # for threads to come
decimal.getcontext().prec = PRECISION  # for this one

# Whole numbers by contexts of their own: a rounding named in the call takes twice as long.
_whole_below = Context(prec=PRECISION, rounding=ROUND_FLOOR).to_integral_value
_whole_above = Context(prec=PRECISION, rounding=ROUND_CEILING).to_integral_value
_whole_half_up = Context(prec=PRECISION, rounding=ROUND_HALF_UP).to_integral_value

ZERO = Decimal(0)
ONE = Decimal(1)
HUNDRED = Decimal(100)

RESERVE = Decimal("1.05")
RESERVE_FACTOR_MAX = Decimal("1.5")
RAISE_MAX = Decimal("1.3")


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderKind(StrEnum):
    """`ioc` is a limit order whose unfilled rest is cancelled at once. `stop` is a sale that becomes a limit
    order when the price has come down to its trigger."""

    LIMIT = "limit"
    MARKET = "market"
    IOC = "ioc"
    STOP = "stop"


class FeeIn(StrEnum):
    """In which currency the exchange takes its fee: always the quote, or what the order receives."""

    QUOTE = "quote"
    RECEIVED = "received"


# Looked up through its class, a member costs ten times as much as through a name of its own.
BUY, SELL = Side
LIMIT, AT_MARKET, IOC, STOP = OrderKind


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    return _whole_below(value / step) * step


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    return _whole_above(value / step) * step


def half_up_to(value: Decimal, step: Decimal) -> Decimal:
    return _whole_half_up(value / step) * step


class Market(Frozen, gc=True, dict=True):
    """What an exchange lets one trade in one market.

    `tick` is the price step in quote, `lot` the amount step in base, `min_amount` in base,
    `min_cost` in quote; fees are fractions (0.001 is 0.1 %). `rests_stops`: it takes stop-limit orders.
    Unlike other records it has room for what is worked out once: it lives long, and is asked at every look.
    """

    exchange: str
    ticker: str
    tick: Decimal
    lot: Decimal
    min_amount: Decimal
    min_cost: Decimal
    maker_fee: Decimal = ZERO
    taker_fee: Decimal = ZERO
    fee_in: FeeIn = FeeIn.QUOTE
    open_orders_max: int = 200
    rests_stops: bool = False

    @cached_property
    def base(self) -> str:
        return self.ticker.split("/")[0]

    @cached_property
    def quote(self) -> str:
        return self.ticker.split("/")[1]

    @cached_property
    def dearest(self) -> Decimal:
        """The most that one quote's worth may cost with its fee, whether its order makes or takes."""
        return ONE + max(self.maker_fee, self.taker_fee)

    @cached_property
    def taken(self) -> Decimal:
        """What an order that takes costs for each quote of its value: 1 and the fee, if that is in quote."""
        return ONE + self.taker_fee if self.fee_in is FeeIn.QUOTE else ONE

    def amount(self, wanted: Decimal) -> Decimal:
        """`wanted` base rounded down to the lot."""
        return _whole_below(wanted / self.lot) * self.lot

    def price(self, side: Side, wanted: Decimal) -> Decimal:
        """`wanted` rounded to the tick, down for a buy and up for a sell."""
        return floor_to(wanted, self.tick) if side is BUY else ceil_to(wanted, self.tick)

    def line(self, wanted: Decimal) -> Decimal:
        """A grid line: rounded once, half up, for both sides."""
        return half_up_to(wanted, self.tick)

    def enough(self, amount: Decimal, price: Decimal) -> bool:
        """Whether an order of `amount` base at `price` meets the plain minimums."""
        return amount > ZERO and amount >= self.min_amount and amount * price >= self.min_cost

    def smallest(self, price: Decimal, stop_fraction: Decimal = ZERO) -> Decimal:
        """The least base that may be bought at `price` and still be sold at the stop.

        The minimum × 1.05 / (1 − stop fraction), the whole factor capped at 1.5, so that the
        position can still be sold at the worst price. Rounded up to the lot.
        """
        factor = RESERVE_FACTOR_MAX
        if stop_fraction < ONE:
            factor = min(RESERVE / (ONE - stop_fraction), RESERVE_FACTOR_MAX)
        least = max(self.min_amount, self.min_cost / price)
        return ceil_to(least * factor, self.lot)

    def _plenty(self, amount: Decimal, price: Decimal) -> bool:
        """Whether `amount` can be sold again at any stop: most orders are far over the minimum."""
        worth, most = amount * price, RESERVE_FACTOR_MAX
        return amount >= self.min_amount * most and worth > self.min_cost * most

    def sized(self, wanted: Decimal, price: Decimal, stop_fraction: Decimal = ZERO) -> Decimal | None:
        """The amount to order for `wanted` base at `price`, or None when it is too small.

        A wish under the minimum by at most 30 % is raised to it; the caller says so.
        """
        amount = self.amount(wanted)
        if self._plenty(amount, price):
            return amount
        least = self.smallest(price, stop_fraction)
        if amount >= least:
            return amount
        return least if wanted > 0 and least <= wanted * RAISE_MAX else None
