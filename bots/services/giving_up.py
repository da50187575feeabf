"""An order that its exchange lists nowhere any more ends by its owner's word, and by nothing else."""

from datetime import datetime

from activity import journal
from activity.models import Severity
from bots.services.asked import refused
from orders.gateways.base import Exchanges, GatewayError, Report
from orders.missing import MISSED_FOR, may_be_given_up
from orders.models import Order
from orders.services import order_settle
from orders.states import OrderStatus


def order_give_up(*, order: Order, exchanges: Exchanges, now: datetime) -> None:
    """Count it as cancelled. The exchange is asked once more before; its word goes first.

    Raises `ServiceRefused` when the order is not missing, or not for long enough, when the exchange knows it
    after all, and when it gives no answer.
    """
    if not may_be_given_up(order, now):
        minutes = MISSED_FOR.seconds // 60
        why = f"The order {order.slot} has not been missing for {minutes} minutes: it stays as it is."
        raise refused("not_missing", "order", why)
    gateway = exchanges.gateway(order.exchange, order.account.environment)
    try:
        reports = gateway.news([order])
    except GatewayError:
        why = f"{order.exchange} gives no answer now, so nothing was changed. Try again in a minute."
        raise refused("unreachable", "order", why) from None
    if not any(report.missing for report in reports):
        for report in reports:
            order_settle(order=order, report=report, now=now)
        why = f"{order.exchange} knows the order {order.slot} after all, so it stays as the exchange says."
        raise refused("found", "order", why)
    order_settle(order=order, report=Report(order.client_id, OrderStatus.CANCELLED, now), now=now)
    journal.say(
        user_id=order.user_id,
        bot_id=order.bot_id,
        level=Severity.WARNING,
        message=f"The order {order.slot} is gone, by its owner's word: it counts as cancelled.",
        now=now,
    )
