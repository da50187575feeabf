"""Fills become rows: trades, the order's filled part, the bot's position and cash, the ledger, the news."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F, Value
from django.db.models.functions import Coalesce

from activity import journal
from activity.models import Severity
from bots.models import Bot, BotStatus
from orders.accounting import (
    Fill,
    Pocket,
    Position,
    Purpose,
    Transfer,
    money,
    product,
    quote_change,
    share,
    transfers,
)
from orders.fees import charged_to_its_deal, looks_due, rows_due
from orders.gateways.base import FillReport, fill_of
from orders.models import LedgerEntry, Order, Trade
from orders.models.order import UNCOVERED
from orders.money import LostRace
from orders.rules import ZERO, Side
from orders.states import FINAL, LIVE

# Reservations shrink with each fill and are rounded each time.
ROUNDING_MAX = Decimal("1e-12")


@dataclass(slots=True)
class _Purse:
    """What a bot holds while fills are booked one after the other; never less than nothing.

    What a fill takes beyond that came from what the account holds besides its bots: it is adopted,
    valued at the fill's price, and no gain or loss of its own.
    """

    base: str
    quote: str
    position: Position
    cash: Decimal
    funded: Decimal

    def take(self, fill: Fill) -> list[Transfer]:
        """Count the fill; returns what had to be adopted for it."""
        adopted = []
        lacking = self.position.lacks(fill)
        if lacking:
            self.position = self.position.with_coins(lacking, fill.price)
            self.funded += product(lacking, fill.price)
            adopted.append(_adoption(self.base, lacking))
        self.position = self.position.after(fill)
        self.cash += quote_change(fill)
        if self.cash < 0:
            adopted.append(_adoption(self.quote, -self.cash))
            self.cash, self.funded = ZERO, self.funded - self.cash
        return adopted


def _adoption(currency: str, amount: Decimal) -> Transfer:
    return Transfer(Pocket.BOT, Pocket.OUTSIDE, currency, amount, Purpose.ADOPTED)


@dataclass(frozen=True, slots=True)
class _Booked:
    trade: Trade
    fill: Fill
    moves: list[Transfer]
    adopted: list[Transfer]


def book(order: Order, reports: Sequence[FillReport], now: datetime) -> bool:
    """What is new in `reports` becomes trades, the order's filled part, the bot's position and cash, the
    ledger: all or nothing. Returns whether anything was new."""
    # The bot first: while its count of trades has not moved, what is read after it is all there is.
    bot = Bot.objects.get(pk=order.bot_id)
    known = list(Trade.objects.filter(order=order).order_by("number"))
    purse = _Purse(
        bot.base,
        bot.quote,
        Position(bot.position_amount, bot.position_cost, bot.pnl),
        cash=bot.cash,
        funded=bot.funded,
    )
    booked = [
        _counted(order, purse, part, told, number=number, now=now)
        for number, (part, told) in enumerate(_news(order, reports, known), start=bot.total_trades + 1)
    ]
    if not booked:
        return False
    was_over = order.overfilled
    free = bot.position_amount - order.reserved_base, bot.cash - order.reserved_quote
    # The two rows first: whoever books at the same time loses here, not at a constraint below.
    _write_order(order, booked, looks_due(order, known, [row.trade for row in booked], now))
    _write_bot(bot, purse, trades=len(booked))
    Trade.objects.bulk_create(row.trade for row in booked)
    _write_ledger(order, booked)
    journal.write(_entry(order, row.trade, now) for row in booked)
    late = sum((row.trade.pnl for row in booked if row.trade.correction), ZERO)
    if late:
        charged_to_its_deal(order, late)
    left = purse.position.amount - order.reserved_base, purse.cash - order.reserved_quote
    if max(free[0] - left[0], free[1] - left[1]) > ROUNDING_MAX or _was_uncovered(order):
        _end_uncovered(order.bot_id, purse, now)
    _look_into(order, booked, overfilled=order.overfilled and not was_over, now=now)
    return True


def _news(
    order: Order, reports: Sequence[FillReport], known: Sequence[Trade]
) -> Iterator[tuple[int, FillReport]]:
    for told in {told.trade_id: told for told in reports}.values():
        yield from rows_due(order, told, [row for row in known if row.exchange_trade_id == told.trade_id])


def _counted(
    order: Order, purse: _Purse, part: int, told: FillReport, *, number: int, now: datetime
) -> _Booked:
    fill, before = fill_of(order, told), purse.position.realised
    adopted = purse.take(fill)
    trade = _trade(order, told, fill, number=number, pnl=purse.position.realised - before, now=now)
    trade.correction = part
    return _Booked(trade, fill, transfers(fill, purse.base, purse.quote, trade.other_fee), adopted)


def _look_into(order: Order, booked: Sequence[_Booked], *, overfilled: bool, now: datetime) -> None:
    """What has happened has happened: it is booked. Where it is more than can be, a person looks."""
    adopted = [move for row in booked for move in row.adopted]
    whys = [f"{order.exchange} filled more of {order.slot} than was ordered."] if overfilled else []
    for currency in sorted({move.currency for move in adopted}):
        amount = sum((move.amount for move in adopted if move.currency == currency), ZERO)
        whys.append(
            f"It took {amount.normalize():f} {currency} more than the bot had for {order.slot}: "
            "they came from what the account holds besides its bots."
        )
    if whys:
        stop_until_looked_at(order=order, why=" ".join(whys), now=now)


def _was_uncovered(order: Order) -> bool:
    """Whether it was to be ended for the others' sake, and has filled before it could be."""
    return Order.objects.filter(pk=order.pk, refusal=UNCOVERED).exists()


