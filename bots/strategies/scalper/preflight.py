"""What a scalper would do from a price on, before it may."""

from collections.abc import Iterator
from decimal import Decimal

from bots.strategies import words
from bots.strategies.base import Level, Preflight, PreflightOrder
from bots.strategies.exits import break_even
from bots.strategies.scalper.edge import (
    entry_fee,
    least_profit_pct,
    least_width_bps,
    net_edge,
    target_fee,
    width,
)
from bots.strategies.scalper.entry import cost_of
from bots.strategies.scalper.memory import Deal
from bots.strategies.scalper.settings import ScalperSettings
from bots.strategies.scalper.watch import stop_price, target_price
from bots.strategies.settings import Problem
from bots.strategies.sizing import sized_to_sell
from orders.accounting import Position
from orders.matching import BPS, fill
from orders.rules import HUNDRED, ONE, Market, OrderKind, Side, ceil_to

CENT = Decimal("0.01")
STEP_BPS = Decimal("0.1")


def preflight(settings: ScalperSettings, market: Market, price: Decimal) -> Preflight:
    """One deal from `price` on, rounded as it will be placed.

    `worst_case_loss`: all bought, and sold at the stop less the slippage limit.
    """
    wins = net_edge(settings, market).wins_needed_pct
    problems = [
        *settings.problems(),
        *_edge_problems(settings, market),
        *_book_problems(settings, market, price),
    ]
    at = _entry_price(settings, market, price)
    amount = sized_to_sell(market, settings.order_amount / at, at, settings.stop_fraction) if at > 0 else None
    if amount is None:
        return Preflight(wins_needed_pct=wins, problems=(*problems, _too_small(settings, market, price)))
    deal = Deal(1, 0, bought=amount, value=amount * at)
    held = _held(settings, market, amount, at)
    target, even = (
        target_price(settings, market, deal, 0),
        break_even(held.average, target_fee(settings, market)),
    )
    required = cost_of(settings, market, amount, at, slips=settings.at_market)
    told = {problem.code for problem in problems}
    problems += [one for one in _size_problems(settings, market, deal, required) if one.code not in told]
    return Preflight(
        orders=_orders(settings, market, deal, held, target),
        required_quote=required,
        break_even_price=even,
        take_profit_price=target,
        worst_case_loss=_worst_case(settings, market, deal, held),
        wins_needed_pct=wins,
        levels=(Level("deal-1/entry", at, held.average, even, target, (target / at - ONE) * HUNDRED),),
        problems=tuple(problems),
    )


def _entry_price(settings: ScalperSettings, market: Market, price: Decimal) -> Decimal:
    reach = width(settings, market) / 2 if settings.captures_spread else 0
    return market.price(Side.BUY, price * (ONE - reach))


def _held(settings: ScalperSettings, market: Market, amount: Decimal, price: Decimal) -> Position:
    maker = entry_fee(settings, market) == market.maker_fee
    bought = fill(slot="", side=Side.BUY, amount=amount, price=price, maker=maker, market=market, at=0)
    return Position().after(bought)


def _orders(
    settings: ScalperSettings, market: Market, deal: Deal, held: Position, target: Decimal
) -> tuple[PreflightOrder, ...]:
    kind = OrderKind.MARKET if settings.at_market else OrderKind.LIMIT
    sold = market.amount(held.amount)
    return (
        PreflightOrder("deal-1/entry", Side.BUY, kind, deal.average, deal.bought, deal.value),
        PreflightOrder("deal-1/target", Side.SELL, OrderKind.LIMIT, target, sold, sold * target),
    )


def _worst_case(settings: ScalperSettings, market: Market, deal: Deal, held: Position) -> Decimal:
    slip = ONE - settings.max_slippage_pct / HUNDRED
    entry_slip = deal.value * (ONE - slip) if settings.at_market else 0
    proceeds = held.amount * stop_price(settings, deal) * slip * (ONE - market.taker_fee)
    return held.cost + entry_slip - proceeds


def _edge_problems(settings: ScalperSettings, market: Market) -> Iterator[Problem]:
    win = net_edge(settings, market).win
    if win <= 0:
        least = least_profit_pct(settings, market)
        yield Problem(
            "no_profit",
            "take_profit_pct",
            f"At a take profit of {settings.take_profit_pct:f} % a win nets {win * HUNDRED:.4f} % after fees "
            f"and slippage: make it {least:f} % or more.",
            f"{least:f}",
        )
    narrowest = ceil_to(least_width_bps(settings, market), STEP_BPS)
    if settings.captures_spread and 0 < settings.quote_width_bps < narrowest:
        yield Problem(
            "width_too_small",
            "quote_width_bps",
            f"The quote width must cover both fees and 2 bps: make it {words.plain(narrowest)} bps "
            "or more, or 0.",
            words.plain(narrowest),
        )
    least = least_profit_pct(settings, market)
    if any(step.profit_pct < least for step in settings.roi_steps):
        yield Problem(
            "roi_without_profit",
            "roi_steps",
            f"A falling target under {least:f} % closes at a loss once fees are paid.",
            warning=True,
        )


def _book_problems(settings: ScalperSettings, market: Market, price: Decimal) -> Iterator[Problem]:
    tick_bps = ceil_to(market.tick / price * BPS, STEP_BPS)
    if 0 < settings.max_spread_bps < tick_bps:
        yield Problem(
            "spread_under_tick",
            "max_spread_bps",
            f"One tick of {market.ticker} is {words.plain(tick_bps)} bps: with this widest spread it never "
            f"enters. Make it {words.plain(tick_bps)} or more.",
            words.plain(tick_bps),
            warning=True,
        )


def _size_problems(
    settings: ScalperSettings, market: Market, deal: Deal, required: Decimal
) -> Iterator[Problem]:
    if deal.value > settings.order_amount:
        spent = words.quote(deal.value, market)
        message = f"The order is raised to {spent}, the least {market.ticker} takes."
        yield Problem("order_raised", "order_amount", message, warning=True)
    if required > settings.investment:
        needed = ceil_to(required, CENT)
        yield Problem(
            "over_investment",
            "investment",
            f"One deal needs {needed:f} {market.quote} with its fee, more than the investment: "
            f"raise it to {needed:f} or buy less.",
            f"{needed:f}",
        )


def _too_small(settings: ScalperSettings, market: Market, price: Decimal) -> Problem:
    smallest = market.smallest(price, settings.stop_fraction) / (ONE - market.taker_fee)
    least = ceil_to(ceil_to(smallest, market.lot) * price, CENT)
    return Problem(
        "order_too_small",
        "order_amount",
        f"The order is under what {market.ticker} takes, even raised by 30 %: "
        f"make it {least:f} {market.quote} or more.",
        f"{least:f}",
    )
