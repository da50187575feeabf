"""Orders that were proven not to be there, and the watch for those that come all the same.

An exchange may take in a request long after it ran out. Such an order is ended, what it has filled is
booked as late, and its bot is stopped: it has decided since without it.
"""

from datetime import datetime, timedelta

from django.db import transaction

from orders.booking import stop_until_looked_at
from orders.gateways.base import Report
from orders.models import Order
from orders.services import order_settle
from orders.states import FINAL

WATCH_H = 72
WAITS_S = (60, 300, 1800, 7200, 21_600)


def order_watched(*, order: Order, now: datetime) -> None:
    """Still not there: ask again, later and later, until the watch is over."""
    if order.claimed_at is not None and now - order.claimed_at > timedelta(hours=WATCH_H):
        Order.objects.filter(pk=order.pk).update(look_again_at=None)
        return
    _again(order, now)


def order_appeared(*, order: Order, report: Report, now: datetime) -> None:
    """It is there after all: book its fills, stop its bot until a person has looked, and say so once.

    A report of its end carries all its fills, and ends the watch.
    """
    with transaction.atomic():
        fresh = order.exchange_order_id is None
        order.exchange_order_id = report.exchange_order_id
        Order.objects.filter(pk=order.pk).update(exchange_order_id=report.exchange_order_id)
        if report.status in FINAL:
            Order.objects.filter(pk=order.pk).update(look_again_at=None)
        else:
            _again(order, now)
        if fresh:
            why = (
                f"The order {order.slot} appeared on {order.exchange} long after it was given up. "
                "It is cancelled, and what it filled is booked; look before you start again."
            )
            stop_until_looked_at(order=order, why=why, now=now)
        # In the same transaction: an end that is noted with its fills lost would never be asked about again.
        order_settle(order=order, report=report, now=now)


def _again(order: Order, now: datetime) -> None:
    wait_s = WAITS_S[min(order.looks, len(WAITS_S) - 1)]
    again = now + timedelta(seconds=wait_s)
    Order.objects.filter(pk=order.pk).update(look_again_at=again, looks=order.looks + 1)
