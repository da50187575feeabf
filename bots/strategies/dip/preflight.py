"""What a dip bot would do with a dip that ends at a price, before it may."""

from collections.abc import Iterator
from decimal import Decimal

from bots.strategies import words
from bots.strategies.base import Level, Preflight, PreflightOrder
from bots.strategies.dip.buying import most_cost, price_of, stop_fraction
from bots.strategies.dip.memory import Deal
from bots.strategies.dip.settings import DipSettings
from bots.strategies.dip.targets import exit_legs, stop_price
from bots.strategies.entries import EntryOrder
from bots.strategies.exits import above, below, break_even, trail_nets_profit
from bots.strategies.settings import Problem
from bots.strategies.sizing import sized_to_sell
from orders.accounting import Position
from orders.matching import fill
from orders.records import Frozen
from orders.rules import HUNDRED, ONE, ZERO, Market, OrderKind, Side, ceil_to

CENT = Decimal("0.01")


class Buy(Frozen):
    """A buy as it will be placed; amount in base, price in quote. `raised` to the market's minimum."""

    number: int
    price: Decimal
    amount: Decimal
    raised: bool

    @property
    def slot(self) -> str:
        return f"deal-1/buy-{self.number}"


def preflight(settings: DipSettings, market: Market, price: Decimal) -> Preflight:
    """One deal from `price` on, as if a dip were bought there, every order rounded as it will be placed.

    `worst_case_loss`: with a stop, what is lost when every buy above the stop has filled and all is sold
    there; without one the whole budget, since the price may fall to zero.
    """
    problems = list(settings.problems())
    if any(problem.code == "weights" for problem in problems):
        return Preflight(problems=tuple(problems))
    buys = tuple(_buys(settings, market, price))
    problems += _size_problems(settings, market, price, buys)
    if not buys:
        return Preflight(problems=tuple(problems))
    deals = tuple(_deals(settings, market, buys))
    limit = settings.entry_order is EntryOrder.LIMIT
    required = sum((most_cost(settings, market, buy.amount, buy.price, limit=limit) for buy in buys), ZERO)
    told = {problem.code for problem in problems}
    problems += [one for one in _bounds(settings, market, required, deals[0]) if one.code not in told]
    return Preflight(
        orders=(*_planned_buys(settings, buys), *_planned_sells(deals[0])),
        required_quote=required,
        break_even_price=break_even(deals[0].held.average, market.taker_fee),
        take_profit_price=deals[0].legs[0].price,
        worst_case_loss=_worst_case(settings, market, deals, buys, required),
        wins_needed_pct=_wins_needed(settings, market, deals[0]),
        levels=tuple(_level(market, deal, buy) for deal, buy in zip(deals, buys, strict=True)),
        problems=tuple(problems),
    )


def _buys(settings: DipSettings, market: Market, price: Decimal) -> Iterator[Buy]:
    """The buys, each `rebuy_drop_pct` under the one before; ends before the first that is too small."""
    last = price
    for number in range(1, settings.max_buys + 1):
        at = price_of(settings, market, last) or market.price(Side.BUY, last)
        if at <= 0:
            return
        amount = sized_to_sell(market, settings.spends(number) / at, at, stop_fraction(settings))
        if amount is None:
            return
        yield Buy(number, at, amount, amount * at > settings.spends(number))
        last = below(at, settings.rebuy_drop_pct)


def _deals(settings: DipSettings, market: Market, buys: tuple[Buy, ...]) -> Iterator[Deal]:
    """The deal as it stands after each of its buys."""
    held, amount, value = Position(), ZERO, ZERO
    maker = settings.entry_order is EntryOrder.LIMIT
    for buy in buys:
        made = fill(
            slot=buy.slot,
            side=Side.BUY,
            amount=buy.amount,
            price=buy.price,
            maker=maker,
            market=market,
            at=0,
        )
        held, amount, value = held.after(made), amount + made.amount, value + made.value
        deal = Deal(1, 0, held=held, amount=amount, value=value)
        legs = exit_legs(settings, market, deal, ZERO, None)
        yield Deal(1, 0, held=held, amount=amount, value=value, legs=legs)


def _level(market: Market, deal: Deal, buy: Buy) -> Level:
    target = deal.legs[0].price
    return Level(
        slot=buy.slot,
        price=buy.price,
        average=deal.held.average,
        break_even=break_even(deal.held.average, market.taker_fee),
        target=target,
        bounce_pct=(target / buy.price - ONE) * HUNDRED,
    )


def _planned_buys(settings: DipSettings, buys: tuple[Buy, ...]) -> Iterator[PreflightOrder]:
    kind = OrderKind.LIMIT if settings.entry_order is EntryOrder.LIMIT else OrderKind.MARKET
    for buy in buys:
        yield PreflightOrder(buy.slot, Side.BUY, kind, buy.price, buy.amount, buy.amount * buy.price)


