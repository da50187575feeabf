"""What a DCA bot would do from a price on, before it may."""

from collections.abc import Iterator
from decimal import Decimal

from bots.strategies import words
from bots.strategies.base import Level, Preflight, PreflightOrder
from bots.strategies.dca.choices import BaseOrderType, StopReference
from bots.strategies.dca.entry import buying_cost, stop_fraction
from bots.strategies.dca.ladder import Rung
from bots.strategies.dca.legs import exit_legs, stop_price
from bots.strategies.dca.memory import Deal
from bots.strategies.dca.settings import DcaSettings
from bots.strategies.exits import break_even
from bots.strategies.settings import Problem
from bots.strategies.sizing import sized_to_sell
from orders.accounting import Position
from orders.matching import fill
from orders.rules import HUNDRED, ONE, ZERO, Market, OrderKind, Side, ceil_to

CENT = Decimal("0.01")
LAST_STEPS = 2


def preflight(settings: DcaSettings, market: Market, price: Decimal) -> Preflight:
    """One deal from `price` on, every order rounded as it will be placed.

    `worst_case_loss`: with a stop, what is lost when every order above the stop has filled and all is
    sold there; without one the whole budget, since the price may fall to zero.
    """
    problems = list(settings.problems())
    amount = sized_to_sell(market, settings.base_order_volume / price, price, stop_fraction(settings))
    if amount is None:
        return Preflight(problems=(*problems, _base_too_small(settings, market, price)))
    base = Rung(price, amount, amount * price > settings.base_order_volume)
    rungs = settings.ladder.rungs(market, price, stop_fraction(settings))
    problems += _size_problems(settings, market, price, base, rungs)
    deals = list(_deals(settings, market, (base, *rungs)))
    orders = (*_buys(settings, base, rungs), *_sells(settings, deals[0]))
    required = _required(settings, market, base, rungs)
    told = {problem.code for problem in problems}
    problems += [one for one in _bounds(settings, market, required, deals[0]) if one.code not in told]
    problems += _never_bought(settings, market, deals, rungs)
    return Preflight(
        orders=orders,
        required_quote=required,
        break_even_price=break_even(deals[0].held.average, market.taker_fee),
        take_profit_price=deals[0].legs[0].price,
        worst_case_loss=_worst_case(settings, market, deals, rungs, required),
        wins_needed_pct=_wins_needed(settings, market, deals[0]),
        levels=tuple(
            _level(market, deal, slot, rung.price)
            for deal, slot, rung in zip(deals, _slots(len(rungs)), (base, *rungs), strict=True)
        ),
        problems=tuple(problems),
    )


def _slots(safeties: int) -> tuple[str, ...]:
    return ("deal-1/base", *(f"deal-1/safety-{number}" for number in range(1, safeties + 1)))


def _deals(settings: DcaSettings, market: Market, bought: tuple[Rung, ...]) -> Iterator[Deal]:
    """The deal as it stands after each of its buys."""
    held, base = Position(), bought[0]
    for number, rung in enumerate(bought):
        maker = number > 0 or settings.base_order_type is BaseOrderType.LIMIT
        held = held.after(
            fill(
                slot="", side=Side.BUY, amount=rung.amount, price=rung.price, maker=maker, market=market, at=0
            )
        )
        deal = Deal(1, 0, base_amount=base.amount, base_value=base.amount * base.price, held=held)
        yield Deal(
            1,
            0,
            base_amount=deal.base_amount,
            base_value=deal.base_value,
            held=held,
            legs=exit_legs(settings, market, deal, ZERO),
        )


def _level(market: Market, deal: Deal, slot: str, price: Decimal) -> Level:
    target = deal.legs[-1].price
    return Level(
        slot=slot,
        price=price,
        average=deal.held.average,
        break_even=break_even(deal.held.average, market.taker_fee),
        target=target,
        bounce_pct=(target / price - ONE) * HUNDRED,
    )


def _buys(settings: DcaSettings, base: Rung, rungs: tuple[Rung, ...]) -> Iterator[PreflightOrder]:
    at_market = settings.base_order_type is BaseOrderType.MARKET
    kinds = [OrderKind.MARKET if at_market else OrderKind.LIMIT, *[OrderKind.LIMIT] * len(rungs)]
    for slot, kind, rung in zip(_slots(len(rungs)), kinds, (base, *rungs), strict=True):
        yield PreflightOrder(slot, Side.BUY, kind, rung.price, rung.amount, rung.amount * rung.price)


def _sells(settings: DcaSettings, deal: Deal) -> Iterator[PreflightOrder]:
    """The exit as it rests after the base order; a trailing part is shown where it arms."""
    stepped = len(settings.take_profit_steps) >= LAST_STEPS
    for leg in deal.legs:
        trails = settings.trailing_deviation_pct and leg is deal.legs[-1]
        kind = OrderKind.MARKET if trails else OrderKind.LIMIT
        slot = f"deal-1/target-{leg.step}" if stepped else "deal-1/target"
        yield PreflightOrder(slot, Side.SELL, kind, leg.price, leg.amount, leg.amount * leg.price)


def _required(settings: DcaSettings, market: Market, base: Rung, rungs: tuple[Rung, ...]) -> Decimal:
    """All buys with their fees; a base order at market with its slippage, too."""
    if settings.base_order_type is BaseOrderType.MARKET:
        first = buying_cost(market, settings, base.amount, base.price)
    else:
        first = base.amount * base.price * (ONE + market.maker_fee)
    fee = ONE + max(market.maker_fee, market.taker_fee)
    return first + sum((rung.amount * rung.price * fee for rung in rungs), ZERO)


