"""The exit of a dip's deal: its target prices and parts, its trail and its stop."""

from decimal import Decimal

from bots.strategies.dca.memory import Leg
from bots.strategies.dip.choices import RoiStep, Step
from bots.strategies.dip.memory import Deal
from bots.strategies.dip.settings import DipSettings
from bots.strategies.exits import above, below
from orders.rules import HUNDRED, ZERO, Market, Side


def roi_step(settings: DipSettings, deal: Deal, now: int) -> RoiStep | None:
    """The latest profit by age that the deal has reached."""
    reached = [step for step in settings.roi_steps if now >= deal.opened_at + step.after_s * 1000]
    return reached[-1] if reached else None


def next_age(settings: DipSettings, deal: Deal, now: int) -> int | None:
    """When the next profit by age begins, in ms."""
    ages = (deal.opened_at + step.after_s * 1000 for step in settings.roi_steps)
    return min((at for at in ages if at > now), default=None)


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
    others share what is left. A part under the minimum joins the next, the last the one before.
    """
    total = market.amount(deal.held.amount + dust)
    steps = _steps(settings, deal, roi)
    shares = sum((step.share_pct for _, step in steps), ZERO)
    legs: list[Leg] = []
    unsold, carried = total, ZERO
    for number, step in steps:
        last = number == steps[-1][0]
        wanted = unsold if last else market.amount(total * step.share_pct / shares) + carried
        price = max(market.price(Side.SELL, above(deal.average, step.profit_pct)), market.tick)
        if market.enough(wanted, price) or (last and not legs):
            legs.append(Leg(number, price, wanted))
            unsold, carried = unsold - wanted, ZERO
        elif last:
            legs[-1] = Leg(legs[-1].step, legs[-1].price, legs[-1].amount + wanted)
        else:
            carried = wanted
    return tuple(legs)


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
