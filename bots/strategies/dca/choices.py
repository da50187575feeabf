"""The choices a DCA bot offers."""

from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class StartCondition(StrEnum):
    NONSTOP = "nonstop"
    RSI = "rsi"
    SCHEDULE = "schedule"
    MANUAL = "manual"


class BaseOrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"


class Direction(StrEnum):
    BELOW = "below"
    ABOVE = "above"


class Timeframe(StrEnum):
    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H4 = "4h"
    D1 = "1d"


class Reference(StrEnum):
    BASE = "base"
    LAST = "last"


class TakeProfitType(StrEnum):
    TOTAL = "total"
    BASE = "base"


class StopReference(StrEnum):
    AVERAGE = "average"
    BASE = "base"


class StopAction(StrEnum):
    CLOSE = "close"
    CLOSE_AND_STOP = "close_and_stop"


class Step(BaseModel):
    """One part of the exit: `share_pct` of what the deal holds, sold `profit_pct` over its cost."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    profit_pct: Decimal = Field(gt=0, le=10_000)
    share_pct: Decimal = Field(gt=0, le=100)
