"""Fees that an exchange has not told yet are asked for, whatever has become of their orders."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models.functions import Now

from bots.engine.send import NO_ANSWER, gateway_of, noted
from orders.fees import fees_asked
from orders.gateways.base import Exchanges
from orders.models import Order
from orders.services import order_settle

ORDERS_PER_TURN_MAX = 20


def ask_for_fees(ids: Collection[UUID], *, exchanges: Exchanges, now: datetime) -> None:
    """Each order that is due is looked up, and what is told of it booked; the rest waits for later turns."""
    due = Order.objects.filter(bot__in=ids, fee_look_at__lte=Now()).order_by("fee_look_at")
    for order in due.select_related("account", "bot", "market")[:ORDERS_PER_TURN_MAX]:
        try:
            report = gateway_of(order, exchanges).lookup(order)
        except NO_ANSWER as silence:
            noted(order, silence, now)
        else:
            if report is not None:
                order_settle(order=order, report=report, now=now)
        fees_asked(order=order, now=now)
