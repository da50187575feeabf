"""What a momentum bot would do from a price on, before it may."""

from collections.abc import Iterator
from decimal import Decimal

from bots.strategies import words
from bots.strategies.base import Level, Preflight, PreflightOrder
from bots.strategies.entries import EntryOrder
from bots.strategies.exits import above, break_even, trail_nets_profit
from bots.strategies.momentum.choices import SizeMode
from bots.strategies.momentum.entry import sized
from bots.strategies.momentum.exits import stop_under
from bots.strategies.momentum.protection import limit_under, protects
from bots.strategies.momentum.settings import MomentumSettings
from bots.strategies.settings import Problem
from orders.accounting import Position
from orders.matching import fill
from orders.rules import HUNDRED, ONE, Market, OrderKind, Side, ceil_to

CENT = Decimal("0.01")


def preflight(settings: MomentumSettings, market: Market, price: Decimal) -> Preflight:
    """One deal from `price` on, every order rounded as it will be placed.

    No candle is known here, so an ATR stop is reckoned `stop_pct` away, and a warning says so.
    `worst_case_loss`: both fees and the way to the stop as the entry puts it.
    """
    problems = [*settings.problems(), *_fee_problems(settings, market)]
    stop = stop_under(settings, price, None)
    invested = settings.investment
    size = sized(settings, market, price=price, stop=stop, equity=invested, left=invested)
    if size.amount is None:
        return Preflight(problems=(*problems, _too_small(settings, market, price, stop)))
    told = {problem.code for problem in problems}
    sizes = _size_problems(settings, market, price, size.wanted, size.amount, size.cost)
    problems += [one for one in sizes if one.code not in told]
    held = _held(settings, market, size.amount, price)
    even = break_even(held.average, market.taker_fee)
    target = _target(settings, market, price)
    resting = _orders(settings, market, price, size.amount, held, target)
    return Preflight(
        orders=(*resting, *_stop(settings, market, held, stop)),
        required_quote=size.cost,
        break_even_price=even,
        take_profit_price=target,
        worst_case_loss=held.cost - held.amount * stop * (ONE - market.taker_fee),
        wins_needed_pct=_wins_needed(settings, market, held, stop, target),
        levels=(
            Level(
                "deal-1/entry",
                price,
                average=held.average,
                break_even=even,
                target=target,
                bounce_pct=None if target is None else (target / price - ONE) * HUNDRED,
            ),
        ),
        problems=tuple(problems),
    )


def _held(settings: MomentumSettings, market: Market, amount: Decimal, price: Decimal) -> Position:
    maker = settings.entry_order is EntryOrder.LIMIT
    bought = fill(slot="", side=Side.BUY, amount=amount, price=price, maker=maker, market=market, at=0)
    return Position().after(bought)


def _target(settings: MomentumSettings, market: Market, price: Decimal) -> Decimal | None:
    """The first target that rests, if any does from the start."""
    steps = [step.profit_pct for step in settings.roi_steps if not step.after_s]
    pct = steps[0] if steps else settings.take_profit_pct
    return market.price(Side.SELL, above(price, pct)) if pct else None


def _orders(
    settings: MomentumSettings,
    market: Market,
    price: Decimal,
    amount: Decimal,
    held: Position,
    target: Decimal | None,
) -> Iterator[PreflightOrder]:
    """The entry and, where there is one, the target that rests once it has filled."""
    kind = OrderKind.MARKET if settings.entry_order is EntryOrder.MARKET else OrderKind.LIMIT
    yield PreflightOrder("deal-1/entry", Side.BUY, kind, price, amount, amount * price)
    if target is not None and not protects(settings, market):
        sold = market.amount(held.amount)
        yield PreflightOrder("deal-1/target", Side.SELL, OrderKind.LIMIT, target, sold, sold * target)


def _stop(
    settings: MomentumSettings, market: Market, held: Position, stop: Decimal
) -> Iterator[PreflightOrder]:
    """The stop as the entry puts it, where it rests; what it sells for at the least."""
    trigger, sold = market.price(Side.BUY, stop), market.amount(held.amount)
    limit = limit_under(settings, market, trigger)
    if protects(settings, market) and market.enough(sold, limit):
        kind = OrderKind.STOP
        yield PreflightOrder("deal-1/stop", Side.SELL, kind, limit, sold, sold * limit, trigger)


