"""The one rule by which paper and backtest orders fill.

A resting limit fills at its own price once the price has passed it by at least one tick. What is
marketable when it is placed fills at market, as taker, with slippage. A stop is triggered when last
comes down to its trigger, and is a limit sale from then on. Within a candle the price walks O-L-H-C
when it closes at or above its open, else O-H-L-C.
"""

from decimal import Decimal

from orders.accounting import Fill, product
from orders.records import Frozen
from orders.rules import (
    AT_MARKET,
    BUY,
    HUNDRED,
    IOC,
    LIMIT,
    ONE,
    SELL,
    ZERO,
    FeeIn,
    Market,
    OrderKind,
    Side,
    ceil_to,
    floor_to,
)
from orders.states import OrderStatus

BPS = Decimal(10_000)
RECEIVED, FILLED = FeeIn.RECEIVED, OrderStatus.FILLED


class Quote(Frozen):
    """Best prices in quote; `at` is market time in ms UTC of the last quote received."""

    bid: Decimal
    ask: Decimal
    last: Decimal
    at: int


class Candle(Frozen):
    """One closed candle; `at` is its open time in ms UTC, volume in base."""

    at: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO


def walk(candle: Candle, *, pessimistic: bool = False) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """The four prices of a candle in the order in which they are taken to have happened.

    `pessimistic`: always the low first, so a stop comes before a target and before a new peak.
    """
    if pessimistic or candle.close >= candle.open:
        return candle.open, candle.low, candle.high, candle.close
    return candle.open, candle.high, candle.low, candle.close


def quote_around(last: Decimal, market: Market, spread_bps: Decimal, at: int) -> Quote:
    """Bid and ask half a spread away from `last`, on the tick, never crossed.

    Without a spread both are `last` itself.
    """
    tick = market.tick
    if not spread_bps and not last % tick:
        return Quote(last, last, last, at)
    half = last * spread_bps / BPS / 2
    return Quote(max(floor_to(last - half, tick), tick), ceil_to(last + half, tick), last, at)


def passing_price(side: Side, limit: Decimal, tick: Decimal) -> Decimal:
    """The last price at which a resting limit has been passed: one tick through it."""
    return limit - tick if side is BUY else limit + tick


def marketable(side: Side, limit: Decimal, quote: Quote) -> bool:
    return limit >= quote.ask if side is BUY else limit <= quote.bid


def market_price(side: Side, quote: Quote, slippage_pct: Decimal, tick: Decimal) -> Decimal:
    """What an order at market pays: the touch, worsened by the slippage, on the tick."""
    touch = quote.ask if side is BUY else quote.bid
    if slippage_pct:
        slip = slippage_pct / HUNDRED
        touch *= ONE + slip if side is BUY else ONE - slip
    return ceil_to(touch, tick) if side is BUY else max(floor_to(touch, tick), tick)


def taker_price(
    *, side: Side, kind: OrderKind, limit: Decimal | None, quote: Quote, slippage_pct: Decimal, tick: Decimal
) -> Decimal | None:
    """The price at which an order fills the moment it is placed, or None when it does not.

    A limit, immediate or resting, never pays beyond its own price.
    """
    if limit is None or kind is AT_MARKET:
        return market_price(side, quote, slippage_pct, tick)
    if not marketable(side, limit, quote):
        return None
    price = market_price(side, quote, slippage_pct, tick)
    return min(price, limit) if side is BUY else max(price, limit)


def stop_price(limit: Decimal, quote: Quote, slippage_pct: Decimal, tick: Decimal) -> Decimal | None:
    """What a stop fills at, as taker, at the price that has triggered it: the bid less the slippage, never
    under its limit. None when the bid lies under that already: there it rests, a limit like any other."""
    return taker_price(side=SELL, kind=LIMIT, limit=limit, quote=quote, slippage_pct=slippage_pct, tick=tick)


class Placement(Frozen):
    """What becomes of an order the moment it arrives: it rests (`open`), fills whole at `price`, ends
    unfilled (an immediate one), or is refused and `why` says the reason."""

    status: OrderStatus
    price: Decimal | None = None
    why: str = ""


RESTS = Placement(OrderStatus.OPEN)
ENDS = Placement(OrderStatus.CANCELLED)
WOULD_TAKE = Placement(OrderStatus.REFUSED, why="a post-only order at this price would take, not make")
WOULD_TRIGGER = Placement(OrderStatus.REFUSED, why="a stop with this trigger would be triggered at once")
NO_STOPS = Placement(OrderStatus.REFUSED, why="no stop rests on this market")


# Said of an order whose bot has not the quote, or the base, that nothing else has reserved.
NOT_COVERED = "the bot's pocket does not cover it"


def placed(
    *,
    side: Side,
    kind: OrderKind,
    amount: Decimal,
    limit: Decimal | None,
    post_only: bool,
    quote: Quote,
    slippage_pct: Decimal,
    market: Market,
    trigger: Decimal | None = None,
) -> Placement:
    """How a paper exchange takes an order of `amount` base at `limit` quote (None at market)."""
    if trigger is not None and limit is not None:
        return _stop_placed(amount, limit, trigger, quote, market)
    price = taker_price(
        side=side, kind=kind, limit=limit, quote=quote, slippage_pct=slippage_pct, tick=market.tick
    )
    why = _against_rules(amount, limit, price or limit or quote.last, market)
    if why:
        return Placement(OrderStatus.REFUSED, why=why)
    if price is None:
        return ENDS if kind is IOC else RESTS
    return WOULD_TAKE if post_only else Placement(FILLED, price)


def _stop_placed(
    amount: Decimal, limit: Decimal, trigger: Decimal, quote: Quote, market: Market
) -> Placement:
    if not market.rests_stops:
        return NO_STOPS
    why = _against_rules(amount, limit, limit, market)
    if why or trigger % market.tick:
        return Placement(OrderStatus.REFUSED, why=why or f"the trigger {trigger:f} is not on the tick")
    return WOULD_TRIGGER if quote.last <= trigger else RESTS


def _against_rules(amount: Decimal, limit: Decimal | None, price: Decimal, market: Market) -> str:
    if not market.enough(amount, price):
        return f"{amount.normalize():f} {market.base} is under the market's minimum"
    if limit is not None and limit % market.tick:
        return f"the price {limit.normalize():f} is not on the tick {market.tick:f}"
    if amount % market.lot:
        return f"the amount {amount.normalize():f} is not on the lot {market.lot:f}"
    return ""


def fill(
    *, slot: str, side: Side, amount: Decimal, price: Decimal, maker: bool, market: Market, at: int
) -> Fill:
    """The fill of `amount` base at `price`, with its fee taken where the market takes it."""
    rate = market.maker_fee if maker else market.taker_fee
    if side is BUY and market.fee_in is RECEIVED:
        return Fill(slot, side, amount, price, at, product(amount, rate))
    return Fill(slot, side, amount, price, at, ZERO, product(amount, price, rate))
