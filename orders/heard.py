"""What a stream tells of our orders only hurries: they are asked about now, and booked from the answer.

A word that is lost, doubled or wrong costs a question at most; what no stream tells is asked for all the
same, a little later.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from orders.gateways.streaming import Told
from orders.models import Order, Trade
from orders.states import OrderStatus

ASKED_ABOUT = (OrderStatus.UNKNOWN, OrderStatus.OPEN, OrderStatus.NOT_PLACED)
# A stream may tell of a fill so much later than it was, and an exchange's clock be so wrong.
TOLD_WITHIN = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Hurried:
    """Whose turn it is now; `early` was told of orders whose answer is still on its way: tell it again."""

    bots: list[UUID]
    early: list[Told]


def orders_heard(*, account_id: UUID, told: Sequence[Told], now: datetime) -> Hurried:
    """Make due what has news in it for us."""
    named = Q(exchange_order_id__in={one.order_id for one in told})
    named |= Q(client_id__in={one.client_id for one in told})
    held = Order.objects.filter(named, account=account_id)
    orders = list(held.filter(status__in=[OrderStatus.SENDING, *ASKED_ABOUT]).order_by("pk"))
    due, early = [], []
    for order in orders:
        for one in (one for one in told if _names(one, order)):
            if order.status == OrderStatus.SENDING:
                early.append(one)
            elif _is_news(one, order):
                due.append(order)
    return Hurried(_hurry(due, now), early)


def orders_missed(*, account_id: UUID, now: datetime) -> list[UUID]:
    """Nobody has listened for a while: everything that rests or is in doubt is asked about."""
    held = Order.objects.filter(account=account_id)
    return _hurry(held.filter(status__in=[OrderStatus.UNKNOWN, OrderStatus.OPEN]).order_by("pk"), now)


def fill_untold(*, account_id: UUID, heard_at: datetime, now: datetime) -> bool:
    """Whether a fill has been booked that a stream which works would have told by now, after `heard_at`."""
    after, before = heard_at + TOLD_WITHIN, now - TOLD_WITHIN
    fills = Trade.objects.filter(order__account=account_id, executed_at__gt=after)
    return fills.filter(recorded_at__gt=after, recorded_at__lte=before).exists()


def _names(told: Told, order: Order) -> bool:
    """The exchange's own ids are unique in a market only."""
    if told.client_id == order.client_id:
        return True
    return told.ticker == order.ticker and told.order_id == order.exchange_order_id


def _is_news(told: Told, order: Order) -> bool:
    return order.status != OrderStatus.OPEN or told.ended or told.filled > order.filled


def _hurry(orders: Iterable[Order], now: datetime) -> list[UUID]:
    """One row at a time: two updates that take many in different orders would wait for each other."""
    bots = set()
    for order in orders:
        same = Order.objects.filter(pk=order.pk, status=order.status)
        same.exclude(look_again_at__lte=now).update(look_again_at=now)
        bots.add(order.bot_id)
    return sorted(bots)
