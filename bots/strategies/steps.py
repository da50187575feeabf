"""Targets in steps: parts of a deal at rising profits, or all of it at a profit that falls with its age."""

from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

from orders.rules import HUNDRED, ONE

STEPS_MAX = 4


class Step(BaseModel):
    """One part of the exit: `share_pct` of what the deal holds, sold `profit_pct` over its cost."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    profit_pct: Decimal = Field(gt=0, le=10_000)
    share_pct: Decimal = Field(gt=0, le=100)


class TimedStep(BaseModel):
    """From `after_s` seconds into a deal on, `profit_pct` is its target. Each bot sets its own limits."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    after_s: int
    profit_pct: Decimal

    @cached_property
    def target_part(self) -> Decimal:
        """The target as a part of the price it is measured from."""
        return ONE + self.profit_pct / HUNDRED


S = TypeVar("S", bound=TimedStep)


def reached(steps: Sequence[S], age_ms: int) -> S | None:
    """The latest of `steps` that a deal of this age has reached."""
    return next((step for step in reversed(steps) if age_ms >= step.after_s * 1000), None)


def next_age_ms(steps: Sequence[TimedStep], age_ms: int) -> int | None:
    """The age at which the next of `steps` begins."""
    ages = (step.after_s * 1000 for step in steps)
    return min((one for one in ages if one > age_ms), default=None)
