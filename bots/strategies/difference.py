"""What should rest against what does: the rules by which a plan becomes cancels and new orders.

Pure, so that the backtest and the rows of the engine follow the very same.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from bots.strategies.base import EXIT, ORDERS_PER_PLAN_MAX, OrderIntent, Plan
from orders.accounting import product
from orders.records import replace
from orders.rules import BUY, SELL, STOP, ZERO, Market

REASONS_MAX = 20
NOTHING: Mapping[str, OrderIntent] = {}


class BadPlan(Exception):
    """A strategy asked for something no order can be; its author must look."""


def wanted(
    plan: Plan[object], *, asked_to_stop: bool, cancels_all: bool
) -> tuple[Mapping[str, OrderIntent], bool]:
    """The orders that should rest, and whether a finished bot leaves them resting.

    `asked_to_stop`: its user or an earlier finished plan ends it; `cancels_all`: by cancelling all but the
    stop that protects an open deal.
    """
    keeps = plan.finished and not asked_to_stop and bool(plan.orders)
    if cancels_all:
        return stops_of(plan.orders), keeps
    if plan.finished and not keeps:
        return NOTHING, keeps
    return plan.orders, keeps


def stops_of(orders: Mapping[str, OrderIntent]) -> Mapping[str, OrderIntent]:
    """The stops among them: they protect what a bot holds, however it is stopped."""
    return {slot: intent for slot, intent in orders.items() if intent.kind is STOP} if orders else NOTHING


def exits_first(orders: Iterable[tuple[str, OrderIntent]]) -> list[tuple[str, OrderIntent]]:
    """Exits before all else; beyond that the plan's own order."""
    return sorted(orders, key=lambda item: item[1].role is not EXIT)


def check_count(orders: Mapping[str, OrderIntent]) -> None:
    if len(orders) > ORDERS_PER_PLAN_MAX:
        raise BadPlan(f"{len(orders)} orders in one plan; {ORDERS_PER_PLAN_MAX} is the most")


def check(slot: str, intent: OrderIntent, market: Market) -> None:
    """Raises `BadPlan` for an amount or a price that is no multiple of its step."""
    amount, price = intent.amount, intent.price
    if amount <= ZERO or amount % market.lot or (price is not None and price <= ZERO):
        raise BadPlan(f"{slot}: {amount} at {price} is no order of {market.ticker}")
    if price is not None and price % market.tick:
        raise BadPlan(f"{slot}: the price {price} is not on the tick {market.tick}")
    if intent.kind is STOP or intent.trigger is not None:
        _check_stop(slot, intent, market)


def _check_stop(slot: str, intent: OrderIntent, market: Market) -> None:
    trigger, price = intent.trigger, intent.price
    if intent.kind is not STOP or intent.side is not SELL or trigger is None or price is None:
        raise BadPlan(f"{slot}: a stop is a sale with a limit and a trigger, and nothing else has one")
    if trigger < price or trigger % market.tick:
        raise BadPlan(f"{slot}: the trigger {trigger} is under its limit {price}, or not on the tick")


def fitted(intent: OrderIntent, market: Market) -> OrderIntent:
    """The intent on the market's steps; mostly it is there already. What a strategy remembers may be from
    before the exchange changed its rules."""
    on_tick = intent.price is None or not intent.price % market.tick
    if intent.trigger is not None:
        return _fitted_stop(intent, intent.trigger, market)
    if on_tick and not intent.amount % market.lot:
        return intent
    price = None if intent.price is None else market.price(intent.side, intent.price)
    return replace(intent, amount=market.amount(intent.amount), price=price)


def _fitted_stop(intent: OrderIntent, trigger: Decimal, market: Market) -> OrderIntent:
    """Its trigger as low as the bot's own stop would act, its limit no higher than that."""
    trigger = market.price(BUY, trigger)
    price = None if intent.price is None else min(market.price(SELL, intent.price), trigger)
    return replace(intent, amount=market.amount(intent.amount), price=price, trigger=trigger)


def reserved(intent: OrderIntent, market: Market, ask: Decimal) -> tuple[Decimal, Decimal]:
    """What the order may take at most: quote with its fee for a buy, base for a sell."""
    if intent.side is SELL:
        return ZERO, intent.amount
    price = intent.price if intent.price is not None else ask
    return product(intent.amount, price, market.taken), ZERO


def not_covered(slot: str) -> str:
    return f"The order {slot} waits: the bot's pocket does not cover it."
