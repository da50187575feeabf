"""The scalper's signals: columns over closed candles, one of which marks those that say buy."""

import numpy as np
from numpy.typing import NDArray

from bots.strategies.base import Candles, Signals
from bots.strategies.indicators import Column, adx, before, ema, fast_stochastic, recursive_window, rsi
from bots.strategies.scalper.choices import EntryRule
from bots.strategies.scalper.settings import ScalperSettings

BUY = "buy"
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
        line = rsi(close, settings.rsi_period)
        return Signals({"rsi": line, BUY: _mark(line < float(settings.rsi_threshold))})
    if settings.entry is EntryRule.STOCH_DIP:
        k, d = fast_stochastic(high, low, close, STOCHASTIC_K, STOCHASTIC_D)
        lows, trend = ema(low, DIP_EMA), adx(high, low, close, DIP_ADX)
        # Open under the lows' EMA, a strong trend, a fast stochastic that turns up from far down.
        turns = (k < STOCHASTIC_MAX) & (d < STOCHASTIC_MAX) & (before(k - d) <= 0) & (k > d)
        buys = (candles.open < lows) & (trend > DIP_ADX_MIN) & turns
        return Signals({"ema_low": lows, "adx": trend, "k": k, "d": d, BUY: _mark(buys)})
    if settings.entry is EntryRule.EMA_PULLBACK:
        fast, slow = ema(close, PULLBACK_FAST), ema(close, PULLBACK_SLOW)
        # A rising candle that closes over the slow EMA and came down to touch the fast one.
        buys = (close > slow) & (low <= fast) & (fast <= high) & (close > candles.open)
        return Signals({"ema_fast": fast, "ema_slow": slow, BUY: _mark(buys)})
    return Signals()


def _mark(buys: NDArray[np.bool_]) -> Column:
    """1 where a candle says buy; what compares with NaN, while an indicator warms up, is false."""
    return buys.astype(np.float64)
