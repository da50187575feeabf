"""Finish and send: the order protocol. No transaction is open while an exchange is asked.

An order is claimed in the database, sent once, and from then on only looked up. What a crash or a
lost answer left behind is found here as SENDING or UNKNOWN, by the same code that runs every turn.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from bots.models import BotStatus
from orders.gateways.base import Exchanges, Gateway, RateLimited, Refused, Report, Unreachable
from orders.models import Order
from orders.services import (
    order_abandon,
    order_claim,
    order_not_placed,
    order_refused,
    order_settle,
    order_unknown,
)
from orders.states import UNSETTLED, OrderStatus
from tradingbot.clock import ms_of

ORDERS_PER_TURN_MAX = 2000
PLANNED_KEEPS_MS = 30_000
NO_ANSWER = (Unreachable, RateLimited)


def finish(ids: Collection[UUID], *, exchanges: Exchanges, now: datetime) -> None:
    """Settle what an earlier turn left: an order that was sent is asked for before anything else."""
    for order in _orders(ids):
        if order.status == OrderStatus.SENDING or _time_to_look(order, now):
            _resolve(order, gateway_of(order, exchanges), now)


def send(ids: Collection[UUID], *, token: UUID, exchanges: Exchanges, now: datetime) -> None:
    """Make the requested cancels, then place what is planned, exits first."""
    rows = list(_orders(ids))
    for order in rows:
        if order.status == OrderStatus.OPEN and order.cancel_requested_at:
            _cancel(order, gateway_of(order, exchanges), now)
    planned = [order for order in rows if order.status == OrderStatus.PLANNED]
    held_up = _outdated(planned, exchanges)
    for order in sorted(planned, key=lambda row: (row.role != "exit", row.slot)):
        if order.pk in held_up or order.cancel_requested_at or order.bot.status != BotStatus.ACTIVE:
            order_abandon(order=order, why="no longer wanted when its turn came", now=now)
        else:
            _place(order, gateway_of(order, exchanges), token=token, now=now)


def gateway_of(order: Order, exchanges: Exchanges) -> Gateway:
    return exchanges.gateway(order.exchange, order.account.environment)


def _orders(ids: Collection[UUID]) -> list[Order]:
    """Every order of these bots that is not at rest."""
    restless = Q(status__in=sorted(UNSETTLED)) | Q(status=OrderStatus.OPEN, cancel_requested_at__isnull=False)
    rows = Order.objects.filter(restless, bot__in=ids).select_related("account", "bot", "market")
    return list(rows.order_by("planned_at", "slot")[:ORDERS_PER_TURN_MAX])


def _place(order: Order, gateway: Gateway, *, token: UUID, now: datetime) -> None:
    order_claim(order=order, token=token)
    try:
        report = gateway.create(order)
    except Refused as refusal:
        order_refused(order=order, why=str(refusal), now=now)
    except NO_ANSWER as silence:
        order_unknown(order=order, why=str(silence), now=now)
    else:
        _accept(order, report, now)


def _accept(order: Order, report: Report, now: datetime) -> None:
    """Only an answer that names our order is an answer."""
    if report.client_id != order.client_id:
        order_unknown(order=order, why="the answer does not name this order", now=now)
    else:
        order_settle(order=order, report=report, now=now)


def _resolve(order: Order, gateway: Gateway, now: datetime) -> None:
    """Ask what became of an order that was sent; it is never sent again."""
    try:
        report = gateway.lookup(order)
    except NO_ANSWER as silence:
        order_unknown(order=order, why=str(silence), now=now)
        return
    if report is not None:
        _accept(order, report, now)
    elif gateway.surely_not_placed(order, now):
        order_not_placed(order=order, now=now)
    else:
        order_unknown(order=order, why="the exchange does not know it yet", now=now)


def _cancel(order: Order, gateway: Gateway, now: datetime) -> None:
    try:
        report = gateway.cancel(order)
    except NO_ANSWER:
        return  # The request stands in its column; the next turn asks again.
    order_settle(order=order, report=report, now=now)


def _time_to_look(order: Order, now: datetime) -> bool:
    """Unproven, or said to be filled before its fills were told."""
    if order.look_again_at is None:
        return order.status == OrderStatus.UNKNOWN
    return order.status != OrderStatus.PLANNED and order.look_again_at <= now


def _outdated(planned: Sequence[Order], exchanges: Exchanges) -> set[UUID]:
    """Plans that a crash held up: they are not carried out at a price they never saw."""
    tickers: dict[str, set[str]] = defaultdict(set)
    for order in planned:
        tickers[order.exchange].add(order.ticker)
    quotes = {exchange: exchanges.prices[exchange].quotes(wanted) for exchange, wanted in tickers.items()}
    late = set()
    for order in planned:
        quote = quotes[order.exchange].get(order.ticker)
        if quote is None or quote.at - ms_of(order.planned_at) > PLANNED_KEEPS_MS:
            late.add(order.pk)
    return late
