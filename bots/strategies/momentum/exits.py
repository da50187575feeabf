"""Where a momentum deal is left: its stop, its profit trail, its target, its last moment."""

from decimal import Decimal

from bots.strategies.exits import above, below
from bots.strategies.momentum.memory import Deal
from bots.strategies.momentum.settings import MomentumSettings
from bots.strategies.steps import next_age_ms, reached


def stop_under(settings: MomentumSettings, price: Decimal, atr: Decimal | None) -> Decimal:
    """The stop's distance under `price`; a percent's, too, when no ATR is known."""
    if atr is not None and settings.atr_stop:
        return price - settings.atr_multiple * atr
    return price * settings.stop_part


def next_stop(
    settings: MomentumSettings, deal: Deal, entry: Decimal, peak: Decimal, atr: Decimal | None
) -> Decimal:
    """The stop after `peak`: max(previous, peak − multiple·ATR now), or `stop_pct` under the peak.

    Without trailing it stays where the entry put it.
    """
    if deal.stop is None:
        return stop_under(settings, peak if settings.stop_trailing else entry, atr)
    if not settings.stop_trailing:
        return deal.stop
    return max(deal.stop, stop_under(settings, peak, atr))


def next_trail(settings: MomentumSettings, deal: Deal, entry: Decimal, peak: Decimal) -> Decimal | None:
    """The profit trail's price after `peak`; None before it is armed."""
    if not settings.trails_profit or peak < above(entry, settings.profit_trail_arm_pct):
        return deal.trail
    trail = below(peak, settings.profit_trail_pct)
    return trail if deal.trail is None else max(deal.trail, trail)


def target_part(settings: MomentumSettings, deal: Deal, now: int) -> Decimal | None:
    """The target asked at `now` as a part of the entry: the latest of the steps reached, else the take
    profit, if any."""
    step = reached(settings.roi_steps, now - deal.opened_at) if settings.roi_steps else None
    return step.target_part if step else settings.target_part


def next_step_at(settings: MomentumSettings, deal: Deal, now: int) -> int | None:
    """When the next target by time begins, in ms."""
    if not settings.roi_steps:
        return None
    age = next_age_ms(settings.roi_steps, now - deal.opened_at)
    return None if age is None else deal.opened_at + age


def held_until(settings: MomentumSettings, deal: Deal) -> int | None:
    """When the last candle a deal may be held for closes, in ms."""
    if not settings.max_hold_candles:
        return None
    period = settings.timeframe.period_ms
    return deal.opened_at // period * period + settings.max_hold_candles * period
