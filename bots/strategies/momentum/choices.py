"""The choices a momentum bot offers."""

from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from bots.strategies.steps import TimedStep

YEAR_S = 366 * 86_400


class Entry(StrEnum):
    EMA_CROSS = "ema_cross"
    MACD = "macd"
    RSI = "rsi"
    BREAKOUT = "breakout"


class StopKind(StrEnum):
    ATR = "atr"
    PERCENT = "percent"


class SizeMode(StrEnum):
    AMOUNT = "amount"
    RISK = "risk"


class RoiStep(TimedStep):
    """From `after_s` seconds into a deal on, its target is `profit_pct` over the average fill price."""

    after_s: int = Field(ge=0, le=YEAR_S)
    profit_pct: Decimal = Field(ge=0, le=10_000)
