"""Indicators over closed candles: float arrays in, float arrays out, NaN while warming up.

A live bot computes them on its window, a backtest on all candles at once: sums begun elsewhere differ
in their last digits. So what they give is rounded, and an equality is one for both.
"""

import math
from typing import Any

import numpy as np
import talib
from numpy.typing import NDArray

Column = NDArray[np.float64]

# A recursive average forgets its start slowly: with 10 × the period one signal in 212 still differed
# between a live window and a backtest, with 30 × none did.
WARM_UP_PERIODS = 30

# A sum running over a year is wrong by 1e-13 of the price; a tick moves the mean of 1000 candles by more
# than 1e-11 of it.
PRICE_DIGITS = 12
PERCENT_PLACES = 6


def recursive_window(*periods: int) -> int:
    """How many closed candles recursive indicators (EMA, MACD, RSI, ATR, ADX) need."""
    return WARM_UP_PERIODS * max(periods, default=0)


def rsi(close: Column, period: int) -> Column:
    """Wilder's RSI, 0–100, and 50 where the last `period` candles did not move.

    There TA-Lib keeps the ratio of moves long gone, which a live window no longer holds, and says 0
    once they have decayed to nothing: a false buy.
    """
    if len(close) <= period:
        return _unknown(close)
    column: Column = talib.RSI(close, timeperiod=period)
    column[_still(close, close, period + 1)] = 50.0
    return _percent(column)


def ema(close: Column, period: int) -> Column:
    """Exponential mean with weight 2/(period+1), begun with the plain mean of the first `period`."""
    return _priced(_grown(talib.EMA, period, close, timeperiod=period), close)


def sma(values: Column, period: int) -> Column:
    """The plain mean of the last `period` values."""
    return _priced(_grown(talib.SMA, period, values, timeperiod=period), values)


def macd(close: Column, fast: int, slow: int, signal: int) -> tuple[Column, Column]:
    """The difference of two EMA, and its own EMA: the line and the signal it crosses."""
    if len(close) < slow + signal:
        return _unknown(close), _unknown(close)
    line, mean, _ = talib.MACD(close, fastperiod=fast, slowperiod=slow, signalperiod=signal)
    return _priced(line, close), _priced(mean, close)


def atr(high: Column, low: Column, close: Column, period: int) -> Column:
    """Wilder's average true range, in the unit of the prices."""
    return _priced(_grown(talib.ATR, period + 1, high, low, close, timeperiod=period), close)


def adx(high: Column, low: Column, close: Column, period: int) -> Column:
    """Wilder's average directional index, 0–100: his average of the DX.

    Where the last `period` candles stood still the DX counts as 0, no trend. TA-Lib keeps averaging the
    ratio of moves long gone, which a live window no longer holds.
    """
    if len(close) < 2 * period:
        return _unknown(close)
    moves = talib.DX(high, low, close, timeperiod=period)[period - 1 :]
    moves[_still(high, low, period)[period - 1 :]] = 0.0
    moves[0], nothing = 0.0, np.zeros(len(moves))
    # The ATR of candles from 0 up to each value is Wilder's average of the values, the first left out.
    averages = talib.ATR(moves, nothing, nothing, timeperiod=period)
    return _percent(np.concatenate((_unknown(close[: period - 1]), averages)))


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
    column = _unknown(values)
    column[steps:] = values[: max(len(values) - steps, 0)]
    return column


def latest_highest(values: Column, period: int) -> NDArray[np.int64]:
    """The row of the highest of the last `period` values, the present one included; of equal ones the
    latest; -1 until there are `period` (at least 2) of them.

    A row is the highest of some window when no window around it has a higher maximum. Each such row
    takes over when it comes, or, if it is lower than the one before, when that one leaves the window.
    """
    rows = np.full(len(values), -1, dtype=np.int64)
    if len(values) < period:
        return rows
    maxima = np.full(len(values) + period - 1, np.inf)
    maxima[period - 1 : len(values)] = talib.MAX(values, timeperiod=period)[period - 1 :]
    tops = np.flatnonzero(talib.MIN(maxima, timeperiod=period)[period - 1 :] == values)
    begins = np.empty(len(tops) + 1, dtype=np.int64)
    begins[0], begins[-1] = period - 1, len(values)
    lower = values[tops[1:]] < values[tops[:-1]]
    begins[1:-1] = np.where(lower, tops[:-1] + period, tops[1:])
    np.maximum.accumulate(begins, out=begins)
    rows[period - 1 :] = np.repeat(tops, begins[1:] - begins[:-1])
    return rows


def fast_stochastic(
    high: Column, low: Column, close: Column, k_period: int, d_period: int
) -> tuple[Column, Column]:
    """%K: where the close lies in the range of the last `k_period` candles, 0–100; %D: its plain average.

    Without movement %K is 50, where TA-Lib says 0, as for the RSI.
    """
    if len(close) < k_period + d_period:
        return _unknown(close), _unknown(close)
    highest, lowest = talib.MAX(high, timeperiod=k_period), talib.MIN(low, timeperiod=k_period)
    span = highest - lowest
    k: Column = np.where(span == 0, 50.0, 100 * (close - lowest) / np.where(span == 0, 1.0, span))
    return _percent(k), _percent(talib.SMA(k, timeperiod=d_period))


def _grown(indicator: Any, least: int, *columns: Column, **options: int) -> Column:
    """NaN throughout where there are fewer than `least` rows."""
    if len(columns[0]) < least:
        return _unknown(columns[0])
    column: Column = indicator(*columns, **options)
    return column


def _unknown(like: Column) -> Column:
    return np.full(len(like), np.nan)


def _still(high: Column, low: Column, count: int) -> NDArray[np.bool_]:
    """Where the last `count` candles all stood at one price."""
    stood: NDArray[np.bool_] = talib.MAX(high, timeperiod=count) == talib.MIN(low, timeperiod=count)
    return stood


def _percent(column: Column) -> Column:
    return column.round(PERCENT_PLACES, out=column)


def _priced(column: Column, scale: Column) -> Column:
    """`column`, rounded to the last of 12 digits that the largest of `scale` has."""
    largest = float(scale.max(initial=0.0))
    if largest <= 0:
        return column
    return column.round(PRICE_DIGITS - math.ceil(math.log10(largest)), out=column)
