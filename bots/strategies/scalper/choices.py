"""The choices a scalper offers."""

from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from bots.strategies.settings import DAY_S


class EntryRule(StrEnum):
    SPREAD_CAPTURE = "spread_capture"
    STOCH_DIP = "stoch_dip"
    EMA_PULLBACK = "ema_pullback"
    RSI = "rsi"


class EntryOrder(StrEnum):
    MARKET = "market"
    LIMIT = "limit"


class RoiStep(BaseModel):
    """From `after_s` seconds after the first fill on, `profit_pct` is the target."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    after_s: int = Field(ge=1, le=30 * DAY_S)
    profit_pct: Decimal = Field(ge=0, le=1000)
