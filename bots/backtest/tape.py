"""The candles of a backtest, and what the strategy's signals say at which of them."""

from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bots.backtest.extremes import Extremes
from bots.strategies.base import Candles, SignalRow, Signals, Strategy
from bots.strategies.candles import grouped
from orders.gateways.candle_file import exact
from orders.gateways.lockstep import time_at
from orders.matching import Candle
from orders.records import record
from tradingbot.clock import TIMEFRAMES_S


@record(frozen=True, slots=True)
class Closes:
    """The closed candles that signals come from. `opening[k]` is the row of the tape at whose open
    signal row k becomes known: the first candle that opens at or after its close."""

    candles: Candles
    signals: Signals
    opening: NDArray[np.int64]
    needed: int

    def marked(self, mark: str) -> list[int]:
        """Rows of the tape at whose open a candle with this mark is known; "" for every closed one."""
        rows = self.opening
        if mark:
            column = self.signals.columns[mark]
            shown = (column != 0) & ~np.isnan(column)
            shown[: max(self.needed - 1, 0)] = False
            rows = rows[shown]
        found: list[int] = rows.tolist()
        return found

    def row(self, opening: int) -> SignalRow | None:
        """What is known at the open of tape row `opening`; None while warming up."""
        number = int(self.opening.searchsorted(opening))
        if number >= len(self.opening) or self.opening[number] != opening or number < self.needed - 1:
            return None
        at, close = self.candles.at.item(number), exact(self.candles.close[number])
        return SignalRow(at, close, self.signals.row(number))


class Tape:
    """Candles of one length, walked one by one or skipped over. Rows are counted from 0."""

    def __init__(self, candles: Candles, timeframe: str) -> None:
        self.candles = candles
        self.length_ms = TIMEFRAMES_S[timeframe] * 1000
        self.extremes = Extremes(np.ascontiguousarray(candles.low), np.ascontiguousarray(candles.high))
        columns = (candles.open, candles.high, candles.low, candles.close)
        self._prices = [np.ascontiguousarray(column).data for column in columns]
        self._at = np.ascontiguousarray(candles.at).data
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

    def reaching(self, moment: int) -> int:
        """The first candle that is still open at `moment` (ms), or opens after it."""
        return int(self.candles.at.searchsorted(moment - self._offsets[3]))

    def opening(self, moment: int) -> int:
        """The first candle that opens at or after `moment` (ms)."""
        return int(self.candles.at.searchsorted(moment))


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
