"""What doing almost nothing would have earned: buy and hold, and equal buys day by day.

A bot that does not beat them has only cost fees. Neither minds lots and minimums: they are measures
of the market, not orders.
"""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from bots.backtest.record import Record
from bots.strategies.base import Candles
from bots.strategies.candles import part
from bots.strategies.limits import DAY_MS
from orders.accounting import money
from orders.gateways.candle_file import exact
from orders.rules import HUNDRED, ONE, ZERO, FeeIn, Market

HOLD, EVEN_DCA = "Buy and hold", "Even DCA"

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Yardstick:
    """Money in quote; the drawdown is the deepest fall in percent of its peak, at least 0, looked at
    at the start, at each UTC midnight and at the end."""

    name: str
    end_equity: Decimal
    profit: Decimal
    profit_pct: float
    max_drawdown_pct: float


def yardsticks_of(record: Record, candles: Candles) -> tuple[Yardstick, Yardstick]:
    """Buy and hold, then the even DCA, with the record's start equity over the record's time.

    Of `candles` (open times in ms UTC, prices in quote) only those from `since` to before `until`
    count, so they may begin with a warm-up. Both buy at an open as taker, without slippage, and are
    marked to the last close. The DCA spends one equal part at the first open of each UTC day that has
    a candle, its first at the first candle.
    """
    first, end = np.searchsorted(candles.at, [record.since, record.until]).tolist()
    if first == end:
        raise ValueError("the candles hold none of the time of the record")
    lived = part(candles, first, end)
    everything, daily = np.zeros(1, np.int64), _first_of_days(lived)
    return (
        _bought(HOLD, record, lived, everything),
        _bought(EVEN_DCA, record, lived, daily),
    )


def _first_of_days(candles: Candles) -> Rows:
    """The rows of each UTC day's first candle; a day without candles has none."""
    midnights = _midnights(candles, int(candles.at[-1]))
    return np.unique(np.append(0, np.searchsorted(candles.at, midnights)))


def _midnights(candles: Candles, until: int) -> Rows:
    """The UTC midnights after the first candle's open, up to `until`, in ms."""
    return np.arange((int(candles.at[0]) // DAY_MS + 1) * DAY_MS, until + 1, DAY_MS, dtype=np.int64)


def _bought(name: str, record: Record, candles: Candles, buys: Rows) -> Yardstick:
    """Equal parts of the start equity spent at the opens of the rows `buys`."""
    start, last = record.start_equity, exact(candles.close[-1])
    per_quote = _base_per_quote(record.market)
    bought = [per_quote / exact(price) for price in candles.open[buys].tolist()]
    end = money(start * sum(bought, ZERO) / len(bought) * last)
    marks = _marks(candles, buys, np.array(bought, np.float64), record.until)
    return Yardstick(
        name=name,
        end_equity=end,
        profit=end - start,
        profit_pct=float((end / start - 1) * HUNDRED),
        max_drawdown_pct=_drawdown_pct(np.concatenate(([1.0], marks, [float(end / start)]))),
    )


def _base_per_quote(market: Market) -> Decimal:
    """How much base one quote buys at a price of 1, once the fee is paid out of either."""
    fee = market.taker_fee
    return ONE - fee if market.fee_in is FeeIn.RECEIVED else ONE / (ONE + fee)


def _marks(candles: Candles, buys: Rows, bought: NDArray[np.float64], until: int) -> NDArray[np.float64]:
    """Equity at each midnight in parts of the start equity, marked to the last close before it: what was
    bought before, and the quote that was not yet spent."""
    rows = np.searchsorted(candles.at, _midnights(candles, until)) - 1
    made = np.searchsorted(buys, rows, side="right")
    held = np.cumsum(bought)[made - 1]
    marks: NDArray[np.float64] = (len(buys) - made + held * candles.close[rows]) / len(buys)
    return marks


def _drawdown_pct(equities: NDArray[np.float64]) -> float:
    peaks = np.maximum.accumulate(equities)
    return float(np.max(1 - equities / peaks) * 100)
