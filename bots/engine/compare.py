"""Compare: what should rest against what does; the difference is what a decision changes.

Pure over the rows of one look: nothing is saved here.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from bots.engine.look import Look, intent_of
from bots.models import StopRequest
from bots.strategies.base import ORDERS_PER_PLAN_MAX, OrderIntent, Plan, Role
from bots.strategies.registry import dump_memory
from orders.accounting import product
from orders.models import Order
from orders.rules import ONE, ZERO, FeeIn, OrderKind, Side

REASONS_MAX = 20
NAMESPACE = UUID("6f6d1a52-6f0e-5b7f-9a38-0d1f53c6a1d4")


class BadPlan(Exception):
    """A strategy asked for something no order can be; its author must look."""


@dataclass(slots=True)
class Change:
    """What one decision changes, before it is written."""

    look: Look
    plan: Plan[Any]
    memory: dict[str, Any]
    place: list[Order] = field(default_factory=list)
    cancel: list[Order] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    stopped: bool = False

    @property
    def number(self) -> int:
        return self.look.bot.decisions_made + 1

    @property
    def worth_a_row(self) -> bool:
        """Whether anything is different from before: a look that changes nothing leaves no trace."""
        bot, seen = self.look.bot, self.look.seen
        shown = bool(seen.fills or self.look.closed or seen.commands)
        changed = bool(self.place or self.cancel or self.reasons or self.stopped)
        return shown or changed or self.memory != bot.memory or self.plan.deal != bot.deal_number


def change_of(look: Look, plan: Plan[Any], *, now: datetime) -> Change:
    """Compare the plan with what rests."""
    if len(plan.orders) > ORDERS_PER_PLAN_MAX:
        raise BadPlan(f"{len(plan.orders)} orders in one plan; {ORDERS_PER_PLAN_MAX} is the most")
    change = Change(look, plan, dump_memory(plan.memory), reasons=list(plan.reasons)[:REASONS_MAX])
    stopping = bool(look.bot.stop_request) or plan.finished
    wanted = dict(plan.orders)
    keeps = plan.finished and not look.bot.stop_request and bool(plan.orders)
    if look.bot.stop_request == StopRequest.CANCEL_ORDERS or (plan.finished and not keeps):
        wanted = {}
    _compare(change, wanted, now)
    at_rest = keeps or not (wanted or look.live)
    change.stopped = stopping and at_rest and not (change.place or change.cancel)
    return change


def _compare(change: Change, wanted: dict[str, OrderIntent], now: datetime) -> None:
    look, taken = change.look, set()
    for order in look.live:
        taken.add(order.slot)
        keep = wanted.get(order.slot) == intent_of(order)
        if not keep and order.cancel_requested_at is None:
            change.cancel.append(order)
    fresh = {slot: intent for slot, intent in wanted.items() if slot not in taken}
    quote_left = look.bot.cash - sum((order.reserved_quote for order in look.live), ZERO)
    base_left = look.bot.position_amount - sum((order.reserved_base for order in look.live), ZERO)
    for slot, intent in sorted(fresh.items(), key=lambda item: item[1].role is not Role.EXIT):
        order = _planned(change, slot, intent, now)
        if order.reserved_quote > quote_left or order.reserved_base > base_left:
            _not_covered(change, order)
            continue
        quote_left, base_left = quote_left - order.reserved_quote, base_left - order.reserved_base
        change.place.append(order)


def _not_covered(change: Change, order: Order) -> None:
    """Said only when nothing is about to free the money: a cancel under way is the usual cause."""
    ending = change.cancel or any(live.cancel_requested_at for live in change.look.live)
    if not ending and (change.look.seen.fills or change.look.closed or change.place):
        change.reasons.append(f"The order {order.slot} waits: the bot's pocket does not cover it.")


def _planned(change: Change, slot: str, intent: OrderIntent, now: datetime) -> Order:
    look = change.look
    rules = look.strategy.market
    if intent.amount <= 0 or intent.amount % rules.lot or (intent.price or ONE) <= 0:
        raise BadPlan(f"{slot}: {intent.amount} at {intent.price} is no order of {rules.ticker}")
    if intent.price is not None and intent.price % rules.tick:
        raise BadPlan(f"{slot}: the price {intent.price} is not on the tick {rules.tick}")
    quote, base = _reserved(look, intent)
    return Order(
        user_id=look.bot.user_id,
        bot=look.bot,
        account_id=look.bot.account_id,
        market=look.market,
        exchange=look.bot.exchange,
        ticker=look.bot.ticker,
        client_id=uuid5(NAMESPACE, f"{look.bot.pk}/{change.number}/{slot}").hex,
        slot=slot,
        decision_number=change.number,
        role=intent.role,
        side=intent.side,
        kind=intent.kind,
        price=None if intent.kind is OrderKind.MARKET else intent.price,
        amount=intent.amount,
        post_only=intent.post_only,
        reserved_quote=quote,
        reserved_base=base,
        planned_at=look.now,
    )


def _reserved(look: Look, intent: OrderIntent) -> tuple[Decimal, Decimal]:
    """What the order may take at most: quote with its fee for a buy, base for a sell."""
    if intent.side is Side.SELL:
        return ZERO, intent.amount
    rules = look.strategy.market
    price = intent.price if intent.price is not None else look.quote.ask
    fee = rules.taker_fee if rules.fee_in is FeeIn.QUOTE else ZERO
    return product(intent.amount, price, ONE + fee), ZERO
