"""Envelopes for the notifications queue. Losing one costs seconds: the outbox says who waits."""

import logging
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from accounts.models import User
from activity.live import LAYER_DOWN, deliver_to, market_group, price_fragment, send_to
from activity.models import Delivery
from activity.queries import told_before, waiting_users
from bots.fragments import fragments_for
from orders.gateways.installed import installed
from orders.matching import Quote

USERS_PER_TASK_MAX = 20
KEPT_FOR = timedelta(hours=1)
FORGOTTEN_AT_ONCE_MAX = 500

log = logging.getLogger(__name__)


@shared_task(name="activity.tasks.deliver", ignore_result=True)
def deliver(user_ids: list[str]) -> None:
    for user in User.objects.filter(pk__in=[UUID(one) for one in user_ids]):
        try:
            deliver_to(user=user, render=fragments_for, exchanges=installed(), now=timezone.now())
        except Exception:
            # The outermost loop: whatever one user's rows do to a template, the others are told,
            # and this user's pages fetch what they show.
            log.exception("deliver.failed", extra={"user_id": str(user.pk)})
            deliver_to(user=user, render=None, exchanges=installed(), now=timezone.now())


@shared_task(name="activity.tasks.deliver_due", ignore_result=True)
def deliver_due() -> None:
    users = [str(user_id) for user_id in waiting_users()]
    for first in range(USERS_PER_TASK_MAX, len(users), USERS_PER_TASK_MAX):
        deliver.delay(users[first : first + USERS_PER_TASK_MAX])
    deliver(users[:USERS_PER_TASK_MAX])  # here, since a message more would be felt on the screen
    forgotten = told_before(timezone.now() - KEPT_FOR, limit=FORGOTTEN_AT_ONCE_MAX)
    if forgotten:
        Delivery.objects.filter(pk__in=forgotten).delete()


def publish_price(exchange: str, ticker: str, quote: Quote) -> None:
    """Show a price on the pages that follow its market. Lossy: the next one says more."""
    message = {"type": "live.price", "text": price_fragment(exchange, ticker, quote)}
    try:
        send_to(market_group(exchange, ticker), [message])
    except LAYER_DOWN as fault:
        log.warning("publish_price.lost", extra={"ticker": ticker, "fault": str(fault)})
