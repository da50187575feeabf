"""The simulated clock: it moves from event to event, never past one.

A candle is walked over four points (`orders.matching.walk`); between two of them the price stops at
the first level on its way at which an order fills or a bot wants to look. Between two candles the
price jumps: what lies in the gap is passed at once. Pure; the caller commits each position.
"""

from decimal import Decimal
from typing import Protocol

from orders.matching import Candle, walk
from orders.records import Frozen, replace

# When each of the four points is reached, as a part of the candle; the close a ms before its end.
POINT_PARTS = (Decimal(0), Decimal(1) / 3, Decimal(2) / 3)
HOPS_MAX = 40_000


class Source(Protocol):
    """Where a market's candles come from; numbers count from 0 at the clock's beginning."""

    @property
    def length_ms(self) -> int: ...

    def candle(self, number: int) -> Candle | None:
        """The candle, or None behind the last."""


class Stand(Frozen):
    """Where the clock stands: on the way to point `leg` of a candle, at `price`."""

    candle: int
    leg: int
    price: Decimal


class Levels(Frozen):
    """The nearest prices and time at which something happens. None: there is none.

    `buy_trigger` is the highest price at which a resting buy fills or a stop is triggered, `sell_trigger`
    the lowest at which a sell fills; `below` and `above` the nearest wakes; `due` the earliest time (ms)
    a bot wants to look. A price that ends its way over `peak` or under `trough` is looked at there.
    """

    buy_trigger: Decimal | None = None
    sell_trigger: Decimal | None = None
    below: Decimal | None = None
    above: Decimal | None = None
    due: int | None = None
    peak: Decimal | None = None
    trough: Decimal | None = None

    def turned(self, price: Decimal) -> bool:
        """Whether a way that ends at `price` made a new peak or trough."""
        return (self.peak is not None and price > self.peak) or (
            self.trough is not None and price < self.trough
        )


class Move(Frozen):
    """The price went from `start` to `stand.price`; `at` is market time there. `ended`: it reached the
    point of the candle that it was on its way to."""

    start: Decimal
    stand: Stand
    at: int
    event: bool
    ended: bool = True

    @property
    def low(self) -> Decimal:
        return min(self.start, self.stand.price)

    @property
    def high(self) -> Decimal:
        return max(self.start, self.stand.price)


def time_at(candle: Candle, leg: int, length_ms: int) -> int:
    """Market time in ms UTC at (or on the way to) point `leg`."""
    if leg == 3:
        return candle.at + length_ms - 1
    return candle.at + int(POINT_PARTS[leg] * length_ms)


def first_stand(source: Source) -> Stand:
    first = source.candle(0)
    if first is None:
        raise ValueError("a price source needs at least one candle")
    return Stand(0, 0, first.open)


def advance(source: Source, stand: Stand, levels: Levels, until: int) -> Move | None:
    """Go on to the next event, or as far as market time `until`; None when there is nowhere to go."""
    moved: Move | None = None
    for _ in range(HOPS_MAX):
        hop = _hop(source, moved.stand if moved else stand, levels)
        if hop is None or hop.at > until:
            return moved
        moved = hop
        if moved.event:
            return moved
    return moved


def _hop(source: Source, stand: Stand, levels: Levels) -> Move | None:
    candle = source.candle(stand.candle)
    if candle is None:
        return None
    target = walk(candle)[stand.leg]
    if stand.price != target:
        return _slide(source, stand, candle, target, levels)
    if stand.leg < 3:
        ahead = replace(stand, leg=stand.leg + 1)
        return _slide(source, ahead, candle, walk(candle)[ahead.leg], levels)
    return _jump(source, stand, levels)


def _slide(source: Source, stand: Stand, candle: Candle, target: Decimal, levels: Levels) -> Move:
    """Towards `target`, as far as the first level on the way."""
    at = time_at(candle, stand.leg, source.length_ms)
    stop = first_stop(stand.price, target, levels)
    if stop is None:
        due = (levels.due is not None and at >= levels.due) or levels.turned(target)
        return Move(stand.price, replace(stand, price=target), at, event=due)
    return Move(stand.price, replace(stand, price=stop), at, event=True, ended=stop == target)


def _jump(source: Source, stand: Stand, levels: Levels) -> Move | None:
    """From one candle's close to the next one's open, over everything between."""
    following = source.candle(stand.candle + 1)
    if following is None:
        return None
    event = first_stop(stand.price, following.open, levels) is not None
    due = (levels.due is not None and following.at >= levels.due) or levels.turned(following.open)
    return Move(stand.price, Stand(stand.candle + 1, 0, following.open), following.at, event=event or due)


def first_stop(price: Decimal, target: Decimal, levels: Levels) -> Decimal | None:
    """Where a price on its way from `price` to `target` first meets a level; None: nowhere.

    A resting order whose level lies behind the price already is met at once, whichever way it goes;
    a wake only when the price crosses it.
    """
    return _first_down(price, target, levels) if target < price else _first_up(price, target, levels)


def _first_down(price: Decimal, target: Decimal, levels: Levels) -> Decimal | None:
    buy, sell, below = levels.buy_trigger, levels.sell_trigger, levels.below
    if sell is not None and sell <= price:
        return price
    stop = min(buy, price) if buy is not None and buy >= target else None
    if below is not None and target <= below < price and (stop is None or below > stop):
        return below
    return stop


def _first_up(price: Decimal, target: Decimal, levels: Levels) -> Decimal | None:
    buy, sell, above = levels.buy_trigger, levels.sell_trigger, levels.above
    if buy is not None and buy >= price:
        return price
    stop = max(sell, price) if sell is not None and sell <= target else None
    if above is not None and price < above <= target and (stop is None or above < stop):
        return above
    return stop
