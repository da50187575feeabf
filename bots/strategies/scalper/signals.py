"""The scalper's signals: columns over closed candles, and whether the last candle says buy."""

from collections.abc import Mapping

import numpy as np

from bots.strategies.base import Candles, SignalRow, Signals
from bots.strategies.indicators import Column, adx, ema, fast_stochastic, recursive_window, rsi
from bots.strategies.scalper.choices import EntryRule
from bots.strategies.scalper.settings import ScalperSettings

DIP_EMA, DIP_ADX, DIP_ADX_MIN = 5, 14, 30
STOCHASTIC_K, STOCHASTIC_D, STOCHASTIC_MAX = 5, 3, 30
PULLBACK_FAST, PULLBACK_SLOW = 9, 50


def candles_needed(settings: ScalperSettings) -> int:
    """The longest recursive period's warm-up; the stochastic's own window is shorter."""
    periods = {
        EntryRule.SPREAD_CAPTURE: (),
        EntryRule.RSI: (settings.rsi_period,),
        EntryRule.STOCH_DIP: (DIP_EMA, DIP_ADX),
        EntryRule.EMA_PULLBACK: (PULLBACK_FAST, PULLBACK_SLOW),
    }
    return recursive_window(*periods[settings.entry])


def columns(settings: ScalperSettings, candles: Candles) -> Signals:
    high, low, close = candles.high, candles.low, candles.close
    if settings.entry is EntryRule.RSI:
        return Signals({"rsi": rsi(close, settings.rsi_period)})
    if settings.entry is EntryRule.STOCH_DIP:
        k, d = fast_stochastic(high, low, close, STOCHASTIC_K, STOCHASTIC_D)
        return Signals(
            {
                "open": candles.open,
                "ema_low": ema(low, DIP_EMA),
                "adx": adx(high, low, close, DIP_ADX),
                "k": k,
                "d": d,
                "lead_before": _before(k - d),
            }
        )
    if settings.entry is EntryRule.EMA_PULLBACK:
        return Signals(
            {
                "open": candles.open,
                "high": high,
                "low": low,
                "close": close,
                "ema_fast": ema(close, PULLBACK_FAST),
                "ema_slow": ema(close, PULLBACK_SLOW),
            }
        )
    return Signals()


def says_buy(settings: ScalperSettings, row: SignalRow) -> bool:
    """NaN, while an indicator warms up, compares as false: no entry."""
    values = row.values
    if settings.entry is EntryRule.RSI:
        return values["rsi"] < float(settings.rsi_threshold)
    if settings.entry is EntryRule.STOCH_DIP:
        return _dips(values)
    if settings.entry is EntryRule.EMA_PULLBACK:
        return _pulls_back(values)
    return False


def _dips(values: Mapping[str, float]) -> bool:
    """Open under the lows' EMA, a strong trend, and a fast stochastic that turns up from far down."""
    low_stochastic = values["k"] < STOCHASTIC_MAX and values["d"] < STOCHASTIC_MAX
    crosses = values["lead_before"] <= 0 and values["k"] > values["d"]
    return values["open"] < values["ema_low"] and values["adx"] > DIP_ADX_MIN and low_stochastic and crosses


def _pulls_back(values: Mapping[str, float]) -> bool:
    """A rising candle that closes over the slow EMA and came down to touch the fast one."""
    rises = values["close"] > values["open"]
    touches = values["low"] <= values["ema_fast"] <= values["high"]
    return values["close"] > values["ema_slow"] and touches and rises


def _before(column: Column) -> Column:
    """Each candle's value of the candle before it."""
    return np.concatenate(([np.nan], column[:-1]))