def _end_uncovered(bot_id: UUID, purse: _Purse, now: datetime) -> None:
    """The fill took more than was reserved for it: live orders that what is left does not cover are to be
    ended, the newest first."""
    base, quote, uncovered = purse.position.amount, purse.cash, []
    live = Order.objects.filter(bot=bot_id, status__in=sorted(LIVE)).order_by("planned_at", "slot")
    for row in live.only("reserved_base", "reserved_quote"):
        if row.reserved_base > base or row.reserved_quote > quote:
            uncovered.append(row.pk)
        else:
            base, quote = base - row.reserved_base, quote - row.reserved_quote
    ended = Order.objects.filter(pk__in=uncovered)
    ended.update(refusal=UNCOVERED, cancel_requested_at=Coalesce("cancel_requested_at", Value(now)))


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
        fee_pending=told.fee_pending,
        pnl=pnl,
        maker=told.maker,
        executed_at=told.at,
        recorded_at=now,
    )


def _write_bot(bot: Bot, purse: _Purse, *, trades: int) -> None:
    unmoved = Bot.objects.filter(
        pk=bot.pk,
        total_trades=bot.total_trades,
        cash=bot.cash,
        position_amount=bot.position_amount,
        position_cost=bot.position_cost,
        pnl=bot.pnl,
        funded=bot.funded,
    )
    moved = unmoved.update(
        position_amount=purse.position.amount,
        position_cost=purse.position.cost,
        pnl=purse.position.realised,
        cash=purse.cash,
        funded=purse.funded,
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
        for move in [*row.adopted, *row.moves]
    )


def _write_order(order: Order, booked: Sequence[_Booked], looks: dict[str, Any]) -> None:
    """`filled` only rises; what is filled needs no reservation any more."""
    filled = order.filled + sum((row.fill.amount for row in booked), ZERO)
    before, left = order.amount - order.filled, max(order.amount - filled, ZERO)
    fields: dict[str, Any] = {
        "filled": filled,
        "cost": order.cost + sum((row.fill.value for row in booked), ZERO),
        "reserved_quote": share(order.reserved_quote, left, before) if before > 0 else ZERO,
        "reserved_base": min(order.reserved_base, left),
        "late": order.late or (order.status in FINAL and filled > order.filled),
        "overfilled": filled > order.amount,
        **looks,
    }
    if not Order.objects.filter(pk=order.pk, filled=order.filled).update(**fields):
        raise LostRace(order.client_id)
    for name, value in fields.items():
        setattr(order, name, value)


def _entry(order: Order, trade: Trade, now: datetime) -> Any:
    return journal.entry(
        user_id=order.user_id,
        bot_id=order.bot_id,
        level=Severity.INFO if trade.correction else Severity.SUCCESS,
        message=_fee_told(trade) if trade.correction else _filled(order, trade),
        now=now,
        extra={"order": str(order.pk), "trade": str(trade.pk), "slot": order.slot},
    )


def _filled(order: Order, trade: Trade) -> str:
    verb = "Bought" if order.side == Side.BUY else "Sold"
    base, quote = order.ticker.split("/")
    gain = "" if order.side == Side.BUY else f", {trade.pnl:+.4f} {quote}"
    return f"{verb} {trade.quantity.normalize():f} {base} at {trade.price.normalize():,f}{gain}."


def _fee_told(trade: Trade) -> str:
    if not trade.fee:
        return f"The fee of {trade.slot} is told: it is as expected."
    more = "more" if trade.fee > 0 else "less"
    return f"The fee of {trade.slot} is told: {abs(trade.fee).normalize():f} {trade.fee_currency} {more}."
