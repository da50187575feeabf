"""Fills become rows: trades, the order's filled part, the bot's position and cash, the ledger, the news."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F

from activity import journal
from activity.models import Severity
from bots.models import Bot, BotStatus
from orders.accounting import Fill, Position, Transfer, money, product, quote_change, share, transfers
from orders.gateways.base import FillReport, fill_of
from orders.models import LedgerEntry, Order, Trade
from orders.money import LostRace
from orders.rules import Side
from orders.states import FINAL


@dataclass(frozen=True, slots=True)
class _Booked:
    trade: Trade
    fill: Fill
    moves: list[Transfer]


def book(order: Order, reports: list[FillReport], now: datetime) -> None:
    """Trades, the order's filled part, the bot's position and cash, the ledger: all or nothing."""
    bot = Bot.objects.get(pk=order.bot_id)
    position = Position(bot.position_amount, bot.position_cost, bot.pnl)
    booked: list[_Booked] = []
    cash, filled, cost = bot.cash, order.filled, order.cost
    for number, told in enumerate(reports, start=bot.total_trades + 1):
        fill = fill_of(order, told)
        after = position.after(fill)
        trade = _trade(order, told, fill, number=number, pnl=after.realised - position.realised, now=now)
        booked.append(_Booked(trade, fill, transfers(fill, bot.base, bot.quote, trade.other_fee)))
        position, cash = after, cash + quote_change(fill)
        filled, cost = filled + fill.amount, cost + fill.value
    # The two rows first: whoever books at the same time loses here, not at a constraint below.
    before = order.overfilled
    _write_order(order, filled=filled, cost=cost)
    _write_bot(bot, position, cash, trades=len(booked))
    Trade.objects.bulk_create(row.trade for row in booked)
    _write_ledger(order, booked)
    journal.write(_fill_entry(order, row.trade, now) for row in booked)
    if order.overfilled and not before:
        # What has happened has happened: it is booked, and a person looks.
        why = f"{order.exchange} filled more of {order.slot} than was ordered."
        stop_until_looked_at(order=order, why=why, now=now)


def stop_until_looked_at(*, order: Order, why: str, now: datetime) -> None:
    """Something that cannot be, and is: the order's bot does nothing more until its user has looked."""
    running = Bot.objects.filter(pk=order.bot_id).exclude(status=BotStatus.STOPPED)
    running.update(status=BotStatus.ERROR, phase_why=why[:300])
    journal.say(user_id=order.user_id, bot_id=order.bot_id, level=Severity.ERROR, message=why, now=now)
    journal.changed([(order.user_id, order.bot_id)], now=now)


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


def _write_bot(bot: Bot, position: Position, cash: Decimal, *, trades: int) -> None:
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
        total_trades=bot.total_trades + trades,
        events=F("events") + 1,
    )
    if not moved:
        raise LostRace(f"bot {bot.pk}")


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
        "reserved_quote": share(order.reserved_quote, left, before) if before > 0 else Decimal(0),
        "reserved_base": min(order.reserved_base, left),
        "late": order.late or order.status in FINAL,
        "overfilled": filled > order.amount,
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
