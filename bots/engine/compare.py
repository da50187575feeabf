"""Compare: what should rest against what does; the difference is what a decision changes.

Pure over the rows of one look: nothing is saved here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from bots.engine.look import Look, intent_of
from bots.models import StopRequest
from bots.strategies.base import OrderIntent, Plan
from bots.strategies.difference import (
    REASONS_MAX,
    check,
    check_count,
    exits_first,
    fitted,
    not_covered,
    reserved,
    wanted,
)
from bots.strategies.registry import dump_memory
from orders.models import Order
from orders.rules import ZERO, Market, OrderKind, Side
from orders.states import OrderStatus
from orders.switches import lets_out

NAMESPACE = UUID("6f6d1a52-6f0e-5b7f-9a38-0d1f53c6a1d4")


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
    check_count(plan.orders)
    request = look.bot.stop_request
    cancels_all = request == StopRequest.CANCEL_ORDERS
    change = Change(look, plan, dump_memory(plan.memory), reasons=list(plan.reasons)[:REASONS_MAX])
    orders, keeps = wanted(plan, asked_to_stop=bool(request), cancels_all=cancels_all)
    _compare(change, orders, now)
    # Of a bot that cancels all, the stop of its open deal may rest on.
    rests = all(map(_rests, look.live)) if cancels_all else not (orders or look.live)
    at_rest = keeps or rests
    change.stopped = bool(request or plan.finished) and at_rest and not (change.place or change.cancel)
    return change


def _compare(change: Change, orders: Mapping[str, OrderIntent], now: datetime) -> None:
    look, taken = change.look, set()
    for order in look.live:
        taken.add(order.slot)
        keep = _rests_as_wanted(order, orders.get(order.slot), look.strategy.market)
        if not keep and order.cancel_requested_at is None:
            change.cancel.append(order)
    quote_left = look.bot.cash - sum((order.reserved_quote for order in look.live), ZERO)
    base_left = look.bot.position_amount - sum((order.reserved_base for order in look.live), ZERO)
    for slot, intent in exits_first(item for item in orders.items() if item[0] not in taken):
        if intent.side is Side.BUY and not look.may_buy:
            continue  # The end of the doubt, or of the shortage, rings again.
        if not all(lets_out(level, intent.side, intent.kind) for level in look.switched):
            continue  # Its release rings again.
        order = _planned(change, slot, intent, now)
        if order.reserved_quote > quote_left or order.reserved_base > base_left:
            _not_covered(change, order)
            continue
        quote_left, base_left = quote_left - order.reserved_quote, base_left - order.reserved_base
        change.place.append(order)


def _rests(order: Order) -> bool:
    """Whether the exchange has it, and nobody has asked for its end."""
    return order.status == OrderStatus.OPEN and order.cancel_requested_at is None


def _rests_as_wanted(order: Order, intent: OrderIntent | None, market: Market) -> bool:
    """To the letter, or as far as the exchange's steps allow."""
    rests = intent_of(order)
    return intent is not None and (rests == intent or rests == fitted(intent, market))


def _not_covered(change: Change, order: Order) -> None:
    """Said only when nothing is about to free the money: a cancel under way is the usual cause."""
    ending = change.cancel or any(live.cancel_requested_at for live in change.look.live)
    if not ending and (change.look.seen.fills or change.look.closed or change.place):
        change.reasons.append(not_covered(order.slot))


def _planned(change: Change, slot: str, intent: OrderIntent, now: datetime) -> Order:
    look = change.look
    intent = fitted(intent, look.strategy.market)
    check(slot, intent, look.strategy.market)
    quote, base = reserved(intent, look.strategy.market, look.quote.ask)
    return Order(
        user_id=look.bot.user_id,
        bot=look.bot,
        account=look.bot.account,
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
        trigger=intent.trigger,
        reserved_quote=quote,
        reserved_base=base,
        planned_at=look.now,
    )
