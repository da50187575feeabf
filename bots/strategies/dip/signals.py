"""What closed candles say: how far the close is under its high, and whether the filters let it pass."""

import math
from decimal import Decimal

import numpy as np

from bots.strategies.base import Candles, SignalRow, Signals
from bots.strategies.dip.settings import DipSettings
from bots.strategies.indicators import earlier, latest_highest, recursive_window, rsi, sma
from bots.strategies.words import plain
from orders.records import Frozen
from orders.rules import HUNDRED

HIGH, HIGH_AT, TOP, LOW, RSI, SMA, BEFORE = "high", "high_at", "top", "low", "rsi", "sma", "before"
# Marks every candle that may be a dip: a float's last digit must not hide one from the exact test.
DIPS, SLACK = "dips", 1e-9
PLACES = Decimal("0.01")


def columns(settings: DipSettings, candles: Candles) -> Signals:
    """`high` is the highest of the window and `high_at` its open time in ms; `top` and `low` are the
    candle's own; `before` the close `knife_candles` earlier."""
    rows = latest_highest(candles.high, settings.lookback)
    high, high_at = candles.high[rows], candles.at[rows].astype(np.float64)
    high[rows < 0] = high_at[rows < 0] = np.nan
    found = {HIGH: high, HIGH_AT: high_at, TOP: candles.high, LOW: candles.low}
    deep = high * (1 - float(settings.dip_pct) / 100 + SLACK)
    found[DIPS] = (candles.close <= deep).astype(np.float64)
    if settings.rsi_period and settings.rsi_max:
        found[RSI] = rsi(candles.close, settings.rsi_period)
    if settings.trend_sma:
        found[SMA] = sma(candles.close, settings.trend_sma)
    if settings.knife_candles and settings.knife_drop_pct:
        found[BEFORE] = earlier(candles.close, settings.knife_candles)
    return Signals(found)


def candles_needed(settings: DipSettings) -> int:
    uses_rsi = settings.rsi_period and settings.rsi_max
    knife = settings.knife_candles + 1 if settings.knife_candles and settings.knife_drop_pct else 0
    recursive = recursive_window(settings.rsi_period) if uses_rsi else 0
    return max(settings.lookback, recursive, settings.trend_sma, knife)


def exact(value: float) -> Decimal | None:
    """The number as it was written, None while it is warming up."""
    return None if math.isnan(value) else Decimal(repr(value))


def fall_pct(high: Decimal, price: Decimal) -> Decimal:
    return (high - price) / high * HUNDRED


class Signal(Frozen):
    """One closed candle. `high` and `high_at` are the window's highest, None while it is not full."""

    at: int
    close: Decimal
    top: Decimal
    low: Decimal
    high: Decimal | None
    high_at: int
    refusal: str
    dips: bool

    @classmethod
    def of(cls, settings: DipSettings, row: SignalRow) -> "Signal":
        high = exact(row.values[HIGH])
        drop = None if high is None else fall_pct(high, row.close)
        dips = drop is not None and drop >= settings.dip_pct
        return cls(
            at=row.at,
            close=row.close,
            top=exact(row.values[TOP]) or row.close,
            low=exact(row.values[LOW]) or row.close,
            high=high,
            high_at=0 if high is None else int(row.values[HIGH_AT]),
            refusal=_refusal(settings, row, drop) if drop is not None and dips else "",
            dips=dips,
        )


def _refusal(settings: DipSettings, row: SignalRow, drop: Decimal) -> str:
    """Which filter keeps this dip from being bought, or nothing. A filter warming up lets none pass."""
    if drop > settings.max_dip_pct:
        return f"Dip of {_short(drop)} % not bought: it is deeper than {plain(settings.max_dip_pct)} %."
    for name, verdict in ((RSI, _over_rsi), (SMA, _under_trend), (BEFORE, _knife)):
        if name not in row.values:
            continue
        value = exact(row.values[name])
        reason = "the candles are not enough yet" if value is None else verdict(settings, row, value)
        if reason:
            return f"Dip of {_short(drop)} % not bought: {reason}."
    return ""


def _over_rsi(settings: DipSettings, row: SignalRow, value: Decimal) -> str:
    return f"RSI {_short(value)} is over {plain(settings.rsi_max)}" if value > settings.rsi_max else ""


def _under_trend(settings: DipSettings, row: SignalRow, value: Decimal) -> str:
    return f"the close is not over its average of {settings.trend_sma}" if row.close <= value else ""


def _knife(settings: DipSettings, row: SignalRow, value: Decimal) -> str:
    fallen = fall_pct(value, row.close)
    if fallen <= settings.knife_drop_pct:
        return ""
    return f"a falling knife, {_short(fallen)} % in {settings.knife_candles} candles"


def _short(value: Decimal) -> str:
    return plain(value.quantize(PLACES))
