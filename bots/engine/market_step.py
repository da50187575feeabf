"""One step of a simulated market: the clock moves to the next event, and what it passes happens.

Position, fills and news are one transaction: a crash finds either all of them or none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max, Min, Q, QuerySet

from bots.engine.claims import market_is_quiet
from bots.models import Bot, BotStatus
from bots.queries import taken_in_order
from orders.gateways import lockstep
from orders.gateways.base import Report
from orders.gateways.listed import EXCHANGE, LISTED
from orders.gateways.lockstep import Levels, Move
from orders.gateways.paper import reached_fill
from orders.gateways.simulated import source_of, stand_of
from orders.matching import quote_around
from orders.models import Order, SimulatedMarket
from orders.models.order import UNTRIGGERED
from orders.rules import Side
from orders.services import order_settle, order_triggered
from orders.states import OrderStatus
from tradingbot.clock import moment_of, ms_of


@dataclass(frozen=True, slots=True)
class Step:
    """What a step did. `restless` says that bots or orders must be committed first."""

    move: Move | None = None
    woken: tuple[UUID, ...] = ()
    restless: bool = False


class LostMarket(Exception):
    """Another process moves this market's clock now."""


def market_step(*, ticker: str, token: UUID, until: int, now: datetime) -> Step:
    """Move `ticker`'s clock to its next event, or as far as market time `until` (ms UTC)."""
    if not market_is_quiet(EXCHANGE, ticker):
        return Step(restless=True)  # asked once more below; here it spares a write transaction
    with transaction.atomic():
        row = SimulatedMarket.objects.get(ticker=ticker)
        # Taking the row first makes a turn that is writing at this price finish before, or look again.
        if not SimulatedMarket.objects.filter(pk=row.pk, owner_token=token).update(epoch=F("epoch") + 1):
            raise LostMarket(ticker)
        if not market_is_quiet(EXCHANGE, ticker):
            return Step(restless=True)
        move = lockstep.advance(source_of(row), stand_of(row), levels_of(ticker), until)
        if move is None:
            _end(row)
            return Step()
        stand = move.stand
        SimulatedMarket.objects.filter(pk=row.pk).update(
            candle=stand.candle, leg=stand.leg, price=stand.price
        )
        if not move.event:
            return Step(move)
        passed, reached = _passed(ticker, move), _reached(ticker, move)
        taken_in_order(Bot.objects.filter(Q(pk__in=passed.values("bot")) | Q(pk__in=reached)))
        filled = _fill(row, move, passed, now)
        return Step(move, woken=(*filled, *_wake(reached)))


def waits_for_a_bot(row: SimulatedMarket) -> bool:
    """A replay stands at its first price until a bot trades on it: nobody misses its beginning."""
    opening = row.replay and (row.candle, row.leg) == (0, 0)
    return bool(opening) and not _awake(row.ticker).exists()


def _end(row: SimulatedMarket) -> None:
    source = source_of(row)
    last = source.candle(row.candle + 1) is None and row.leg == 3
    if last and not row.ended:
        SimulatedMarket.objects.filter(pk=row.pk).update(ended=True)


def levels_of(ticker: str) -> Levels:
    """The nearest prices and time at which something happens in a market."""
    tick = LISTED[ticker].rules.tick
    resting = _resting(ticker).aggregate(
        buy=Max("price", filter=Q(side=Side.BUY)),
        sell=Min("price", filter=~UNTRIGGERED & Q(side=Side.SELL)),
        stop=Max("trigger", filter=UNTRIGGERED),
    )
    wakes = _awake(ticker).aggregate(
        below=Max("wake_below"),
        above=Min("wake_above"),
        at=Min("wake_at"),
        candle=Min("candle_due_at"),
        peak=Min("wake_peak"),
        trough=Max("wake_trough"),
    )
    falls = [level for level in (resting["buy"] and resting["buy"] - tick, resting["stop"]) if level]
    times = [ms_of(moment) for moment in (wakes["at"], wakes["candle"]) if moment]
    return Levels(
        buy_trigger=max(falls) if falls else None,
        sell_trigger=None if resting["sell"] is None else resting["sell"] + tick,
        below=wakes["below"],
        above=wakes["above"],
        due=min(times) if times else None,
        peak=wakes["peak"],
        trough=wakes["trough"],
    )


def _passed(ticker: str, move: Move) -> QuerySet[Order]:
    tick = LISTED[ticker].rules.tick
    return _resting(ticker).filter(
        Q(side=Side.BUY, price__gte=move.low + tick)
        | (~UNTRIGGERED & Q(side=Side.SELL, price__lte=move.high - tick))
        | (UNTRIGGERED & Q(trigger__gte=move.low))
    )


def _fill(row: SimulatedMarket, move: Move, passed: QuerySet[Order], now: datetime) -> list[UUID]:
    """Fill every resting order that the move has passed, each at its own price, nearest first; what it has
    triggered at the price where it stands."""
    rules = LISTED[row.ticker].rules
    quote = quote_around(move.stand.price, rules, row.spread_bps, move.at)
    bots = []
    for order in sorted(passed.select_related("market", "account"), key=_nearest_first):
        told = reached_fill(order, quote)
        if told is None:
            order_triggered(order=order, at=moment_of(move.at))
            continue
        report = Report(
            order.client_id, OrderStatus.FILLED, moment_of(move.at), fills=(told,), provisional=True
        )
        order_settle(order=order, report=report, now=now)
        bots.append(order.bot_id)
    return bots


def _price(order: Order) -> Decimal:
    price: Decimal | None = order.price
    if price is None:
        raise ValueError(f"a resting order without a price: {order.client_id}")
    return price


def _nearest_first(order: Order) -> tuple[bool, Decimal, str, str]:
    """What a fall meets, from the top; then what a rise does, from the bottom."""
    price, tick = _price(order), LISTED[order.ticker].rules.tick
    if order.side == Side.BUY:
        return False, tick - price, order.slot, order.client_id
    if order.trigger is not None and order.triggered_at is None:
        return False, -order.trigger, order.slot, order.client_id
    return True, price, order.slot, order.client_id


def _reached(ticker: str, move: Move) -> QuerySet[Bot]:
    """The bots whose price or time the move has reached."""
    at = moment_of(move.at)
    reached = Q(wake_at__lte=at) | Q(candle_due_at__lte=at)
    if move.stand.price < move.start:
        reached |= Q(wake_below__gte=move.stand.price, wake_below__lt=move.start)
    elif move.stand.price > move.start:
        reached |= Q(wake_above__lte=move.stand.price, wake_above__gt=move.start)
    if move.ended:
        reached |= Q(wake_peak__lt=move.stand.price) | Q(wake_trough__gt=move.stand.price)
    return _awake(ticker).filter(reached)


def _wake(bots: QuerySet[Bot]) -> Sequence[UUID]:
    ids = list(bots.values_list("pk", flat=True))
    Bot.objects.filter(pk__in=ids).update(events=F("events") + 1)
    return ids


def _resting(ticker: str) -> QuerySet[Order]:
    return Order.objects.filter(exchange=EXCHANGE, ticker=ticker, status=OrderStatus.OPEN)


def _awake(ticker: str) -> QuerySet[Bot]:
    return Bot.objects.filter(exchange=EXCHANGE, ticker=ticker, status=BotStatus.ACTIVE)
