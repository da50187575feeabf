"""Finish and send: the order protocol. No transaction is open while an exchange is asked.

An order is claimed in the database, sent once, and from then on only looked up. What a crash or a
lost answer left behind is found here as SENDING or UNKNOWN, by the same code that runs every turn.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from accounts.services import account_refused
from bots.engine.claims import AHEAD_MAX_S, Hold, passed
from bots.models import BotStatus
from orders.following import follow
from orders.gateways.base import (
    Exchanges,
    Gateway,
    GatewayError,
    KeyRefused,
    RateLimited,
    Refused,
    Report,
    Unreachable,
)
from orders.late import order_appeared, order_watched
from orders.models import Order
from orders.services import (
    order_abandon,
    order_claim,
    order_look_later,
    order_not_placed,
    order_refused,
    order_settle,
    order_unknown,
)
from orders.states import UNSETTLED, OrderStatus
from orders.switches import SwitchedOff
from tradingbot.clock import ms_of

ORDERS_PER_TURN_MAX = 2000
OTHERS_CHANGE = ("status", "cancel_requested_at", "bot__status", "account__state")
PLANNED_KEEPS_MS = 30_000
NO_TIME = timedelta(0)
FOLLOWED = frozenset({OrderStatus.UNKNOWN, OrderStatus.OPEN})
NO_ANSWER = (Unreachable, RateLimited, KeyRefused)


def anything_left(ids: Collection[UUID]) -> bool:
    """Whether `finish` or fees may find something, in one light read: mostly they would not."""
    return Order.objects.filter(_restless() | Q(fee_look_at__lte=Now()), bot__in=ids).exists()


def finish(ids: Collection[UUID], *, exchanges: Exchanges, now: datetime) -> None:
    """Settle what an earlier turn left: an order that was sent is asked for before anything else."""
    resting: dict[tuple[UUID, str], list[Order]] = defaultdict(list)
    for order in _read(Order.objects.filter(_restless(), bot__in=ids)):
        if order.status == OrderStatus.OPEN and _time_to_look(order, now):
            resting[order.account_id, order.ticker].append(order)
        elif order.status == OrderStatus.SENDING or _time_to_look(order, now):
            _resolve(order, gateway_of(order, exchanges), now)
    for orders in resting.values():
        _follow(orders, gateway_of(orders[0], exchanges), now)


def send(
    ids: Collection[UUID], written: Sequence[Order], *, hold: Hold, exchanges: Exchanges, now: datetime
) -> None:
    """Make the requested cancels, then place what is planned, exits first. `written`: the orders that this
    turn has just planned."""
    rows = _awaited(ids, written)
    for order in rows:
        if order.status == OrderStatus.OPEN and order.cancel_requested_at:
            _cancel(order, gateway_of(order, exchanges), now)
    planned = [order for order in rows if order.status == OrderStatus.PLANNED]
    held_up = _outdated(planned, exchanges)
    for order in sorted(planned, key=lambda row: (row.role != "exit", row.slot)):
        gateway = gateway_of(order, exchanges)
        if order.pk in held_up or order.cancel_requested_at or order.bot.status != BotStatus.ACTIVE:
            order_abandon(order=order, why="no longer wanted when its turn came", now=now)
        elif not gateway.wait_s(order):  # else it stays planned, until it is too old
            hold.keep()
            _place(order, gateway, token=hold.token, now=now)


def gateway_of(order: Order, exchanges: Exchanges) -> Gateway:
    return exchanges.gateway(order.exchange, order.account.environment)


def _restless() -> Q:
    """Every order that is not at rest, or is to be looked at again."""
    restless = Q(status__in=sorted(UNSETTLED)) | Q(status=OrderStatus.OPEN, cancel_requested_at__isnull=False)
    restless |= Q(passed("look_again_at"), status=OrderStatus.OPEN)
    return restless | Q(status=OrderStatus.NOT_PLACED, look_again_at__lte=Now())


def _read(orders: QuerySet[Order]) -> list[Order]:
    rows = orders.select_related("account", "bot", "market").order_by("planned_at", "slot")
    return list(rows[:ORDERS_PER_TURN_MAX])


def _awaited(ids: Collection[UUID], written: Sequence[Order]) -> list[Order]:
    """The orders that are planned, or asked to end. Of those just written only what others may have changed
    since is read."""
    planned = Q(status=OrderStatus.PLANNED)
    asked = Order.objects.filter(
        planned | Q(status=OrderStatus.OPEN, cancel_requested_at__isnull=False), bot__in=ids
    )
    oldest = asked.order_by("planned_at", "slot")[:ORDERS_PER_TURN_MAX]
    stands = {pk: rest for pk, *rest in oldest.values_list("pk", *OTHERS_CHANGE)}
    known = [order for order in written if order.pk in stands and stands[order.pk][0] == order.status]
    for order in known:
        _, order.cancel_requested_at, order.bot.status, order.account.state = stands[order.pk]
    unknown = set(stands) - {order.pk for order in known}
    return _read(asked.filter(pk__in=unknown)) + known if unknown else known


def _place(order: Order, gateway: Gateway, *, token: UUID, now: datetime) -> None:
    try:
        order_claim(order=order, token=token)
    except SwitchedOff as switched:
        order_abandon(order=order, why=str(switched), now=now)
        return
    try:
        report = gateway.create(order)
    except (Refused, KeyRefused) as refusal:
        order_refused(order=order, why=str(refusal), now=now)
        noted(order, refusal, now)
    except NO_ANSWER as silence:
        _unanswered(order, silence, now)
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
        _unanswered(order, silence, now)
        return
    if order.status == OrderStatus.NOT_PLACED:
        _watch(order, report, gateway, now)
    elif report is not None:
        _accept(order, report, now)
    elif gateway.surely_not_placed(order, now):
        order_not_placed(order=order, now=now, watched=gateway.may_be_late)
    else:
        order_unknown(order=order, why="the exchange does not know it yet", now=now, absent=True)


def _unanswered(order: Order, silence: GatewayError, now: datetime) -> None:
    """No answer that proves anything: it is asked for again, later and later."""
    noted(order, silence, now)
    if order.status == OrderStatus.NOT_PLACED:
        order_watched(order=order, now=now)
        return
    wait_s = silence.wait_s if isinstance(silence, RateLimited) else 0.0
    order_unknown(order=order, why=str(silence), now=now, wait_s=wait_s)


def noted(order: Order, error: GatewayError, now: datetime) -> None:
    """A key that is not accepted any more is nobody's to try again and again."""
    if isinstance(error, KeyRefused):
        account_refused(account=order.account, now=now)


