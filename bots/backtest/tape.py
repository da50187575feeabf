"""The candles of a backtest, and what the strategy's signals say at which of them."""

from bisect import bisect_left
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bots.backtest.extremes import Extremes
from bots.strategies.base import Candles, SignalRow, Signals, Strategy
from bots.strategies.candles import grouped
from orders.gateways.candle_file import exact
from orders.gateways.lockstep import time_at
from orders.matching import Candle
from tradingbot.clock import TIMEFRAMES_S


class Marked(NamedTuple):
    """Rows of the tape at whose open a marked candle is known, rising, and of which signal row each is."""

    openings: list[int]
    numbers: Sequence[int]

    def at(self, opening: int) -> int | None:
        """The signal row that becomes known at the open of this row of the tape."""
        place = bisect_left(self.openings, opening)
        known = place < len(self.openings) and self.openings[place] == opening
        return self.numbers[place] if known else None


class Closes:
    """The closed candles that signals come from. `opening[k]` is the row of the tape at whose open
    signal row k becomes known: the first candle that opens at or after its close."""

    def __init__(self, candles: Candles, signals: Signals, opening: NDArray[np.int64], needed: int) -> None:
        self.candles, self.signals = candles, signals
        self._opening, self._needed = opening, needed
        # Single numbers are read several times faster from a memory view than from an array.
        self._at, self._close = view(candles.at), view(candles.close)
        self._columns = [(name, view(column)) for name, column in signals.columns.items()]

    def marked(self, mark: str) -> Marked:
        """The candles with this mark; "" for every closed one."""
        if not mark:
            return Marked(self._opening.tolist(), range(len(self._opening)))
        column = self.signals.columns[mark]
        shown = (column != 0) & ~np.isnan(column)
        shown[: max(self._needed - 1, 0)] = False
        return Marked(self._opening[shown].tolist(), np.flatnonzero(shown).tolist())

    def row(self, number: int) -> SignalRow | None:
        """What signal row `number` says; None while warming up."""
        if number < self._needed - 1:
            return None
        values = {name: column[number] for name, column in self._columns}
        return SignalRow(self._at[number], exact(self._close[number]), values)


class Tape:
    """Candles of one length, walked one by one or skipped over. Rows are counted from 0."""

    def __init__(self, candles: Candles, timeframe: str) -> None:
        self.candles = candles
        self.length_ms = TIMEFRAMES_S[timeframe] * 1000
        self.extremes = Extremes(np.ascontiguousarray(candles.low), np.ascontiguousarray(candles.high))
        columns = (candles.open, candles.high, candles.low, candles.close)
        self._prices = [view(column) for column in columns]
        self._at = view(candles.at)
        first = self.candle(0)
        self._offsets = [time_at(first, leg, self.length_ms) - first.at for leg in range(4)]

    def __len__(self) -> int:
        return len(self.candles)

    def candle(self, row: int) -> Candle:
        opened, high, low, close = self._prices
        return Candle(self._at[row], exact(opened[row]), exact(high[row]), exact(low[row]), exact(close[row]))

    def opening_price(self, row: int) -> Decimal:
        return exact(self._prices[0][row])

    def gap_reaches(self, row: int, below: float, above: float) -> bool:
        """Whether a level may lie between the close before `row` and its open; rounding only errs to yes."""
        opened, close = self._prices[0][row], self._prices[3][row - 1]
        return bool(opened <= below or close <= below or opened >= above or close >= above)

    def close(self, row: int) -> Decimal:
        return exact(self._prices[3][row])

    def time(self, row: int, leg: int) -> int:
        """Market time in ms UTC at point `leg` of a candle."""
        at: int = self._at[row] + self._offsets[leg]
        return at

    def reaching(self, moment: int, first: int) -> int:
        """The first candle from row `first` on that is still open at `moment` (ms), or opens after it."""
        at, opens = self._at, moment - self._offsets[3]
        # As many candles ahead as fit into the time between, or fewer where some are missing.
        farthest = first + max(opens - at[first], -1) // self.length_ms + 1
        return bisect_left(at, opens, first, min(farthest, len(at)))


def view(column: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(column).data


def closes_of(tape: Tape, strategy: Strategy[Any]) -> Closes | None:
    """The signals of all closed candles at once; None for a strategy without signals."""
    if strategy.timeframe is None:
        return None
    candles, length_ms = tape.candles, TIMEFRAMES_S[strategy.timeframe] * 1000
    if length_ms == tape.length_ms:
        # A candle is over when the next one opens; the last one's end is never seen.
        return Closes(
            candles, strategy.prepare(candles), np.arange(1, len(candles) + 1), strategy.candles_needed
        )
    merged = grouped(candles, length_ms, int(candles.at[-1]) + tape.length_ms)
    opening = np.searchsorted(candles.at, merged.at + length_ms)
    return Closes(merged, strategy.prepare(merged), opening, strategy.candles_needed)