def _wins_needed(
    settings: MomentumSettings, market: Market, held: Position, stop: Decimal, target: Decimal | None
) -> Decimal | None:
    """Percent of deals that must win; only where a win and a loss have one size each."""
    moves = settings.stop_trailing or settings.trails_profit or settings.exit_on_cross
    if target is None or moves or settings.max_hold_candles or settings.roi_steps or settings.atr_stop:
        return None
    fee = market.taker_fee if protects(settings, market) else market.maker_fee
    win = held.amount * target * (ONE - fee) - held.cost
    loss = held.cost - held.amount * stop * (ONE - market.taker_fee)
    return loss / (win + loss) * HUNDRED if win > 0 else None


def least_profit(settings: MomentumSettings, market: Market) -> Decimal:
    """The gross percent, to two places, over which a target nets something after both fees."""
    buying = market.maker_fee if settings.entry_order is EntryOrder.LIMIT else market.taker_fee
    paid = (ONE + max(buying, market.taker_fee)) / (ONE - market.taker_fee)
    return ceil_to((paid - ONE) * HUNDRED, CENT) + CENT


def _fee_problems(settings: MomentumSettings, market: Market) -> Iterator[Problem]:
    least = least_profit(settings, market)
    if 0 < settings.take_profit_pct < least:
        yield Problem(
            "no_profit",
            "take_profit_pct",
            f"The take profit earns nothing once both fees are paid: make it {least:f} % or more, or 0.",
            f"{least:f}",
        )
    if any(step.profit_pct < least for step in settings.roi_steps):
        yield Problem(
            "no_profit_by_time",
            "roi_steps",
            f"A target by time earns nothing once both fees are paid: make each {least:f} % or more; "
            "to leave at any price, use the longest hold.",
        )
    arm, trail = settings.profit_trail_arm_pct, settings.profit_trail_pct
    if settings.trails_profit and not trail_nets_profit(arm, trail, market.taker_fee):
        yield Problem(
            "trail_nets_nothing",
            "profit_trail_pct",
            "The profit trail can end in a loss once both fees are paid: narrow it or begin it later.",
            warning=True,
        )
    if settings.atr_stop:
        yield Problem(
            "atr_not_known",
            "stop",
            "Where an ATR stop stands is known when a deal opens: "
            f"this reckons it {settings.stop_pct:f} % away.",
            warning=True,
        )


def _too_small(settings: MomentumSettings, market: Market, price: Decimal, stop: Decimal) -> Problem:
    smallest = market.smallest(price, (price - stop) / price) / (ONE - market.taker_fee)
    least = ceil_to(ceil_to(smallest, market.lot) * price, CENT)
    if settings.size_mode is SizeMode.AMOUNT:
        return Problem(
            "amount_too_small",
            "amount",
            f"An entry is under what {market.ticker} takes, even raised by 30 %: "
            f"make it {least:f} {market.quote} or more.",
            f"{least:f}",
        )
    needed = ceil_to(least * (price - stop) / price / settings.risk_pct * HUNDRED, CENT)
    return Problem(
        "risk_too_small",
        "investment",
        f"An entry sized by {settings.risk_pct:f} % of risk is under what {market.ticker} takes: "
        f"invest {max(needed, least):f} {market.quote} or more, or risk more.",
        f"{max(needed, least):f}",
    )


def _size_problems(
    settings: MomentumSettings,
    market: Market,
    price: Decimal,
    wanted: Decimal,
    amount: Decimal,
    cost: Decimal,
) -> Iterator[Problem]:
    if amount > wanted:
        spent = words.quote(amount * price, market)
        message = f"The entry is raised to {spent}, the least {market.ticker} takes."
        field = "amount" if settings.size_mode is SizeMode.AMOUNT else "risk_pct"
        yield Problem("amount_raised", field, message, warning=True)
    if cost > settings.investment:
        needed = ceil_to(cost, CENT)
        yield Problem(
            "over_investment",
            "investment",
            f"An entry needs {needed:f} {market.quote} with fee and slippage, more than the investment: "
            f"raise it to {needed:f} or buy less.",
            f"{needed:f}",
        )