def _watch(order: Order, report: Report | None, gateway: Gateway, now: datetime) -> None:
    """An order that was proven not to be there, and may come all the same: then it is ended and booked."""
    if report is None:
        order_watched(order=order, now=now)
        return
    order_appeared(order=order, report=report, now=now)
    if report.status is OrderStatus.OPEN:
        try:
            report = gateway.cancel(order)
        except NO_ANSWER:
            return  # It is looked at again soon.
        order_appeared(order=order, report=report, now=now)


def _follow(orders: Sequence[Order], gateway: Gateway, now: datetime) -> None:
    """Take in what has become of resting orders of one account in one market."""
    try:
        follow(orders, gateway, now)
    except NO_ANSWER as silence:
        noted(orders[0], silence, now)
        order_look_later(orders=orders, now=now)


def _cancel(order: Order, gateway: Gateway, now: datetime) -> None:
    try:
        report = gateway.cancel(order)
    except NO_ANSWER as silence:
        noted(order, silence, now)
        return  # The request stands in its column; the next turn asks again.
    order_settle(order=order, report=report, now=now)


def _time_to_look(order: Order, now: datetime) -> bool:
    """Unproven, or said to be filled before its fills were told."""
    if order.look_again_at is None:
        return order.status == OrderStatus.UNKNOWN
    wait = order.look_again_at - now
    # Further ahead than anything is waited for: the clock was set back.
    set_back = order.status in FOLLOWED and wait > timedelta(seconds=AHEAD_MAX_S)
    return order.status != OrderStatus.PLANNED and (wait <= NO_TIME or set_back)


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
