"""The exit of a dip's deal: its target prices and parts, its trail and its stop."""

from decimal import Decimal

from bots.strategies.dip.choices import RoiStep
from bots.strategies.dip.memory import Deal
from bots.strategies.dip.settings import DipSettings
from bots.strategies.exits import above, below
from bots.strategies.legs import Leg, Part, cut
from bots.strategies.steps import Step, next_age_ms, reached
from orders.rules import HUNDRED, Market


def roi_step(settings: DipSettings, deal: Deal, now: int) -> RoiStep | None:
    """The latest profit by age that the deal has reached."""
    return reached(settings.roi_steps, now - deal.opened_at)


def next_age(settings: DipSettings, deal: Deal, now: int) -> int | None:
    """When the next profit by age begins, in ms."""
    age = next_age_ms(settings.roi_steps, now - deal.opened_at)
    return None if age is None else deal.opened_at + age


def terms(settings: DipSettings, roi: RoiStep | None) -> str:
    """What the legs are made by, as a text to compare."""
    if roi is not None:
        return f"all {roi.profit_pct:f}"
    return ",".join(f"{step.profit_pct:f}:{step.share_pct:f}" for step in settings.take_profits)


def _steps(settings: DipSettings, deal: Deal, roi: RoiStep | None) -> list[tuple[int, Step]]:
    if roi is not None:
        return [(0, Step(profit_pct=roi.profit_pct, share_pct=HUNDRED))]
    steps = list(enumerate(settings.take_profits, 1))
    return [one for one in steps if one[0] not in deal.done] or steps[-1:]


def exit_legs(
    settings: DipSettings, market: Market, deal: Deal, dust: Decimal, roi: RoiStep | None
) -> tuple[Leg, ...]:
    """The parts in which the deal is sold, given what it holds and `dust` base from before.

    A target is `profit_pct` over the average fill price, before fees. Steps already sold are gone; the
    others share what is left.
    """
    total = market.amount(deal.held.amount + dust)
    parts = [
        Part(number, step.share_pct, above(deal.average, step.profit_pct))
        for number, step in _steps(settings, deal, roi)
    ]
    return cut(market, total, parts)


def stop_price(settings: DipSettings, deal: Deal) -> Decimal | None:
    """The price at or under which all is sold: the stop under the average, or the trail under the peak."""
    prices = []
    if settings.stop_loss_pct:
        prices.append(below(deal.average, settings.stop_loss_pct))
    if deal.peak is not None:
        prices.append(below(deal.peak, settings.trail_pct))
    return max(prices, default=None)


def arming_price(settings: DipSettings, deal: Deal) -> Decimal:
    return above(deal.average, settings.trail_arm_pct)


def rebuy_price(settings: DipSettings, deal: Deal) -> Decimal | None:
    """At or under this the deal buys again; None when it has bought all it may."""
    if deal.stepped or not deal.buys or deal.buys[-1].number >= settings.max_buys:
        return None
    last = deal.buys[-1]
    return below(last.value / last.amount, settings.rebuy_drop_pct)