def _planned_sells(deal: Deal) -> Iterator[PreflightOrder]:
    """The targets as they rest after the first buy."""
    for leg in deal.legs:
        slot = f"deal-1/target-{leg.step}"
        yield PreflightOrder(slot, Side.SELL, OrderKind.LIMIT, leg.price, leg.amount, leg.amount * leg.price)


def _worst_case(
    settings: DipSettings,
    market: Market,
    deals: tuple[Deal, ...],
    buys: tuple[Buy, ...],
    required: Decimal,
) -> Decimal:
    worst, stop = deals[0], stop_price(settings, deals[0])
    if stop is None:
        return required
    for deal, buy in zip(deals[1:], buys[1:], strict=True):
        if buy.price <= stop:
            break
        worst, stop = deal, stop_price(settings, deal) or stop
    return max(worst.held.cost - worst.held.amount * stop * (ONE - market.taker_fee), ZERO)


def _wins_needed(settings: DipSettings, market: Market, deal: Deal) -> Decimal | None:
    """Percent of deals that must win; only where a win and a loss have one size each."""
    stop = stop_price(settings, deal)
    ways = settings.max_buys > 1 or len(deal.legs) > 1 or settings.trails or settings.roi_steps
    if stop is None or ways:
        return None
    win = deal.held.amount * deal.legs[0].price * (ONE - market.maker_fee) - deal.held.cost
    loss = deal.held.cost - deal.held.amount * stop * (ONE - market.taker_fee)
    return loss / (win + loss) * HUNDRED if win > 0 else None


def _size_problems(
    settings: DipSettings, market: Market, price: Decimal, buys: tuple[Buy, ...]
) -> Iterator[Problem]:
    raised = [buy.number for buy in buys if buy.raised]
    if raised:
        message = f"Buy {raised[0]} is raised to the least {market.ticker} takes."
        yield Problem("buy_raised", "buy_amount", message, warning=True)
    if len(buys) == settings.max_buys:
        return
    number = len(buys) + 1
    fraction = stop_fraction(settings)
    least_base = ceil_to(market.smallest(price, fraction) / (ONE - market.taker_fee), market.lot)
    # Lower prices ask for more base and the same quote, but for a minimum in base and the lot.
    smallest_weight = (
        min(settings.spends(one) for one in range(1, settings.max_buys + 1)) / settings.buy_amount
    )
    least = ceil_to((least_base + market.lot) * price / smallest_weight, CENT)
    yield Problem(
        "buy_too_small",
        "buy_amount",
        f"Buy {number} is under what {market.ticker} takes, even raised by 30 %: "
        f"make the buy {least:f} {market.quote} or more.",
        f"{least:f}",
    )


def _bounds(settings: DipSettings, market: Market, required: Decimal, deal: Deal) -> Iterator[Problem]:
    if required > settings.investment:
        needed = ceil_to(required, CENT)
        yield Problem(
            "over_investment",
            "investment",
            f"One dip needs {needed:f} {market.quote} with fees, more than the investment: "
            f"raise it to {needed:f} or buy less.",
            f"{needed:f}",
        )
    resting = len(deal.legs) + 1
    if resting > market.open_orders_max:
        message = f"{market.exchange} lets {market.open_orders_max} orders rest: use fewer take profits."
        yield Problem("too_many_orders", "take_profits", message)
    if len(deal.legs) < len(settings.take_profits):
        message = f"Parts of the first buy are too small for {market.ticker}: they join the next take profit."
        yield Problem("parts_joined", "take_profits", message, warning=True)
    yield from _profit_problems(settings, market)


def _profit_problems(settings: DipSettings, market: Market) -> Iterator[Problem]:
    """Percents are gross: what they leave must be more than nothing once both fees are paid."""
    entry = market.maker_fee if settings.entry_order is EntryOrder.LIMIT else market.taker_fee
    least = ceil_to(((ONE + entry) / (ONE - market.maker_fee) - ONE) * HUNDRED, CENT)
    profits = {
        "take_profits": [step.profit_pct for step in settings.take_profits],
        "roi_steps": [step.profit_pct for step in settings.roi_steps],
    }
    for name, found in profits.items():
        if found and above(ONE, min(found)) * (ONE - market.maker_fee) <= ONE + entry:
            message = f"A profit of {words.plain(min(found))} % earns nothing once both fees are paid: "
            yield Problem("no_profit", name, f"{message}make it more than {words.plain(least)} %.")
    arm, trail = settings.trail_arm_pct, settings.trail_pct
    if settings.trails and not trail_nets_profit(arm, trail, market.taker_fee):
        message = (
            f"A trail of {words.plain(trail)} % armed at {words.plain(arm)} % can end in a loss after fees."
        )
        yield Problem("trail_no_profit", "trail_pct", f"{message} Arm it higher.", warning=True)
