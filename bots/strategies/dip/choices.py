"""The choices a dip bot offers."""

from decimal import Decimal

from pydantic import Field

from bots.strategies.steps import TimedStep


class RoiStep(TimedStep):
    """From `after_s` seconds of a deal's age on, all of it is offered `profit_pct` over its average."""

    after_s: int = Field(ge=0, le=360 * 86_400)
    profit_pct: Decimal = Field(gt=0, le=10_000)
