"""Orders that rest as far as we know, and that their exchange lists nowhere any more: it has closed their
market, or lost its records.

How they ended nobody tells: they stay as they are, and what they reserve stays reserved, until the exchange
tells or their owner says that they are gone.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from activity import journal
from activity.models import Severity
from orders.models import Order
from orders.states import OrderStatus

# Lists lag behind; an order that is missing for a moment is nobody's worry.
MISSED_FOR = timedelta(minutes=5)


def order_missed(*, order: Order, now: datetime) -> None:
    """Note since when; its owner is told once that it is theirs to say."""
    if order.missing_since is None:
        order.missing_since = now
        Order.objects.filter(pk=order.pk, missing_since__isnull=True).update(missing_since=now)
        why = (
            f"{order.exchange} lists the {order.side} order {order.slot} no more, and does not say how it "
            "ended. It stays as it was. If it is gone, say so on the bot's page."
        )
        journal.say(user_id=order.user_id, bot_id=order.bot_id, level=Severity.WARNING, message=why, now=now)
        journal.changed([(order.user_id, order.bot_id)], now=now)


def orders_rest(orders: Sequence[Order]) -> None:
    """Their exchange knows them, after all."""
    found = [order for order in orders if order.missing_since is not None]
    if found:
        Order.objects.filter(pk__in=[order.pk for order in found]).update(missing_since=None)
    for order in found:
        order.missing_since = None


def may_be_given_up(order: Order, now: datetime) -> bool:
    """Whether its owner may say that it is gone."""
    since: datetime | None = order.missing_since
    return order.status == OrderStatus.OPEN and since is not None and now - since >= MISSED_FOR
