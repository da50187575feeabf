"""How an order lives: claimed once, settled by reports, its fills booked exactly once.

Every move of a status goes through `_move`, which follows the table in `orders.states` and loses
to whoever was faster.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from activity import journal
from activity.models import Severity
from bots.models import Bot, BotStatus
from orders.booking import book
from orders.gateways.base import Report
from orders.missing import order_missed, orders_rest
from orders.models import Order
from orders.models.order import UNTRIGGERED
from orders.money import LostRace
from orders.states import FINAL, OrderStatus, may_move
from orders.switches import SwitchedOff, pass_gate, said, short_of, stopping

SETTLE_TRIES_MAX = 5
LOOKUP_WAITS_S = (0.5, 1, 2, 5, 10, 30)
# The breaker keeps longer waits; a moment further ahead would look like a clock that was set back.
WAIT_TOLD_MAX_S = 60
# How often orders that rest on a real exchange are asked about, unless a stream tells sooner.
FOLLOW_S = 5
WATCH_WAIT_S = 60


class IllegalMove(Exception):
    """A report asks for a move that no order makes; the order stays as it is."""


def order_claim(*, order: Order, token: UUID) -> None:
    """PLANNED → SENDING, once: after this commit the order may be on the exchange.

    Raises `LostRace` when it is no longer planned, or the bot's lease is not `token`'s any more;
    `SwitchedOff`, which is one too, when a kill switch does not let it out.
    """
    # Not a join: Django would move the whole condition into a subquery, which PostgreSQL does not
    # ask again when it has waited for the row, and the later of two would not notice.
    leased = Exists(Bot.objects.filter(pk=OuterRef("bot_id"), lease_token=token, lease_until__gt=Now()))
    held = Q(leased, ~Exists(stopping(order)), ~Exists(short_of(order)))
    try:
        with transaction.atomic():
            pass_gate()
            _move(order, OrderStatus.SENDING, held, send_count=F("send_count") + 1, claimed_at=Now())
    except LostRace:
        switch = stopping(order).select_related("bot").first()
        if switch is not None:
            raise SwitchedOff(said(switch)) from None
        if (shortage := short_of(order).first()) is not None:
            raise SwitchedOff(shortage.why) from None
        raise


def order_abandon(*, order: Order, why: str, now: datetime) -> None:
    """PLANNED → ABANDONED: it was never sent, and now never will be."""
    with transaction.atomic():
        _move(order, OrderStatus.ABANDONED, refusal=why, finished_at=now, **_freed())
        _ring(order)


def order_unknown(
    *, order: Order, why: str, now: datetime, absent: bool = False, wait_s: float = 0.0
) -> None:
    """Sent, and no answer that proves anything: look it up, later and later. `absent`: the exchange
    answered that it knows no such order, which alone proves nothing either. `wait_s`: how long at least it
    wants not to be asked."""
    fields: dict[str, Any] = {"refusal": why[:300], **_later(order, now, wait_s)}
    if absent:
        fields["absences"] = order.absences = order.absences + 1
    if order.status == OrderStatus.SENDING:
        _move(order, OrderStatus.UNKNOWN, **fields)
    else:
        Order.objects.filter(pk=order.pk, status=OrderStatus.UNKNOWN).update(**fields)
        order.looks += 1


def order_not_placed(*, order: Order, now: datetime, watched: bool = False) -> None:
    """UNKNOWN → NOT_PLACED: it is proven that the exchange has never had it. `watched`: strong as the
    proof is, the exchange is asked again for a while (`orders/late.py`)."""
    with transaction.atomic():
        if order.status == OrderStatus.SENDING:
            _move(order, OrderStatus.UNKNOWN)
        again = now + timedelta(seconds=WATCH_WAIT_S) if watched else None
        _move(order, OrderStatus.NOT_PLACED, finished_at=now, look_again_at=again, looks=0, **_freed())
        _ring(order)


def order_look_later(*, orders: Sequence[Order], now: datetime) -> None:
    """Orders that rest where nobody tells us of their fills are asked about again in a moment."""
    resting = Order.objects.filter(pk__in=[order.pk for order in orders], status=OrderStatus.OPEN)
    resting.update(look_again_at=now + timedelta(seconds=FOLLOW_S))


def order_refused(*, order: Order, why: str, now: datetime) -> None:
    with transaction.atomic():
        _move(order, OrderStatus.REFUSED, refusal=why[:300], finished_at=now, **_freed())
        _ring(order, failures=F("failures") + 1)
        journal.say(
            user_id=order.user_id,
            bot_id=order.bot_id,
            level=Severity.WARNING,
            message=f"{order.exchange} refused the {order.side} order {order.slot}: {why}",
            now=now,
        )
        journal.changed([(order.user_id, order.bot_id)], now=now)


def cancel_request(*, orders: Sequence[Order], now: datetime) -> None:
    """Ask for the end of live orders. A request is a column: the status tells only what is."""
    ids = [order.pk for order in orders]
    Order.objects.filter(pk__in=ids, cancel_requested_at__isnull=True).update(cancel_requested_at=now)


def order_triggered(*, order: Order, at: datetime) -> None:
    """The price has come down to a paper stop's trigger at market time `at`, and further than to its limit:
    there it rests from now on. Once is enough; one that was ended meanwhile is not triggered."""
    Order.objects.filter(UNTRIGGERED, pk=order.pk, status=OrderStatus.OPEN).update(triggered_at=at)


def order_settle(*, order: Order, report: Report, now: datetime) -> None:
    """Book what the exchange says of an order: new fills, then the status, in one transaction.

    Any order, repetition or batching of the same reports ends in the same rows. A provisional
    report of an order that has moved meanwhile is void: `LostRace`.
    """
    for attempt in range(SETTLE_TRIES_MAX):
        try:
            with transaction.atomic():
                _settle(order, report, now)
            return
        except LostRace:
            believed = order.status
            order.refresh_from_db()
            if attempt == SETTLE_TRIES_MAX - 1 or (report.provisional and order.status != believed):
                raise


def _settle(order: Order, report: Report, now: datetime) -> None:
    fresh = bool(report.fills) and book(order, report.fills, now)
    status = _status_after(order, report)
    if report.missing:
        order_missed(order=order, now=now)
    else:
        orders_rest([order])
    if report.status is OrderStatus.UNKNOWN:
        _odd_word(order, report, now)
    if report.status in (OrderStatus.FILLED, OrderStatus.UNKNOWN) and status not in FINAL:
        Order.objects.filter(pk=order.pk).update(**_later(order, now))
    if status != order.status:
        fields: dict[str, Any] = {"finished_at": report.at, **_freed()} if status in FINAL else {}
        if order.placed_at is None:
            fields["placed_at"] = report.at
        if report.exchange_order_id:
            fields["exchange_order_id"] = report.exchange_order_id
        if status is OrderStatus.OPEN and not report.provisional:
            fields["look_again_at"] = now + timedelta(seconds=FOLLOW_S)
        _move(order, status, **fields)
        _ring(order, failures=0) if status in FINAL else None
    if fresh or status in FINAL:
        journal.changed([(order.user_id, order.bot_id)], now=now)


def _odd_word(order: Order, report: Report, now: datetime) -> None:
    """The exchange has it, and says of it what means nothing to us: it stays as it is, and we say so once."""
    word = (report.reason or "something unknown")[:32]
    means = f"{order.exchange} says {word} of {order.slot}, which means nothing to us"
    if Order.objects.filter(pk=order.pk).exclude(odd_word=word).update(odd_word=word):
        journal.say(
            user_id=order.user_id,
            bot_id=order.bot_id,
            level=Severity.WARNING,
            message=f"{means}: the order stays as it was.",
            now=now,
        )


def _status_after(order: Order, report: Report) -> OrderStatus:
    held = OrderStatus(order.status)
    told = OrderStatus.FILLED if order.filled >= order.amount else report.status
    if told is OrderStatus.FILLED and order.filled < order.amount:
        # Its fills are still on their way: final now, it would be a purchase nobody has seen.
        told = OrderStatus.OPEN if held is OrderStatus.OPEN else OrderStatus.UNKNOWN
    if told is OrderStatus.UNKNOWN and held is not OrderStatus.SENDING:
        told = held
    if held in FINAL or told == held:
        return held
    if not may_move(held, told):
        raise IllegalMove(f"{order.client_id}: {held} cannot become {told}")
    return told


def _later(order: Order, now: datetime, least_s: float = 0.0) -> dict[str, Any]:
    """When to ask for it again: each time later."""
    wait_s = max(LOOKUP_WAITS_S[min(order.looks, len(LOOKUP_WAITS_S) - 1)], min(least_s, WAIT_TOLD_MAX_S))
    return {"look_again_at": now + timedelta(seconds=wait_s), "looks": order.looks + 1}


def _freed() -> dict[str, Any]:
    return {"reserved_quote": Decimal(0), "reserved_base": Decimal(0)}


def _ring(order: Order, **fields: Any) -> None:
    """The bot has something to look at; the row says so, whatever becomes of the messages."""
    Bot.objects.filter(pk=order.bot_id).update(events=F("events") + 1, **fields)


def _move(order: Order, status: OrderStatus, held: Q | None = None, **fields: Any) -> None:
    """The one place where a status changes: along the table, and only from what we believe it is."""
    if not may_move(OrderStatus(order.status), status):
        raise IllegalMove(f"{order.client_id}: {order.status} cannot become {status}")
    believed = Order.objects.filter(held or Q(), pk=order.pk, status=order.status)
    moved = believed.update(status=status, **fields)
    if not moved:
        raise LostRace(order.client_id)
    if order.status == OrderStatus.UNKNOWN:
        transaction.on_commit(lambda: _doubt_over(order))
    order.status = status


def _doubt_over(order: Order) -> None:
    """The other bots of its account in its market held entries back; a lost ring costs them a wait."""
    others = Bot.objects.filter(account=order.account_id, ticker=order.ticker, status=BotStatus.ACTIVE)
    others.exclude(pk=order.bot_id).update(events=F("events") + 1)
