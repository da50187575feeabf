"""The exit of a DCA deal: its target prices, its parts, and its stop."""

from decimal import Decimal

from bots.strategies.dca.choices import StopReference, TakeProfitType
from bots.strategies.dca.memory import Deal
from bots.strategies.dca.settings import DcaSettings
from bots.strategies.exits import below, break_even
from bots.strategies.legs import Leg, Part, cut
from orders.accounting import Position
from orders.rules import HUNDRED, ONE, Market


def target_price(
    held: Position, base_value: Decimal, profit_pct: Decimal, kind: TakeProfitType, fee: Decimal
) -> Decimal:
    """Where selling all of `held` at `fee` nets the profit, before rounding to the tick.

    total: average cost with fees · (1+p)/(1−f). base: (cost with fees + BO·p)/(qty·(1−f)), less what
    earlier parts have already earned.
    """
    if kind is TakeProfitType.TOTAL:
        return held.cost * (HUNDRED + profit_pct) / HUNDRED / (held.amount * (ONE - fee))
    wanted = held.cost + base_value * profit_pct / HUNDRED - held.realised
    return wanted / (held.amount * (ONE - fee))


def exit_legs(settings: DcaSettings, market: Market, deal: Deal, dust: Decimal) -> tuple[Leg, ...]:
    """The parts in which the deal is sold, given what it holds now and `dust` base from before.

    Steps already sold are gone; the others share what is left.
    """
    total = market.amount(deal.held.amount + dust)
    gone = {leg.step for leg in deal.legs if leg.sold and leg.left <= 0}
    steps = [(number, step) for number, step in enumerate(settings.steps, 1) if number not in gone]
    steps = steps or [(len(settings.steps), settings.steps[-1])]
    parts = []
    for number, step in steps:
        trails = settings.trailing_deviation_pct and number == steps[-1][0]
        fee = market.taker_fee if trails else market.maker_fee
        target = target_price(deal.held, deal.base_value, step.profit_pct, settings.take_profit_type, fee)
        parts.append(Part(number, step.share_pct, target))
    return cut(market, total, parts)


def stop_price(settings: DcaSettings, market: Market, deal: Deal) -> Decimal | None:
    """The price at or under which the deal is sold, or None without a stop."""
    stop = None
    if settings.stop_loss_pct:
        average = settings.stop_loss_reference is StopReference.AVERAGE
        stop = below(deal.held.average if average else deal.reference, settings.stop_loss_pct)
    if settings.breakeven_after_first_step and deal.stepped and deal.held.amount:
        even = break_even(deal.held.average, market.taker_fee)
        stop = even if stop is None else max(stop, even)
    return stop
