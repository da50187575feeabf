"""Envelopes for the bots queue: ids in, one call. Losing one costs seconds: the rows say what is due."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from bots.engine.claims import BOTS_PER_TURN_MAX, due_ids
from bots.engine.turn import run_turn
from bots.equity import equity_due
from orders.gateways.installed import installed

# A ring that nobody heard in this time is not needed: the next sweep rings again.
RING_EXPIRES_S = 30


@shared_task(name="bots.tasks.run_bots", ignore_result=True)
def run_bots(ids: list[str]) -> None:
    again = run_turn([UUID(one) for one in ids], exchanges=installed(), now=timezone.now())
    if again:
        run_bots.delay([str(one) for one in again])


@shared_task(name="bots.tasks.ring_due", ignore_result=True)
def ring_due() -> None:
    ring(due_ids())


@shared_task(name="bots.tasks.mark_equity_due", ignore_result=True)
def mark_equity_due() -> None:
    equity_due(exchanges=installed(), now=timezone.now())


def ring(ids: list[UUID]) -> None:
    """Ask workers to look at these bots now."""
    for first in range(0, len(ids), BOTS_PER_TURN_MAX):
        some = [str(one) for one in ids[first : first + BOTS_PER_TURN_MAX]]
        run_bots.apply_async((some,), expires=RING_EXPIRES_S)
