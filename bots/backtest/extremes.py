"""When does a price next fall to one level or rise to another? Minima and maxima of blocks of blocks.

A block whose lowest low and highest high lie between the levels is passed in one comparison, so a
wait of a hundred thousand candles costs a handful of steps.
"""

import numpy as np
from numpy.typing import NDArray

BLOCK = 64
NEAR = 24
Column = NDArray[np.float64]
INFINITE = float("inf")


class Extremes:
    """Over the lows and highs of candles, float64 in quote.

    Levels are decimals made floats by the caller; rounding to the nearest float keeps the order of two
    numbers or makes them equal, so a candle that truly reaches a level is never passed over.
    """

    def __init__(self, low: Column, high: Column) -> None:
        self._lows, self._highs = [low], [high]
        while len(self._lows[-1]) > BLOCK:
            self._lows.append(_blocks(self._lows[-1], np.minimum))
            self._highs.append(_blocks(self._highs[-1], np.maximum))
        # Single numbers are read several times faster from a memory view than from an array.
        self._low, self._high = self._lows[0].data, self._highs[0].data
        self._count = len(low)

    def next(self, first: int, below: float, above: float, end: int) -> int:
        """The first candle from row `first` on, before `end`, with low ≤ `below` or high ≥ `above`;
        `end` when there is none. A side without a level is ∓∞."""
        low, high = self._low, self._high
        near = min(first + NEAR, end)
        for row in range(first, near):
            if low[row] <= below or high[row] >= above:
                return row
        return min(self._climb(near, below, above), end) if near < end else end

    def _climb(self, row: int, below: float, above: float) -> int:
        """Up to larger blocks while nothing is found, then down into the block that has it."""
        level, place = 0, row
        while True:
            lows, highs = self._lows[level], self._highs[level]
            end = min((place // BLOCK + 1) * BLOCK, len(lows))
            found = _first(lows[place:end], highs[place:end], below, above)
            if found >= 0:
                place += found
                break
            if level + 1 == len(self._lows):
                return self._count
            level, place = level + 1, end // BLOCK if end % BLOCK == 0 else end // BLOCK + 1
            if place >= len(self._lows[level]):
                return self._count
        while level:
            level -= 1
            place *= BLOCK
            lows, highs = self._lows[level], self._highs[level]
            place += _first(lows[place : place + BLOCK], highs[place : place + BLOCK], below, above)
        return place


def _first(low: Column, high: Column, below: float, above: float) -> int:
    if not len(low):
        return -1
    hit = low <= below
    if above != INFINITE:
        hit |= high >= above
    place = int(hit.argmax())
    return place if hit[place] else -1


def _blocks(column: Column, extreme: np.ufunc) -> Column:
    starts = np.arange(0, len(column), BLOCK)
    blocks: Column = extreme.reduceat(column, starts)
    return blocks
