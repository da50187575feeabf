"""Indicators over closed candles: float arrays in, float arrays out, NaN while warming up."""

from typing import Any

import numpy as np
import talib
from numpy.typing import NDArray

Column = NDArray[np.float64]

# A recursive average forgets its start slowly: with 10 × the period one signal in 212 still differed
# between a live window and a backtest, with 30 × none did.
WARM_UP_PERIODS = 30


def recursive_window(*periods: int) -> int:
    """How many closed candles recursive indicators (EMA, MACD, RSI, ATR, ADX) need."""
    return WARM_UP_PERIODS * max(periods, default=0)


def rsi(close: Column, period: int) -> Column:
    """Wilder's RSI, 0–100, and 50 where the last `period` candles did not move.

    TA-Lib says 0 there, also once old moves have decayed to nothing: a false buy.
    """
    if len(close) <= period:
        return np.full(len(close), np.nan)
    column: Column = talib.RSI(close, timeperiod=period)
    moves = np.concatenate(([0], np.cumsum(np.diff(close) != 0)))
    still = np.zeros(len(close), dtype=bool)
    still[period:] = moves[period:] == moves[:-period]
    column[still & (column == 0)] = 50.0
    return column


def ema(close: Column, period: int) -> Column:
    """Exponential mean with weight 2/(period+1), begun with the plain mean of the first `period`."""
    return _grown(talib.EMA, period, close, timeperiod=period)


def sma(values: Column, period: int) -> Column:
    """The plain mean of the last `period` values."""
    return _grown(talib.SMA, period, values, timeperiod=period)


def macd(close: Column, fast: int, slow: int, signal: int) -> tuple[Column, Column]:
    """The difference of two EMA, and its own EMA: the line and the signal it crosses."""
    if len(close) < slow + signal:
        return np.full(len(close), np.nan), np.full(len(close), np.nan)
    line, mean, _ = talib.MACD(close, fastperiod=fast, slowperiod=slow, signalperiod=signal)
    return line, mean


def atr(high: Column, low: Column, close: Column, period: int) -> Column:
    """Wilder's average true range, in the unit of the prices."""
    return _grown(talib.ATR, period, high, low, close, timeperiod=period)


def adx(high: Column, low: Column, close: Column, period: int) -> Column:
    """Wilder's average directional index, 0–100."""
    return _grown(talib.ADX, 2 * period, high, low, close, timeperiod=period)


def highest_before(high: Column, period: int) -> Column:
    """The highest of the `period` values before each one, itself excluded."""
    return before(_grown(talib.MAX, period, high, timeperiod=period))


def lowest_before(low: Column, period: int) -> Column:
    """The lowest of the `period` values before each one, itself excluded."""
    return before(_grown(talib.MIN, period, low, timeperiod=period))


def before(column: Column) -> Column:
    """Each row's value one row earlier."""
    return earlier(column, 1)


def earlier(values: Column, steps: int) -> Column:
    """Each value `steps` rows before; NaN where there is none."""
    column = np.full(len(values), np.nan)
    column[steps:] = values[: len(values) - steps]
    return column


def latest_highest(values: Column, period: int) -> NDArray[np.int64]:
    """The row of the highest of the last `period` values, the present one included; of equal ones the
    latest; -1 until there are `period` (at least 2) of them.

    Ranked by value and then by row, no two are equal, and the highest rank tells its row.
    """
    rows = np.full(len(values), -1, dtype=np.int64)
    if len(values) < period:
        return rows
    by_rank = np.argsort(values, kind="stable")
    rank = np.empty(len(values))
    rank[by_rank] = np.arange(len(values))
    rows[period - 1 :] = by_rank[talib.MAX(rank, timeperiod=period)[period - 1 :].astype(np.int64)]
    return rows


def fast_stochastic(
    high: Column, low: Column, close: Column, k_period: int, d_period: int
) -> tuple[Column, Column]:
    """%K: where the close lies in the range of the last `k_period` candles, 0–100; %D: its plain average.

    Without movement %K is 50, where TA-Lib says 0, as for the RSI.
    """
    if len(close) < k_period + d_period:
        return np.full(len(close), np.nan), np.full(len(close), np.nan)
    highest, lowest = talib.MAX(high, timeperiod=k_period), talib.MIN(low, timeperiod=k_period)
    span = highest - lowest
    k: Column = np.where(span == 0, 50.0, 100 * (close - lowest) / np.where(span == 0, 1.0, span))
    return k, talib.SMA(k, timeperiod=d_period)


def _grown(indicator: Any, least: int, *columns: Column, **options: int) -> Column:
    """NaN throughout where there are fewer than `least` rows."""
    if len(columns[0]) < least:
        return np.full(len(columns[0]), np.nan)
    column: Column = indicator(*columns, **options)
    return column
