"""When does a price next fall to one level or rise to another? Minima and maxima of blocks of blocks.

A block whose lowest low and highest high lie between the levels is passed in one comparison, so a
wait of a hundred thousand candles costs some dozens of them.
"""

import numpy as np
from numpy.typing import NDArray

BLOCK = 8
# So many candles are looked at one by one before blocks are: most waits are short.
NEAR = 8
Column = NDArray[np.float64]
INFINITE = float("inf")


class Extremes:
    """Over the lows and highs of candles, float64 in quote.

    Levels are decimals made floats by the caller; rounding to the nearest float keeps the order of two
    numbers or makes them equal, so a candle that truly reaches a level is never passed over.
    """

    def __init__(self, low: Column, high: Column) -> None:
        # Single numbers are read several times faster from a memory view than from an array.
        self._lows, self._highs = [low.data], [high.data]
        while len(low) > BLOCK:
            low, high = _blocks(low, np.minimum), _blocks(high, np.maximum)
            self._lows.append(low.data)
            self._highs.append(high.data)

    def next(self, first: int, below: float, above: float, end: int) -> int:
        """The first candle from row `first` on, before `end`, with low ≤ `below` or high ≥ `above`;
        `end` when there is none. A side without a level is ∓∞."""
        near = min(first + NEAR, end)
        place = self._first(0, first, near, below, above)
        if place < near or near == end:
            return place
        level, size = 0, 1
        # Up to larger blocks while nothing is found, then down into the block that has it.
        while True:
            stop = min((place // BLOCK + 1) * BLOCK, len(self._lows[level]))
            place = self._first(level, place, stop, below, above)
            if place < stop:
                break
            level, size, place = level + 1, size * BLOCK, -(-stop // BLOCK)
            if level == len(self._lows) or place * size >= end:
                return end
        while level:
            level, place = level - 1, place * BLOCK
            place = self._first(level, place, place + BLOCK, below, above)
        return min(place, end)

    def _first(self, level: int, place: int, stop: int, below: float, above: float) -> int:
        """The first block of a level from `place` on that reaches out of the levels; `stop` when none."""
        lows, highs = self._lows[level], self._highs[level]
        for block in range(place, stop):
            if lows[block] <= below or highs[block] >= above:
                return block
        return stop


def _blocks(column: Column, extreme: np.ufunc) -> Column:
    starts = np.arange(0, len(column), BLOCK)
    blocks: Column = extreme.reduceat(column, starts)
    return blocks
