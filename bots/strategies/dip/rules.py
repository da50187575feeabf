"""Rules between a dip bot's settings, which no market and no price could mend."""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from bots.strategies.exits import trail_keeps_profit, trail_limit
from bots.strategies.settings import Problem
from bots.strategies.words import plain
from orders.rules import HUNDRED, ZERO

if TYPE_CHECKING:
    from bots.strategies.dip.settings import DipSettings


def rule_problems(settings: "DipSettings") -> Iterator[Problem]:
    yield from _signal_problems(settings)
    yield from _buy_problems(settings)
    yield from _target_problems(settings)
    yield from _exit_problems(settings)


def _signal_problems(settings: "DipSettings") -> Iterator[Problem]:
    dip, most, rebound = settings.dip_pct, settings.max_dip_pct, settings.rebound_pct
    if dip >= most:
        yield Problem(
            "dip_over_max", "max_dip_pct", f"Deepest dip must be more than the dip, {plain(dip)} %."
        )
    if rebound >= dip:
        message = f"Rebound must be less than the dip, {plain(dip)} %: make it smaller, or 0 for none."
        yield Problem("rebound_over_dip", "rebound_pct", message)
    for name, title in (("rsi_period", "RSI period"), ("trend_sma", "Trend average")):
        if getattr(settings, name) == 1:
            yield Problem("one_candle", name, f"{title} must be 0 (off) or at least 2 candles.", "2")


def _buy_problems(settings: "DipSettings") -> Iterator[Problem]:
    if any(weight <= 0 for weight in settings.buy_weights):
        yield Problem("weights", "buy_weights", "Each weight must be more than 0: leave out the others.")
        return
    spent = settings.spends_most
    if spent > settings.investment:
        yield Problem(
            "over_investment",
            "investment",
            f"The buys of one dip spend {plain(spent)} together, more than the investment: raise it.",
            plain(spent),
        )
    stop, drop = settings.stop_loss_pct, settings.rebuy_drop_pct
    if settings.max_buys > 1 and 0 < stop <= drop:
        yield Problem(
            "stop_above_rebuy",
            "stop_loss_pct",
            f"The stop at {plain(stop)} % comes before the rebuy at {plain(drop)} %: the deal is sold "
            "before it buys again. Put the stop further away.",
            plain(drop + 1),
            warning=True,
        )


def _target_problems(settings: "DipSettings") -> Iterator[Problem]:
    targets, roi = settings.take_profits, settings.roi_steps
    total = sum((step.share_pct for step in targets), ZERO)
    if total != HUNDRED:
        message = f"The shares of the take profits add up to {plain(total)} %: make it 100 %."
        yield Problem("step_shares", "take_profits", message)
    if any(later.profit_pct <= one.profit_pct for one, later in pairwise(targets)):
        message = "Each take profit must be higher than the one before: put them in rising order."
        yield Problem("steps_not_rising", "take_profits", message)
    if any(later.after_s <= one.after_s for one, later in pairwise(roi)):
        message = "Each age must be more than the one before: put them in rising order."
        yield Problem("roi_not_rising", "roi_steps", message)
    if any(later.profit_pct >= one.profit_pct for one, later in pairwise(roi)):
        message = "Each profit by age must be lower than the one before: lower the later ones."
        yield Problem("roi_not_falling", "roi_steps", message)


def _exit_problems(settings: "DipSettings") -> Iterator[Problem]:
    arm, trail = settings.trail_arm_pct, settings.trail_pct
    if settings.trails and not trail_keeps_profit(arm, trail):
        widest = max(trail_limit(arm), ZERO)
        yield Problem(
            "trail_too_wide",
            "trail_pct",
            f"A trail of {plain(trail)} % armed at {plain(arm)} % can end in a loss: "
            f"use {plain(widest)} % or less.",
            plain(widest),
        )
