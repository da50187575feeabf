"""How an order lives: claimed once, settled by reports, its fills booked exactly once.

Every move of a status goes through `_move`, which follows the table in `orders.states` and loses
to whoever was faster.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from activity import journal
from activity.models import Severity
from bots.models import Bot
from orders.accounting import Fill, Position, Transfer, money, product, quote_change, share, transfers
from orders.gateways.base import FillReport, Report, fill_of
from orders.models import LedgerEntry, Order, Trade
from orders.money import LostRace
from orders.rules import Side
from orders.states import FINAL, OrderStatus, may_move

SETTLE_TRIES_MAX = 5
LOOKUP_WAITS_S = (0.5, 1, 2, 5, 10, 30)


class IllegalMove(Exception):
    """A report asks for a move that no order makes; the order stays as it is."""


def order_claim(*, order: Order, token: UUID) -> None:
    """PLANNED → SENDING, once: after this commit the order may be on the exchange.

    Raises `LostRace` when it is no longer planned, or the bot's lease is not `token`'s any more.
    """
    # Not a join: Django would move the whole condition into a subquery, which PostgreSQL does not
    # ask again when it has waited for the row, and the later of two would not notice.
    held = Exists(Bot.objects.filter(pk=OuterRef("bot_id"), lease_token=token, lease_until__gt=Now()))
    _move(order, OrderStatus.SENDING, held, send_count=F("send_count") + 1, claimed_at=Now())


def order_abandon(*, order: Order, why: str, now: datetime) -> None:
    """PLANNED → ABANDONED: it was never sent, and now never will be."""
    with transaction.atomic():
        _move(order, OrderStatus.ABANDONED, refusal=why, finished_at=now, **_freed())
        _ring(order)


def order_unknown(*, order: Order, why: str, now: datetime) -> None:
    """Sent, and no answer that proves anything: look it up, later and later."""
    fields = {"refusal": why[:300], **_later(order, now)}
    if order.status == OrderStatus.SENDING:
        _move(order, OrderStatus.UNKNOWN, **fields)
    else:
        Order.objects.filter(pk=order.pk, status=OrderStatus.UNKNOWN).update(**fields)
        order.looks += 1


def order_not_placed(*, order: Order, now: datetime) -> None:
    """UNKNOWN → NOT_PLACED: it is proven that the exchange has never had it."""
    with transaction.atomic():
        if order.status == OrderStatus.SENDING:
            _move(order, OrderStatus.UNKNOWN)
        _move(order, OrderStatus.NOT_PLACED, finished_at=now, **_freed())
        _ring(order)


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


@dataclass(frozen=True, slots=True)
class _Booked:
    trade: Trade
    fill: Fill
    moves: list[Transfer]


def _settle(order: Order, report: Report, now: datetime) -> None:
    known = set(Trade.objects.filter(order=order).values_list("exchange_trade_id", flat=True))
    fresh = {fill.trade_id: fill for fill in report.fills if fill.trade_id not in known}
    if fresh:
        _book(order, list(fresh.values()), now)
    status = _status_after(order, report)
    if report.status is OrderStatus.FILLED and status not in FINAL:
        Order.objects.filter(pk=order.pk).update(**_later(order, now))
    if status != order.status:
        fields: dict[str, Any] = {"finished_at": report.at, **_freed()} if status in FINAL else {}
        if order.placed_at is None:
            fields["placed_at"] = report.at
        if report.exchange_order_id:
            fields["exchange_order_id"] = report.exchange_order_id
        _move(order, status, **fields)
        _ring(order, failures=0) if status in FINAL else None
    if fresh or status in FINAL:
        journal.changed([(order.user_id, order.bot_id)], now=now)


def _status_after(order: Order, report: Report) -> OrderStatus:
    held = OrderStatus(order.status)
    told = OrderStatus.FILLED if order.filled >= order.amount else report.status
    if told is OrderStatus.FILLED and order.filled < order.amount:
        # Its fills are still on their way: final now, it would be a purchase nobody has seen.
        told = OrderStatus.OPEN if held is OrderStatus.OPEN else OrderStatus.UNKNOWN
    if held in FINAL or told == held:
        return held
    if not may_move(held, told):
        raise IllegalMove(f"{order.client_id}: {held} cannot become {told}")
    return told


def _book(order: Order, reports: list[FillReport], now: datetime) -> None:
    """Trades, the order's filled part, the bot's position and cash, the ledger: all or nothing."""
    bot = Bot.objects.get(pk=order.bot_id)
    position = Position(bot.position_amount, bot.position_cost, bot.pnl)
    booked: list[_Booked] = []
    cash, filled, cost = bot.cash, order.filled, order.cost
    for number, told in enumerate(reports, start=bot.total_trades + 1):
        fill = fill_of(order, told)
        after = position.after(fill)
        trade = _trade(order, told, fill, number=number, pnl=after.realised - position.realised, now=now)
        booked.append(_Booked(trade, fill, transfers(fill, bot.base, bot.quote)))
        position, cash = after, cash + quote_change(fill)
        filled, cost = filled + fill.amount, cost + fill.value
    # The two rows first: whoever books at the same time loses here, not at a constraint below.
    _write_order(order, filled=filled, cost=cost)
    unmoved = Bot.objects.filter(
        pk=bot.pk,
        total_trades=bot.total_trades,
        cash=bot.cash,
        position_amount=bot.position_amount,
        position_cost=bot.position_cost,
        pnl=bot.pnl,
    )
    moved = unmoved.update(
        position_amount=position.amount,
        position_cost=position.cost,
        pnl=position.realised,
        cash=cash,
        total_trades=bot.total_trades + len(booked),
        events=F("events") + 1,
    )
    if not moved:
        raise LostRace(f"bot {bot.pk}")
    Trade.objects.bulk_create(row.trade for row in booked)
    _write_ledger(order, booked)
    journal.write(_fill_entry(order, row.trade, now) for row in booked)


def _trade(order: Order, told: FillReport, fill: Fill, *, number: int, pnl: Decimal, now: datetime) -> Trade:
    return Trade(
        user_id=order.user_id,
        bot_id=order.bot_id,
        order=order,
        number=number,
        exchange_trade_id=told.trade_id,
        symbol=order.ticker,
        slot=order.slot,
        side=order.side,
        quantity=told.amount,
        price=told.price,
        fee=money(told.fee),
        fee_currency=told.fee_currency,
        fee_value=fill.fee_quote + product(fill.fee_base, told.price) + fill.fee_other,
        pnl=pnl,
        maker=told.maker,
        executed_at=told.at,
        recorded_at=now,
    )


def _write_ledger(order: Order, booked: list[_Booked]) -> None:
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            user_id=order.user_id,
            account_id=order.account_id,
            bot_id=order.bot_id,
            trade=row.trade,
            debit=move.debit,
            credit=move.credit,
            currency=move.currency,
            amount=move.amount,
            purpose=move.purpose,
            at=row.trade.executed_at,
        )
        for row in booked
        for move in row.moves
    )


def _write_order(order: Order, *, filled: Decimal, cost: Decimal) -> None:
    """`filled` only rises; what is filled needs no reservation any more."""
    before, left = order.amount - order.filled, max(order.amount - filled, Decimal(0))
    fields: dict[str, Any] = {
        "filled": filled,
        "cost": cost,
        "reserved_quote": share(order.reserved_quote, left, before) if before else Decimal(0),
        "reserved_base": min(order.reserved_base, left),
        "late": order.late or order.status in FINAL,
    }
    if not Order.objects.filter(pk=order.pk, filled=order.filled).update(**fields):
        raise LostRace(order.client_id)
    for name, value in fields.items():
        setattr(order, name, value)


def _fill_entry(order: Order, trade: Trade, now: datetime) -> Any:
    verb = "Bought" if order.side == Side.BUY else "Sold"
    base = order.ticker.split("/")[0]
    gain = "" if order.side == Side.BUY else f", {trade.pnl:+.4f} {order.ticker.split('/')[1]}"
    return journal.entry(
        user_id=order.user_id,
        bot_id=order.bot_id,
        level=Severity.SUCCESS,
        message=f"{verb} {trade.quantity.normalize():f} {base} at {trade.price.normalize():,f}{gain}.",
        now=now,
        extra={"order": str(order.pk), "trade": str(trade.pk), "slot": order.slot},
    )


def _later(order: Order, now: datetime) -> dict[str, Any]:
    """When to ask for it again: each time later."""
    wait_s = LOOKUP_WAITS_S[min(order.looks, len(LOOKUP_WAITS_S) - 1)]
    return {"look_again_at": now + timedelta(seconds=wait_s), "looks": order.looks + 1}


def _freed() -> dict[str, Any]:
    return {"reserved_quote": Decimal(0), "reserved_base": Decimal(0)}


def _ring(order: Order, **fields: Any) -> None:
    """The bot has something to look at; the row says so, whatever becomes of the messages."""
    Bot.objects.filter(pk=order.bot_id).update(events=F("events") + 1, **fields)


def _move(order: Order, status: OrderStatus, held: Exists | None = None, **fields: Any) -> None:
    """The one place where a status changes: along the table, and only from what we believe it is."""
    if not may_move(OrderStatus(order.status), status):
        raise IllegalMove(f"{order.client_id}: {order.status} cannot become {status}")
    believed = Order.objects.filter(held or Q(), pk=order.pk, status=order.status)
    moved = believed.update(status=status, **fields)
    if not moved:
        raise LostRace(order.client_id)
    order.status = status
