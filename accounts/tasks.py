"""Envelopes: the rows say which keys are due to be tested, and which exchanges' markets are needed."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from accounts.services import check_due_accounts, compare_due_accounts, markets_refresh
from orders.gateways.installed import installed


@shared_task(name="accounts.tasks.check_due_keys", ignore_result=True)
def check_due_keys() -> None:
    check_due_accounts(exchanges=installed(), keys=settings.ENCRYPTION_KEYS, now=timezone.now())


@shared_task(name="accounts.tasks.compare_due", ignore_result=True)
def compare_due() -> None:
    compare_due_accounts(exchanges=installed(), now=timezone.now())


@shared_task(name="accounts.tasks.refresh_markets", ignore_result=True)
def refresh_markets() -> None:
    markets_refresh(exchanges=installed(), now=timezone.now())
