"""After a start: each account with orders on a real exchange is looked at, and says how it was found.

The orders themselves need no help: every turn looks up what was sent, and asks about what rests. This
makes all of them due at once, and tells when that is done.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from accounts.models import Environment, ExchangeAccount
from activity import journal
from activity.models import Severity
from orders.models import Order, Recovery, Trade
from orders.states import LIVE, OrderStatus

# After so long it is told how things stand, whatever an exchange still owes us.
REPORT_AFTER = timedelta(seconds=60)
IN_DOUBT = (OrderStatus.SENDING, OrderStatus.UNKNOWN)


def recovery_begin(*, now: datetime) -> int:
    """For the start of a process that owns the markets; returns how many accounts are looked at."""
    accounts = list(ExchangeAccount.objects.exclude(environment=Environment.PAPER))
    counted = _live().filter(account__in=accounts).values("account").annotate(orders=Count("pk"))
    asked = {row["account"]: row["orders"] for row in counted}
    for account in accounts:
        if account.pk in asked:
            _begin(account, asked[account.pk], now)
    return len(asked)


def _begin(account: ExchangeAccount, asked: int, now: datetime) -> None:
    with transaction.atomic():
        # A start amid a recovery begins it anew.
        again = Recovery.objects.filter(account=account, finished_at__isnull=True)
        if not again.update(began_at=now, asked=asked):
            Recovery.objects.create(user_id=account.user_id, account=account, began_at=now, asked=asked)
        _live().filter(account=account).exclude(status=OrderStatus.PLANNED).update(look_again_at=now)


def recoveries_finish(*, now: datetime) -> None:
    """Tell of every account whose orders have all been looked at since its start, or should have been."""
    for recovery in Recovery.objects.filter(finished_at__isnull=True).select_related("account"):
        due = Q(status=OrderStatus.SENDING) | Q(look_again_at__lte=recovery.began_at)
        waiting = _live().filter(due, account=recovery.account_id)
        if now - recovery.began_at >= REPORT_AFTER or not waiting.exists():
            _finish(recovery, now)


def _finish(recovery: Recovery, now: datetime) -> None:
    account = recovery.account
    # What was sent since then is no part of it.
    sent = Order.objects.filter(account=account, claimed_at__lt=recovery.began_at)
    fills = Trade.objects.filter(order__in=sent, recorded_at__gte=recovery.began_at, correction=0)
    recovery.fills = fills.count()
    recovery.unknown = sent.filter(status__in=IN_DOUBT).count()
    with transaction.atomic():
        held = Recovery.objects.filter(pk=recovery.pk, began_at=recovery.began_at, finished_at__isnull=True)
        if held.update(fills=recovery.fills, unknown=recovery.unknown, finished_at=now):
            journal.say(
                user_id=recovery.user_id,
                bot_id=None,
                level=Severity.WARNING if recovery.unknown else Severity.INFO,
                message=f"{account.label}: {recovery.sentence}",
                now=now,
            )


def _live() -> QuerySet[Order]:
    return Order.objects.filter(status__in=sorted(LIVE))
