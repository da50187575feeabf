"""What closed candles say: the entry and its opposite, and the filters, each with a verdict."""

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from bots.strategies.base import Candles, Signals
from bots.strategies.indicators import (
    Column,
    adx,
    atr,
    before,
    ema,
    highest_before,
    lowest_before,
    macd,
    recursive_window,
    rsi,
    sma,
)
from bots.strategies.momentum.choices import Entry
from bots.strategies.momentum.conditions import EntryConditions
from bots.strategies.momentum.settings import MomentumSettings
from orders.records import Frozen

VOLUME_MEAN = 20
ENTER, LEAVE, ATR, CLOSE = "enter", "leave", "atr", "close"
RSI, ADX, TREND, VOLUME, MEAN = "rsi", "adx", "trend_sma", "volume", "volume_mean"
Row = Mapping[str, float]
Marks = NDArray[np.bool_]


class Verdict(Frozen):
    """What one filter says of a candle, and why."""

    name: str
    passed: bool
    why: str

    def __str__(self) -> str:
        return f"{self.name} {'passes' if self.passed else 'refuses'}: {self.why}."


def candles_needed(settings: MomentumSettings) -> int:
    """Warm-up of the recursive indicators in use, or the longest finite window, and a candle before."""
    recursive = [settings.rsi_period, settings.adx_period]
    if settings.atr_stop:
        recursive.append(settings.atr_period)
    if settings.entry is Entry.EMA_CROSS:
        recursive += [settings.ema_fast, settings.ema_slow]
    if settings.entry is Entry.MACD:
        recursive += [settings.macd_slow, settings.macd_signal]
    finite = [settings.trend_sma, VOLUME_MEAN if settings.volume_factor else 0]
    if settings.entry is Entry.BREAKOUT:
        finite.append(settings.breakout_lookback)
    return max(recursive_window(*recursive), *finite) + 1


def signals(settings: MomentumSettings, candles: Candles) -> Signals:
    enter, leave = _crosses(settings, candles)
    columns = {ENTER: enter.astype(np.float64), LEAVE: leave.astype(np.float64), CLOSE: candles.close}
    if settings.atr_stop:
        columns[ATR] = atr(candles.high, candles.low, candles.close, settings.atr_period)
    if settings.filters_rsi:
        columns[RSI] = rsi(candles.close, settings.rsi_period)
    if settings.filters_adx:
        columns[ADX] = adx(candles.high, candles.low, candles.close, settings.adx_period)
    if settings.trend_sma:
        columns[TREND] = _mean(candles.close, settings.trend_sma)
    if settings.volume_factor:
        columns[VOLUME] = candles.volume
        columns[MEAN] = sma(candles.volume, VOLUME_MEAN)
    return Signals(columns)


def _mean(values: Column, period: int) -> Column:
    return values if period == 1 else sma(values, period)


def _crosses(settings: EntryConditions, candles: Candles) -> tuple[Marks, Marks]:
    """Where the entry's condition begins, and where its opposite does. NaN begins nothing."""
    close = candles.close
    if settings.entry is Entry.BREAKOUT:
        lookback = settings.breakout_lookback
        return close > highest_before(candles.high, lookback), close < lowest_before(candles.low, lookback)
    if settings.entry is Entry.RSI:
        # Without a period the settings are refused; an empty column says nothing either.
        period = settings.rsi_period
        line = rsi(close, period) if period else np.full(len(close), np.nan)
        level = np.full(len(close), float(settings.rsi_min))
        return _over(line, level, 0.0), _under(line, level)
    if settings.entry is Entry.MACD:
        line, level = macd(close, settings.macd_fast, settings.macd_slow, settings.macd_signal)
        return _over(line, level, 0.0), _under(line, level)
    fast, slow = ema(close, settings.ema_fast), ema(close, settings.ema_slow)
    return _over(fast, slow, float(settings.entry_margin_pct) / 100), _under(fast, slow)


def _over(line: Column, level: Column, margin: float) -> Marks:
    """line ≤ level in the row before, and line > level·(1 + margin) now."""
    crossed: Marks = (before(line) <= before(level)) & (line > level * (1 + margin))
    return crossed


def _under(line: Column, level: Column) -> Marks:
    crossed: Marks = (before(line) >= before(level)) & (line < level)
    return crossed


def atr_of(row: Row) -> Decimal | None:
    """The candle's ATR in quote; None while it warms up, and where nothing has moved."""
    value = row.get(ATR, math.nan)
    return Decimal(str(value)) if math.isfinite(value) and value > 0 else None


def verdicts(settings: MomentumSettings, row: Row) -> Iterator[Verdict]:
    """One for each filter that is on. A filter still warming up refuses."""
    if settings.filters_rsi:
        yield _rsi_verdict(settings, row.get(RSI, math.nan))
    if settings.filters_adx:
        value, least = row.get(ADX, math.nan), settings.adx_min
        yield Verdict("ADX", value >= float(least), _told(value, f"at least {least:f} is asked"))
    if settings.volume_factor:
        factor, volume, mean = settings.volume_factor, row.get(VOLUME, math.nan), row.get(MEAN, math.nan)
        times = volume / mean if mean > 0 else math.nan
        told = _told(times, f"at least {factor:f} times the mean is asked")
        yield Verdict("Volume", mean > 0 and volume >= float(factor) * mean, told)
    if settings.trend_sma:
        yield from _trend_verdicts(settings, row[CLOSE], row.get(TREND, math.nan))
    if settings.atr_stop:
        known = atr_of(row)
        far = known is not None and settings.atr_multiple * known >= Decimal(str(row[CLOSE]))
        why = "its stop would lie under zero" if far else _told(row.get(ATR, math.nan), "it places the stop")
        yield Verdict("ATR", known is not None and not far, why)


def _rsi_verdict(settings: MomentumSettings, value: float) -> Verdict:
    low, high = settings.rsi_min, settings.rsi_max
    passed = value >= float(low) and (not high or value <= float(high))
    band = f"{low:f} to {high:f}" if high else f"at least {low:f}"
    return Verdict("RSI", passed, _told(value, f"{band} is asked"))


def _trend_verdicts(settings: MomentumSettings, close: float, mean: float) -> Iterator[Verdict]:
    away = (close / mean - 1) * 100 if mean > 0 else math.nan
    yield Verdict("Trend", close > mean, _told(away, "percent over the average, more than 0 is asked"))
    most = settings.max_extension_pct
    if most:
        told = _told(away, f"percent over the average, at most {most:f} is asked")
        yield Verdict("Extension", away <= float(most), told)


def _told(value: float, asked: str) -> str:
    return f"{value:.4g}, {asked}" if math.isfinite(value) else "still warming up"
