"""Rules between a momentum bot's settings, which no market and no price could mend."""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from bots.strategies.exits import trail_keeps_profit, trail_limit
from bots.strategies.momentum.choices import Entry, SizeMode
from bots.strategies.settings import Problem
from bots.strategies.words import plain
from orders.rules import ZERO

if TYPE_CHECKING:
    from bots.strategies.momentum.settings import MomentumSettings

PERIOD_MIN = 2


def rule_problems(settings: "MomentumSettings") -> Iterator[Problem]:
    yield from _average_problems(settings)
    yield from _filter_problems(settings)
    yield from _exit_problems(settings)
    yield from _step_problems(settings)
    if settings.size_mode is SizeMode.AMOUNT and settings.amount > settings.investment:
        yield Problem(
            "over_investment",
            "investment",
            f"Each entry spends {plain(settings.amount)}, more than the investment: raise it or buy less.",
            plain(settings.amount),
        )


def _average_problems(settings: "MomentumSettings") -> Iterator[Problem]:
    for name in ("ema", "macd"):
        fast, slow = getattr(settings, f"{name}_fast"), getattr(settings, f"{name}_slow")
        if fast >= slow:
            yield Problem(
                f"{name}_fast_over_slow",
                f"{name}_fast",
                f"The fast average of {name.upper()} must be shorter than the slow one of {slow} candles: "
                f"use at most {slow - 1}.",
                str(slow - 1),
            )


def _filter_problems(settings: "MomentumSettings") -> Iterator[Problem]:
    for name in ("rsi", "adx"):
        if 0 < getattr(settings, f"{name}_period") < PERIOD_MIN:
            yield Problem(
                f"{name}_period_short",
                f"{name}_period",
                f"{name.upper()} period must be 0 (off) or at least {PERIOD_MIN} candles.",
                str(PERIOD_MIN),
            )
    if settings.entry is Entry.RSI and not settings.rsi_period:
        yield Problem(
            "rsi_off",
            "rsi_period",
            "The entry RSI needs an RSI: set its period to 14, or choose another entry.",
            "14",
        )
    if settings.entry is Entry.RSI and not settings.rsi_min:
        yield Problem(
            "rsi_cross_at_zero",
            "rsi_min",
            "The RSI never crosses up through 0: set Lowest RSI to 50, or choose another entry.",
            "50",
        )
    if settings.rsi_period and 0 < settings.rsi_max <= settings.rsi_min:
        yield Problem(
            "rsi_band",
            "rsi_max",
            f"Highest RSI must be more than the lowest, {plain(settings.rsi_min)}, or 0 for no limit.",
            "0",
        )


def _exit_problems(settings: "MomentumSettings") -> Iterator[Problem]:
    arm, trail = settings.profit_trail_arm_pct, settings.profit_trail_pct
    if settings.trails_profit and not trail_keeps_profit(arm, trail):
        widest = max(trail_limit(arm), ZERO)
        yield Problem(
            "trail_too_wide",
            "profit_trail_pct",
            f"A profit trail of {plain(trail)} % that begins at {plain(arm)} % can end in a loss: "
            f"use {plain(widest)} % or less.",
            plain(widest),
        )


def _step_problems(settings: "MomentumSettings") -> Iterator[Problem]:
    steps = settings.roi_steps
    if any(later.after_s <= earlier.after_s for earlier, later in pairwise(steps)):
        yield Problem(
            "roi_times",
            "roi_steps",
            "Each of the targets by time must begin later than the one before: put them in rising order.",
        )
    profits = [step.profit_pct for step in steps]
    if settings.take_profit_pct:
        profits.insert(0, settings.take_profit_pct)
    if any(later >= earlier for earlier, later in pairwise(profits)):
        yield Problem(
            "roi_profits",
            "roi_steps",
            "The profit of targets by time must fall from each to the next, from the take profit on.",
        )
