"""Resting orders of one account in one market: what has become of them is asked for all at once."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from orders.gateways.base import Gateway
from orders.missing import orders_rest
from orders.models import Order
from orders.services import order_look_later, order_settle


def follow(orders: Sequence[Order], gateway: Gateway, now: datetime) -> set[UUID]:
    """Book what the exchange says of them; returns those of which it has told all. Raises what
    `gateway.news` does."""
    reports = {report.client_id: report for report in gateway.news(orders)}
    for order in orders:
        report = reports.get(order.client_id)
        if report is not None:
            order_settle(order=order, report=report, now=now)
    orders_rest([order for order in orders if order.client_id not in reports])
    order_look_later(orders=orders, now=now)
    return {order.pk for order in orders if not (told := reports.get(order.client_id)) or not told.behind}
