"""When does a price next fall to one level or rise to another? Minima and maxima of blocks of blocks.

A block whose lowest low and highest high lie between the levels is passed in one comparison, so a
wait of a hundred thousand candles costs some dozens of them.
"""

import numpy as np
from numpy.typing import NDArray

BLOCK = 8
Column = NDArray[np.float64]
INFINITE = float("inf")


class Extremes:
    """Over the lows and highs of candles, float64 in quote.

    Levels are decimals made floats by the caller; rounding to the nearest float keeps the order of two
    numbers or makes them equal, so a candle that truly reaches a level is never passed over.
    """

    def __init__(self, low: Column, high: Column) -> None:
        # Single numbers are read several times faster from a memory view than from an array.
        self._low, self._high = low.data, high.data
        self._lows: list[memoryview] = []
        self._highs: list[memoryview] = []
        while len(low) > BLOCK or not self._lows:
            low, high = _blocks(low, np.minimum), _blocks(high, np.maximum)
            self._lows.append(low.data)
            self._highs.append(high.data)

    def next(self, first: int, below: float, above: float, end: int) -> int:
        """The first candle from row `first` on, before `end`, with low ≤ `below` or high ≥ `above`;
        `end` when there is none. A side without a level is ∓∞."""
        level, size, block = 0, BLOCK, first // BLOCK
        if self._lows[0][block] <= below or self._highs[0][block] >= above:
            row = self._candle(first, min((block + 1) * BLOCK, end), below, above)
            if row is not None:
                return row
        # Up to larger blocks while nothing is found, then down into the block that has it.
        block += 1
        while block * size < end:
            stop = min((block // BLOCK + 1) * BLOCK, len(self._lows[level]))
            block = self._block(level, block, stop, below, above)
            if block < stop:
                while level:
                    level, first = level - 1, block * BLOCK
                    block = self._block(level, first, first + BLOCK, below, above)
                first = block * BLOCK
                row = self._candle(first, min(first + BLOCK, end), below, above)
                return end if row is None else row
            level, size, block = level + 1, size * BLOCK, -(-stop // BLOCK)
        return end

    def _block(self, level: int, first: int, stop: int, below: float, above: float) -> int:
        """The first block of a level that reaches out of the levels; `stop` when none."""
        lows, highs = self._lows[level], self._highs[level]
        for block in range(first, stop):
            if lows[block] <= below or highs[block] >= above:
                return block
        return stop

    def _candle(self, first: int, stop: int, below: float, above: float) -> int | None:
        """The first candle before `stop` that reaches out of the levels."""
        lows, highs = self._low, self._high
        for row in range(first, stop):
            if lows[row] <= below or highs[row] >= above:
                return row
        return None


def _blocks(column: Column, extreme: np.ufunc) -> Column:
    starts = np.arange(0, len(column), BLOCK)
    blocks: Column = extreme.reduceat(column, starts)
    return blocks
