"""The choices a momentum bot offers."""

from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

YEAR_S = 366 * 86_400


class Timeframe(StrEnum):
    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H4 = "4h"
    D1 = "1d"

    @property
    def period_ms(self) -> int:
        minutes = {"m": 1, "h": 60, "d": 1440}[self.value[-1]]
        return int(self.value[:-1]) * minutes * 60_000


class Entry(StrEnum):
    EMA_CROSS = "ema_cross"
    MACD = "macd"
    RSI = "rsi"
    BREAKOUT = "breakout"


class EntryOrder(StrEnum):
    MARKET = "market"
    LIMIT = "limit"


class StopKind(StrEnum):
    ATR = "atr"
    PERCENT = "percent"


class SizeMode(StrEnum):
    AMOUNT = "amount"
    RISK = "risk"


class RoiStep(BaseModel):
    """From `after_s` seconds into a deal on, its target is `profit_pct` over the average fill price."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    after_s: int = Field(ge=0, le=YEAR_S)
    profit_pct: Decimal = Field(ge=0, le=10_000)
