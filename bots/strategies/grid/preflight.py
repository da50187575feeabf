"""What a grid would do if it started now, and everything that forbids or clouds it."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from bots.strategies.base import Level, Preflight, PreflightOrder
from bots.strategies.grid.book import FIRST_BUY
from bots.strategies.grid.layout import INFINITY_SELLS, Layout, Plot, laid, largest_unit, plot
from bots.strategies.grid.lines import lines_at_most, pair_net, steps_below, up_to_cents
from bots.strategies.grid.memory import Line, plain
from bots.strategies.grid.settings import LINES_MAX, GridSettings, SizeMode
from bots.strategies.settings import Problem
from orders.accounting import product
from orders.rules import HUNDRED, ONE, ZERO, FeeIn, Market, OrderKind, Side

THIN_NET = Decimal("0.001")
# A pair refused for its net is offered a step that keeps this much of it.
NET_OFFERED = Decimal("0.0015")


def preflight(settings: GridSettings, market: Market, price: Decimal) -> Preflight:
    """`price` in quote. `required_base` is what must be brought in: the coins already held."""
    problems = settings.problems() + list(_against_price(settings, price))
    if any(not problem.warning for problem in settings.problems()):
        return Preflight(problems=tuple(problems))
    start = settings.trigger_price or price
    unlayable = _lines_problem(settings, market, start)
    if unlayable:
        return Preflight(problems=(*problems, unlayable))
    ground = plot(settings, market, start, settings.initial_base)
    budget = settings.investment - product(settings.initial_base, start)
    layout = laid(ground, settings.order_size or largest_unit(ground, budget))
    problems += [*_pairs(ground), *_sizes(ground, layout), *_resting(settings, market, layout)]
    if layout.required_quote > budget:
        problems.append(_too_dear(ground, layout))
    return Preflight(
        orders=tuple(_orders(ground, layout)),
        required_quote=layout.required_quote,
        required_base=settings.initial_base,
        break_even_price=_break_even(start, market),
        take_profit_price=settings.take_profit_price,
        worst_case_loss=_worst_case(ground, layout),
        levels=tuple(_levels(layout, market)),
        problems=tuple(problems),
    )


def _against_price(settings: GridSettings, price: Decimal) -> Iterator[Problem]:
    stop, target = settings.stop_loss_price, settings.take_profit_price
    if stop is not None and stop >= price:
        message = f"Stop loss price must be below the price {plain(price)}."
        yield Problem("stop_loss", "stop_loss_price", message)
    if target is not None and target <= price:
        message = f"Take profit price must be above the price {plain(price)}."
        yield Problem("take_profit", "take_profit_price", message)


def _lines_problem(settings: GridSettings, market: Market, price: Decimal) -> Problem | None:
    """Lines that cannot be laid at all: no two of them may round to one tick."""
    if settings.infinity:
        return _infinity_problem(settings, market, price)
    if market.line(settings.lower_price) <= 0:
        message = f"Lower price is under the market's price step {plain(market.tick)}."
        return Problem("lines_on_one_tick", "lower_price", message, f"{market.tick:f}")
    prices = plot(settings, market, price, ZERO).ladder.prices(settings.lines)
    same = next((low for low, high in pairwise(prices) if low >= high), None)
    if same is None:
        return None
    most = lines_at_most(settings, market.tick, ONE)
    if most < 2:
        message = f"Upper price must be at least a price step of {plain(market.tick)} above the lower price."
        return Problem("lines_on_one_tick", "upper_price", message)
    message = f"Two lines round to {plain(same)}: use at most {most} lines in this range."
    return Problem("lines_on_one_tick", "lines", message, str(most))


def _infinity_problem(settings: GridSettings, market: Market, price: Decimal) -> Problem | None:
    if price <= settings.lower_price:
        message = f"Lower price must be below the price {plain(price)} for an infinity grid."
        return Problem("infinity_range", "lower_price", message)
    most = LINES_MAX - 1 - INFINITY_SELLS
    if steps_below(settings, price) > most:
        ratio = (price / settings.lower_price) ** (ONE / most) - ONE
        fix = up_to_cents(ratio * HUNDRED)
        message = f"Step must be at least {plain(fix)} %: at most {most} lines may stand below the price."
        return Problem("too_many_lines", "step_pct", message, plain_fix(fix))
    lowest = settings.lower_price
    if lowest * settings.step_pct / HUNDRED < market.tick:
        fix = up_to_cents(market.tick / lowest * HUNDRED)
        message = f"Step is under one price step: use at least {plain(fix)} %."
        return Problem("lines_on_one_tick", "step_pct", message, plain_fix(fix))
    return None


def _pairs(ground: Plot) -> Iterator[Problem]:
    """Refuse when the worst pair loses after fees, warn when it hardly earns."""
    settings, market = ground.settings, ground.market
    prices = ground.ladder.prices(ground.count)
    net, low, high = min((pair_net(low, high, market), low, high) for low, high in pairwise(prices))
    if net >= THIN_NET:
        return
    pct = f"{net * HUNDRED:.4f}"
    told = f"Buying at {plain(low)} and selling at {plain(high)} nets {pct} % after fees"
    name, fix = _wider(settings, market)
    advice = f"use at most {fix} lines" if name == "lines" else f"use a step of at least {fix} %"
    if not fix:
        advice = "widen the range"
    if net <= 0:
        yield Problem("pair_loses", name, f"{told}: {advice}.", fix)
    else:
        yield Problem("pair_thin", name, f"{told}, less than 0.1 %: better {advice}.", fix, warning=True)


def _wider(settings: GridSettings, market: Market) -> tuple[str, str]:
    """The field that makes the steps wider and the value at which every pair earns enough."""
    fee = market.maker_fee
    costs = (ONE + fee) / (ONE - fee) if market.fee_in is FeeIn.QUOTE else ONE / (ONE - fee) ** 2
    ratio = costs * (ONE + NET_OFFERED)
    if settings.infinity:
        return "step_pct", plain(up_to_cents((ratio - ONE) * HUNDRED))
    most = lines_at_most(settings, market.tick, ratio)
    return ("lines", str(most)) if most >= 2 else ("upper_price", "")


def _sizes(ground: Plot, layout: Layout) -> Iterator[Problem]:
    settings, market = ground.settings, ground.market
    if layout.small:
        unit = _least_unit(ground)
        needed = laid(ground, unit).required_quote + product(settings.initial_base, ground.price)
        where = plain(ground.ladder.price(layout.small[0]))
        in_what = market.base if settings.size_mode is SizeMode.BASE else market.quote
        told = f"The order at {where} would be under the market's minimum"
        invest = f"investment of at least {plain(up_to_cents(needed))} {market.quote}"
        if settings.order_size is None:
            message = f"{told}: the {settings.lines} lines need an {invest}."
            yield Problem("order_too_small", "investment", message, plain_fix(up_to_cents(needed)))
        else:
            message = f"{told}: order size must be at least {plain(unit)} {in_what}, with an {invest}."
            yield Problem("order_too_small", "order_size", message, plain_fix(unit))
    elif layout.raised:
        message = f"{len(layout.raised)} orders are raised to the market's minimum, by at most 30 %."
        yield Problem("order_raised", "order_size", message, warning=True)


def plain_fix(value: Decimal) -> str:
    return plain(value).replace(",", "")


def _least_unit(ground: Plot) -> Decimal:
    """The smallest order size that meets the minimum on every line without being raised."""
    least = ZERO
    for index, side in ground.sides():
        price = ground.ladder.price(index)
        amount = ground.market.smallest(price, ground.stop_fraction(price))
        least = max(least, amount / ground.wanted(index, side, ONE))
    return least if ground.settings.size_mode is SizeMode.BASE else up_to_cents(least)


def _resting(settings: GridSettings, market: Market, layout: Layout) -> Iterator[Problem]:
    lines = len(layout.lines)
    if min(lines, settings.max_active_orders or lines) > market.open_orders_max:
        most = market.open_orders_max
        name = "max_active_orders" if settings.infinity else "lines"
        message = f"{name.replace('_', ' ').capitalize()}: {market.exchange} lets at most {most} orders rest."
        yield Problem("too_many_orders", name, message, str(most))


def _too_dear(ground: Plot, layout: Layout) -> Problem:
    settings, market = ground.settings, ground.market
    needed = up_to_cents(layout.required_quote + product(settings.initial_base, ground.price))
    first = f"{plain(round(layout.first_cost, 8))} for the first purchase"
    message = (
        f"Investment must be at least {plain(needed)} {market.quote}: "
        f"{plain(round(layout.buys_cost, 8))} for the buys and {first}, fees included."
    )
    return Problem("investment_too_small", "investment", message, plain_fix(needed))


def _orders(ground: Plot, layout: Layout) -> Iterator[PreflightOrder]:
    if layout.first_amount:
        amount, price = layout.first_amount, ground.price
        yield PreflightOrder(FIRST_BUY, Side.BUY, OrderKind.MARKET, price, amount, product(amount, price))
    for line in layout.lines:
        if line.side:
            cost = product(line.amount, line.price)
            yield PreflightOrder(line.slot, line.side, OrderKind.LIMIT, line.price, line.amount, cost)


def _break_even(bought: Decimal, market: Market) -> Decimal:
    """Where a sell as maker returns a purchase as taker at `bought`, in quote."""
    if market.fee_in is FeeIn.QUOTE:
        return bought * (ONE + market.taker_fee) / (ONE - market.maker_fee)
    return bought / ((ONE - market.taker_fee) * (ONE - market.maker_fee))


def _levels(layout: Layout, market: Market) -> Iterator[Level]:
    """Each pair of neighbours: what buying on the lower and selling on the upper line earns."""
    fee = market.maker_fee
    for line, upper in pairwise(layout.lines):
        amount = _pair_amount(line, upper)
        in_base = market.fee_in is FeeIn.RECEIVED
        cost = product(amount, line.price, ONE if in_base else ONE + fee)
        sold = market.amount(amount * (ONE - fee)) if in_base else amount
        costs = ONE / (ONE - fee) ** 2 if in_base else (ONE + fee) / (ONE - fee)
        yield Level(
            slot=line.slot,
            price=line.price,
            average=line.price,
            break_even=line.price * costs,
            target=upper.price,
            bounce_pct=(upper.price / line.price - ONE) * HUNDRED,
            profit=product(sold, upper.price, ONE - fee) - cost,
        )


def _pair_amount(line: Line, upper: Line) -> Decimal:
    """What a pair trades: its buy, or for a pair that begins with a sell, that sell."""
    return line.amount if line.side is Side.BUY else upper.amount


def _worst_case(ground: Plot, layout: Layout) -> Decimal:
    """What is lost when every buy fills and all is sold at the stop; without one, at nothing."""
    settings, market = ground.settings, ground.market
    spent = layout.required_quote + product(settings.initial_base, ground.price)
    stop = settings.stop_loss_price
    if stop is None:
        return spent
    buys = sum((line.amount for line in layout.lines if line.side is Side.BUY), ZERO)
    coins = buys + layout.first_amount + settings.initial_base
    kept = (ONE - settings.max_slippage_pct / HUNDRED) * (ONE - market.taker_fee)
    if market.fee_in is FeeIn.RECEIVED:
        kept *= ONE - market.taker_fee
    return max(spent - product(coins, stop, kept), ZERO)
