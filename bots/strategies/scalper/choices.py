"""The choices a scalper offers."""

from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from bots.strategies.settings import DAY_S
from bots.strategies.steps import TimedStep


class EntryRule(StrEnum):
    SPREAD_CAPTURE = "spread_capture"
    STOCH_DIP = "stoch_dip"
    EMA_PULLBACK = "ema_pullback"
    RSI = "rsi"


class RoiStep(TimedStep):
    """From `after_s` seconds after the first fill on, `profit_pct` is the target."""

    after_s: int = Field(ge=1, le=30 * DAY_S)
    profit_pct: Decimal = Field(ge=0, le=1000)