def _worst_case(
    settings: DcaSettings, market: Market, deals: list[Deal], rungs: tuple[Rung, ...], required: Decimal
) -> Decimal:
    stop = stop_price(settings, market, deals[0])
    if stop is None:
        return required
    worst = deals[0]
    for deal, rung in zip(deals[1:], rungs, strict=True):
        if rung.price <= stop:
            break
        worst, stop = deal, stop_price(settings, market, deal) or stop
    return max(worst.held.cost - worst.held.amount * stop * (ONE - market.taker_fee), ZERO)


def _wins_needed(settings: DcaSettings, market: Market, deal: Deal) -> Decimal | None:
    """Percent of deals that must win; only where a win and a loss have one size each."""
    stop = stop_price(settings, market, deal)
    if stop is None or settings.max_safety_orders or len(deal.legs) > 1:
        return None
    fee = ONE - market.taker_fee
    win = deal.held.amount * deal.legs[0].price * fee - deal.held.cost
    loss = deal.held.cost - deal.held.amount * stop * fee
    return loss / (win + loss) * HUNDRED if win > 0 else None


def _never_bought(
    settings: DcaSettings, market: Market, deals: list[Deal], rungs: tuple[Rung, ...]
) -> Iterator[Problem]:
    """A stop under the average moves with each buy; it may still come before the next."""
    if not settings.stop_loss_pct or settings.stop_loss_reference is not StopReference.AVERAGE:
        return
    gaps = [
        (ONE - rung.price / deal.held.average) * HUNDRED for deal, rung in zip(deals, rungs, strict=False)
    ]
    first = next((number for number, gap in enumerate(gaps, 1) if settings.stop_loss_pct <= gap), None)
    if first is not None:
        enough = ceil_to(max(gaps), ONE) + ONE
        yield Problem(
            "stop_above_last",
            "stop_loss_pct",
            f"The stop at {words.plain(settings.stop_loss_pct)} % under the average comes before safety "
            f"order {first}: it will never be bought. Put the stop under it.",
            words.plain(enough) if enough < HUNDRED else "",
            warning=True,
        )


def _base_too_small(settings: DcaSettings, market: Market, price: Decimal) -> Problem:
    least = ceil_to(
        ceil_to(market.smallest(price, stop_fraction(settings)) / (ONE - market.taker_fee), market.lot)
        * price,
        CENT,
    )
    return Problem(
        "base_too_small",
        "base_order_volume",
        f"The base order is under what {market.ticker} takes, even raised by 30 %: "
        f"make it {least:f} {market.quote} or more.",
        f"{least:f}",
    )


def _size_problems(
    settings: DcaSettings, market: Market, price: Decimal, base: Rung, rungs: tuple[Rung, ...]
) -> Iterator[Problem]:
    if base.raised:
        spent = words.quote(base.amount * base.price, market)
        message = f"The base order is raised to {spent}, the least {market.ticker} takes."
        yield Problem("base_raised", "base_order_volume", message, warning=True)
    raised = [number for number, rung in enumerate(rungs, 1) if rung.raised]
    if raised:
        message = f"Safety order {raised[0]} is raised to the least {market.ticker} takes."
        yield Problem("safety_raised", "safety_order_volume", message, warning=True)
    if len(rungs) < settings.max_safety_orders:
        yield _safety_too_small(settings, market, price, len(rungs) + 1)


def _safety_too_small(settings: DcaSettings, market: Market, price: Decimal, number: int) -> Problem:
    """The first safety order that cannot be placed, with the volume at which all can."""
    ladder, least = settings.ladder, ZERO
    first = ladder.volumes[0]
    for deviation, volume in zip(ladder.deviations, ladder.volumes, strict=True):
        at = market.price(Side.BUY, price * (ONE - deviation / HUNDRED))
        if at <= 0 or not first:
            return Problem(
                "too_deep",
                "max_safety_orders",
                f"Safety order {number} would rest under the lowest price of {market.ticker}: "
                f"use at most {number - 1} safety orders.",
                str(number - 1),
            )
        needed = market.smallest(at, stop_fraction(settings)) * at
        least = max(least, needed * first / volume)
    least = ceil_to(least, CENT)
    return Problem(
        "safety_too_small",
        "safety_order_volume",
        f"Safety order {number} is under what {market.ticker} takes, even raised by 30 %: "
        f"make the first {least:f} {market.quote} or more.",
        f"{least:f}",
    )


def _bounds(settings: DcaSettings, market: Market, required: Decimal, deal: Deal) -> Iterator[Problem]:
    if required > settings.investment:
        needed = ceil_to(required, CENT)
        yield Problem(
            "over_investment",
            "investment",
            f"One deal needs {needed:f} {market.quote} with fees, more than the investment: "
            f"raise it to {needed:f} or buy less.",
            f"{needed:f}",
        )
    resting = settings.active_safety_orders + len(deal.legs)
    if resting > market.open_orders_max:
        most = max(market.open_orders_max - len(deal.legs), 1)
        yield Problem(
            "too_many_orders",
            "active_safety_orders",
            f"{market.exchange} lets {market.open_orders_max} orders rest: use at most {most} active ones.",
            str(most),
        )
    proceeds = sum((leg.amount * leg.price for leg in deal.legs), ZERO) * (ONE - market.taker_fee)
    sold = sum((leg.amount for leg in deal.legs), ZERO)
    if proceeds <= deal.held.cost * sold / deal.held.amount:
        yield Problem(
            "no_profit",
            "take_profit_pct",
            "The take profit earns nothing once both fees are paid: raise it.",
        )
