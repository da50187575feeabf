"""Rules between a DCA bot's settings, which no market and no price could mend."""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from bots.strategies.exits import trail_keeps_profit, trail_limit
from bots.strategies.settings import Problem
from bots.strategies.words import plain
from orders.rules import HUNDRED, ZERO

if TYPE_CHECKING:
    from bots.strategies.dca.settings import DcaSettings

CLOSE_AFTER_MIN_S = 60


def rule_problems(settings: "DcaSettings") -> Iterator[Problem]:
    yield from _ladder_problems(settings)
    yield from _step_problems(settings)
    yield from _exit_problems(settings)
    yield from _bound_problems(settings)


def _ladder_problems(settings: "DcaSettings") -> Iterator[Problem]:
    count = settings.max_safety_orders
    if count and not settings.safety_order_volume:
        yield Problem(
            "safety_volume",
            "safety_order_volume",
            "Safety order must be more than 0 when there are safety orders; or set Safety orders to 0.",
        )
    if settings.active_safety_orders > max(count, 1):
        yield Problem(
            "active_over_max",
            "active_safety_orders",
            f"Active safety orders cannot be more than the {max(count, 1)} there are.",
            str(max(count, 1)),
        )
    deepest = settings.ladder.deviations
    if deepest and max(deepest) >= HUNDRED:
        fits = next(index for index, deviation in enumerate(deepest) if deviation >= HUNDRED)
        yield Problem(
            "too_deep",
            "max_safety_orders",
            f"Safety order {fits + 1} would rest 100 % or more under the base order: "
            f"use at most {fits} safety orders, or smaller steps.",
            str(fits),
        )
    spent = settings.base_order_volume + settings.ladder.volume
    if spent > settings.investment:
        yield Problem(
            "over_investment",
            "investment",
            f"Base and safety orders spend {plain(spent)} together, more than the investment: raise it.",
            plain(spent),
        )


def _step_problems(settings: "DcaSettings") -> Iterator[Problem]:
    steps = settings.take_profit_steps
    if steps and sum((step.share_pct for step in steps), ZERO) != HUNDRED:
        total = sum((step.share_pct for step in steps), ZERO)
        yield Problem(
            "step_shares",
            "take_profit_steps",
            f"The shares of the take profit steps add up to {total:f} %: make it 100 %.",
        )
    if any(later.profit_pct <= earlier.profit_pct for earlier, later in pairwise(steps)):
        yield Problem(
            "steps_not_rising",
            "take_profit_steps",
            "Each take profit step must be higher than the one before: put them in rising order.",
        )
    if settings.breakeven_after_first_step and len(steps) < 2:
        yield Problem(
            "breakeven_without_steps",
            "breakeven_after_first_step",
            "Break-even after the first step needs two take profit steps or more: add a step or turn it off.",
            "false",
        )


def _exit_problems(settings: "DcaSettings") -> Iterator[Problem]:
    trail = settings.trailing_deviation_pct
    arm = settings.steps[-1].profit_pct
    if trail and not trail_keeps_profit(arm, trail):
        yield Problem(
            "trail_too_wide",
            "trailing_deviation_pct",
            f"A trail of {trail:f} % from a target of {arm:f} % can end in a loss: "
            f"use {trail_limit(arm):f} % or less.",
            f"{max(trail_limit(arm), ZERO):f}",
        )
    if 0 < settings.close_after_s < CLOSE_AFTER_MIN_S:
        yield Problem(
            "close_after_short",
            "close_after_s",
            f"Close after must be 0 (never) or at least {CLOSE_AFTER_MIN_S} s.",
            str(CLOSE_AFTER_MIN_S),
        )
    deepest = max(settings.ladder.deviations, default=ZERO)
    if settings.stop_loss_reference == "base" and 0 < settings.stop_loss_pct < deepest:
        yield Problem(
            "stop_above_last",
            "stop_loss_pct",
            f"The stop at {settings.stop_loss_pct:f} % stands above the last safety order at "
            f"{deepest:.4f} %: the orders under it will never be bought. Put the stop under it.",
            f"{deepest.quantize(ZERO + 1, rounding='ROUND_CEILING') + 1:f}",
            warning=True,
        )


def _bound_problems(settings: "DcaSettings") -> Iterator[Problem]:
    low, high = settings.min_price, settings.max_price
    if low is not None and high is not None and low >= high:
        yield Problem(
            "price_bounds",
            "max_price",
            f"Highest entry price must be more than the lowest, {low:f}.",
        )
