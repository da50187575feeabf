"""The choices a dip bot offers."""

from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from bots.strategies.dca.choices import Step, Timeframe

__all__ = ["TIMEFRAMES_MS", "EntryOrder", "RoiStep", "Step", "Timeframe"]

MINUTE_MS = 60_000
TIMEFRAMES_MS = {
    Timeframe.M1: MINUTE_MS,
    Timeframe.M5: 5 * MINUTE_MS,
    Timeframe.M15: 15 * MINUTE_MS,
    Timeframe.M30: 30 * MINUTE_MS,
    Timeframe.H1: 60 * MINUTE_MS,
    Timeframe.H4: 240 * MINUTE_MS,
    Timeframe.D1: 1440 * MINUTE_MS,
}


class EntryOrder(StrEnum):
    MARKET = "market"
    LIMIT = "limit"


class RoiStep(BaseModel):
    """From `after_s` seconds of a deal's age on, all of it is offered `profit_pct` over its average."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    after_s: int = Field(ge=0, le=360 * 86_400)
    profit_pct: Decimal = Field(gt=0, le=10_000)
