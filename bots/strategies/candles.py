"""Candles cut, and put together into longer ones."""

import numpy as np

from bots.strategies.base import Candles


def part(candles: Candles, first: int, end: int) -> Candles:
    rows = slice(first, end)
    return Candles(
        candles.at[rows],
        candles.open[rows],
        candles.high[rows],
        candles.low[rows],
        candles.close[rows],
        candles.volume[rows],
    )


def grouped(candles: Candles, length_ms: int, until: int) -> Candles:
    """Candles of a longer timeframe; the first and the last only when they are whole."""
    if not len(candles):
        return candles
    bucket = candles.at // length_ms
    starts = np.flatnonzero(np.diff(bucket, prepend=bucket[0] - 1))
    merged = Candles(
        at=bucket[starts] * length_ms,
        open=candles.open[starts],
        high=np.maximum.reduceat(candles.high, starts),
        low=np.minimum.reduceat(candles.low, starts),
        close=candles.close[np.append(starts[1:], len(candles)) - 1],
        volume=np.add.reduceat(candles.volume, starts),
    )
    first = 0 if candles.at[0] % length_ms == 0 else 1
    whole = merged.at + length_ms <= until
    return part(merged, first, int(np.count_nonzero(whole)))
