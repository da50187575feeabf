"""Rules between a scalper's settings, which no market and no price could mend."""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from bots.strategies.settings import Problem
from bots.strategies.words import plain

if TYPE_CHECKING:
    from bots.strategies.scalper.settings import ScalperSettings

HOLD_MIN_S = 5


def rule_problems(settings: "ScalperSettings") -> Iterator[Problem]:
    yield from _entry_problems(settings)
    yield from _time_problems(settings)
    if settings.order_amount > settings.investment:
        yield Problem(
            "over_investment",
            "investment",
            f"One order spends {plain(settings.order_amount)}, more than the investment: raise it.",
            plain(settings.order_amount),
        )


def _entry_problems(settings: "ScalperSettings") -> Iterator[Problem]:
    if not settings.at_market:
        return
    if settings.captures_spread:
        yield Problem(
            "spread_at_market",
            "entry_order",
            "Spread capture rests a bid: Entry order must be limit.",
            "limit",
        )
    elif settings.post_only:
        yield Problem(
            "post_only_at_market",
            "entry_order",
            "Post only needs limit entries: make Entry order limit, or turn Post only off.",
            "limit",
        )


def _time_problems(settings: "ScalperSettings") -> Iterator[Problem]:
    if 0 < settings.max_hold_s < HOLD_MIN_S:
        yield Problem(
            "hold_short",
            "max_hold_s",
            f"Longest hold must be 0 (never) or at least {HOLD_MIN_S} s.",
            str(HOLD_MIN_S),
        )
    steps = settings.roi_steps
    if any(later.after_s <= earlier.after_s for earlier, later in pairwise(steps)):
        yield Problem(
            "roi_not_rising",
            "roi_steps",
            "Each falling target must begin later than the one before: put them in rising order of time.",
        )
    profits = [settings.take_profit_pct, *(step.profit_pct for step in steps)]
    if any(later >= earlier for earlier, later in pairwise(profits)):
        yield Problem(
            "roi_not_falling",
            "roi_steps",
            "Each falling target must be lower than the one before, and the first lower than the take "
            "profit: lower them.",
        )
    late = [step.after_s for step in steps if 0 < settings.max_hold_s <= step.after_s]
    if late:
        yield Problem(
            "roi_after_hold",
            "roi_steps",
            f"The falling target after {late[0]} s is never reached: the deal is sold at "
            f"{settings.max_hold_s} s.",
            warning=True,
        )
