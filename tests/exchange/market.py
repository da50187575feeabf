"""One symbol's public side: its price, the two sides of its book, its tape and its candles.

The test drives the price; nobody else trades here. History before the exchange opened is a smooth curve that
ends at the opening price, so any interval can be asked for.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal

D = Decimal
TAPE_MAX = 1_000
MINUTE_MS = 60_000
# A level without an end, as the tape and the depth tell it.
DEEP = D(1_000)
WAVE_MS = 7_200_000


@dataclass(frozen=True)
class Tick:
    """A public trade."""

    id: int
    price: Decimal
    quantity: Decimal
    time: int
    buyer_maker: bool


@dataclass(frozen=True)
class Level:
    """A price of the book; `quantity` None never runs out."""

    price: Decimal
    quantity: Decimal | None = None


@dataclass(frozen=True)
class Changes:
    """A step of the book: the updates it covers, and price → quantity for each side."""

    first: int
    last: int
    bids: dict[Decimal, Decimal]
    asks: dict[Decimal, Decimal]


@dataclass
class Bar:
    """A candle; `opened` and the interval are its name."""

    opened: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = Decimal(0)
    quote_volume: Decimal = Decimal(0)
    count: int = 0

    def take(self, tick: Tick) -> None:
        self.high = max(self.high, tick.price)
        self.low = min(self.low, tick.price)
        self.close = tick.price
        self.volume += tick.quantity
        self.quote_volume += tick.quantity * tick.price
        self.count += 1

    def join(self, later: "Bar") -> None:
        """Makes one bar of this and the one that follows it."""
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume
        self.quote_volume += later.quote_volume
        self.count += later.count


@dataclass
class Market:
    """`bids` and `asks` are best first; a move of the price makes them endless again."""

    symbol: str
    tick_size: Decimal
    opening: Decimal
    opened: int
    price: Decimal = field(init=False)
    bids: list[Level] = field(init=False)
    asks: list[Level] = field(init=False)
    tape: deque[Tick] = field(default_factory=lambda: deque(maxlen=TAPE_MAX))
    minutes: dict[int, Bar] = field(default_factory=dict)
    updates: int = 1
    _told: tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]] = field(init=False)
    _told_updates: int = 0

    def __post_init__(self) -> None:
        self.quote(self.opening)
        self._told = self._book()

    def quote(self, price: Decimal) -> None:
        """Sets the price: the bid is one tick below it, the ask at it."""
        self.price = price
        self.bids = [Level(price - self.tick_size)]
        self.asks = [Level(price)]
        self.updates += 1

    def _book(self) -> tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]:
        bids, asks = (
            {level.price: DEEP if level.quantity is None else level.quantity for level in side}
            for side in (self.bids, self.asks)
        )
        return bids, asks

    def changes(self) -> "Changes":
        """The levels that changed since this was last asked; those that are gone with nothing in them."""
        before, after, first = self._told, self._book(), self._told_updates + 1
        self._told, self._told_updates = after, self.updates
        bids, asks = (
            {price: now.get(price, D(0)) for price in (*now, *was) if was.get(price) != now.get(price)}
            for was, now in zip(before, after, strict=True)
        )
        return Changes(first, self.updates, bids, asks)

    def best(self, *, buys: bool) -> Decimal | None:
        """What a taker gets first: the ask for a buyer, the bid for a seller; None if that side is empty."""
        levels = self.asks if buys else self.bids
        return levels[0].price if levels else None

    def walk(
        self, *, buys: bool, quantity: Decimal, limit: Decimal | None = None
    ) -> list[tuple[Decimal, Decimal]]:
        """The (price, quantity) a taker would get now, up to its limit; the book stays as it is."""
        found = []
        for level in self.asks if buys else self.bids:
            if quantity <= 0 or (
                limit is not None and (level.price > limit if buys else level.price < limit)
            ):
                break
            part = quantity if level.quantity is None else min(quantity, level.quantity)
            found.append((level.price, part))
            quantity -= part
        return found

    def afford(self, *, buys: bool, cost: Decimal, step: Decimal) -> Decimal:
        """The base quantity that `cost` of the quote asset is worth to a taker, in whole steps."""
        bought = D(0)
        for level in self.asks if buys else self.bids:
            whole = (cost / level.price).quantize(step, rounding=ROUND_DOWN)
            part = whole if level.quantity is None else min(whole, level.quantity)
            bought += part
            cost -= part * level.price
            if level.quantity is None or part < level.quantity:
                break
        return bought

    def consume(self, *, buys: bool, quantity: Decimal) -> None:
        """Takes what a taker got off the book."""
        levels = self.asks if buys else self.bids
        while levels and quantity > 0 and levels[0].quantity is not None:
            taken = min(levels[0].quantity, quantity)
            quantity -= taken
            rest = levels[0].quantity - taken
            levels[:1] = [Level(levels[0].price, rest)] if rest else []
        self.updates += 1

    def record(self, tick: Tick) -> None:
        """Puts a trade on the tape and into its minute."""
        self.tape.append(tick)
        opened = tick.time - tick.time % MINUTE_MS
        bar = self.minutes.get(opened)
        if bar is None:
            before = self.price_at(opened)
            bar = self.minutes[opened] = Bar(opened, before, before, before, before)
        bar.take(tick)

    def price_at(self, time: int) -> Decimal:
        """The price at a moment: the close of the last minute that began before it, or history."""
        earlier = [opened for opened in self.minutes if opened < time]
        if earlier:
            return self.minutes[max(earlier)].close
        return self.opening if time >= self.opened else self._history(time)

    def _history(self, time: int) -> Decimal:
        wave = 0.02 * math.sin((time - self.opened) / WAVE_MS)
        return (self.opening * D(str(round(1 + wave, 9)))).quantize(self.tick_size)

    def bar(self, opened: int, closes: int) -> Bar:
        """The candle of [opened, closes)."""
        inside = [minute for start, minute in self.minutes.items() if opened <= start < closes]
        points = [self.price_at(opened + (closes - opened) * part // 4) for part in range(5)]
        if inside or opened >= self.opened:
            points = points[:1]
        bar = Bar(opened, points[0], max(points), min(points), points[-1])
        if opened < self.opened:
            bar.volume, bar.count = DEEP, 100
            bar.quote_volume = DEEP * bar.close
        for minute in inside:
            bar.join(minute)
        return bar
