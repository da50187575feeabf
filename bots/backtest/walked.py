"""The past of a market of the built-in exchange: its own seeded walk, on its tick, in longer candles."""

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from bots.strategies.base import Candles
from bots.strategies.candles import grouped
from orders.gateways.candle_file import exact
from orders.gateways.listed import Listed
from orders.gateways.walk import MINUTE_MS, walk_candles
from orders.records import replace
from orders.rules import half_up_to

# How near to a half a number of ticks may be before its float is not trusted to tell the side.
HALF_DOUBTED = 1e-6

Prices = NDArray[np.float64]


def walked(listed: Listed, *, seed: int, since: int, until: int, length_ms: int) -> Candles:
    """Whole candles of `length_ms` that open from `since` on and close by `until` (ms UTC)."""
    first, end = since // MINUTE_MS, until // MINUTE_MS
    minutes = walk_candles(
        seed=seed, base_price=listed.base_price, scale=listed.scale, first=first, count=max(end - first, 0)
    )
    # Rounding keeps the order of prices, so what is rounded last is what the live market's minutes give.
    merged, tick = grouped(minutes, length_ms, until), listed.rules.tick
    return replace(
        merged,
        open=on_tick(merged.open, tick),
        high=on_tick(merged.high, tick),
        low=on_tick(merged.low, tick),
        close=on_tick(merged.close, tick),
    )


def on_tick(prices: Prices, tick: Decimal) -> Prices:
    """Each price half up to the tick, at least one tick, as the float nearest to that decimal."""
    top, bottom = tick.as_integer_ratio()
    steps = prices * (bottom / top)
    whole = np.floor(steps + 0.5)
    for row in np.flatnonzero(np.abs(steps - np.floor(steps) - 0.5) < HALF_DOUBTED):
        whole[row] = float(half_up_to(exact(prices[row]), tick) / tick)
    on: Prices = np.maximum(whole, 1) * top / bottom
    return on
