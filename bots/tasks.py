"""Envelopes for the queues of bots and backtests. Losing one costs seconds: the rows say what is due."""

import sys
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from activity.live import publish_part
from bots.engine.claims import BOTS_PER_TURN_MAX, due_ids
from bots.engine.turn import run_turn
from bots.equity import equity_due
from bots.fragments import progress_fragment
from bots.jobs.child import Program
from bots.jobs.claims import due_count
from bots.jobs.run import TIME_LIMIT_S, Runner
from bots.models import Backtest
from bots.services import switches_sweep
from bots.services.backtests import candle_root
from orders.gateways.installed import installed
from orders.recovery import recoveries_finish

# A ring that nobody heard in this time is not needed: the next sweep rings again.
RING_EXPIRES_S = 30
# The runner ends by itself before; this is for one that does not.
BACKTEST_TASK_LIMIT_S = TIME_LIMIT_S + 120
CHILD = (sys.executable, "-m", "bots.backtest.child")


@shared_task(name="bots.tasks.run_bots", ignore_result=True)
def run_bots(ids: list[str]) -> None:
    again = run_turn([UUID(one) for one in ids], exchanges=installed(), now=timezone.now())
    if again:
        run_bots.delay([str(one) for one in again])


@shared_task(name="bots.tasks.ring_due", ignore_result=True)
def ring_due() -> None:
    ring(due_ids())


@shared_task(name="bots.tasks.sweep_switches", ignore_result=True)
def sweep_switches() -> None:
    switches_sweep(now=timezone.now())


@shared_task(name="bots.tasks.tell_recoveries", ignore_result=True)
def tell_recoveries() -> None:
    recoveries_finish(now=timezone.now())


@shared_task(name="bots.tasks.mark_equity_due", ignore_result=True)
def mark_equity_due() -> None:
    equity_due(exchanges=installed(), now=timezone.now())


@shared_task(name="bots.tasks.run_backtests", ignore_result=True, time_limit=BACKTEST_TASK_LIMIT_S)
def run_backtests() -> None:
    """One of those that wait; the next is another task's."""
    runner = Runner(
        program=Program(CHILD, settings.ROOT_DIR, settings.CHILD_ENVIRONMENT),
        candles=candle_root(settings.VAR_DIR),
        at_once=settings.BACKTESTS_AT_ONCE,
        clock=timezone.now,
        tell=show_progress,
    )
    if runner.run_next() is not None:
        ring_backtests()


@shared_task(name="bots.tasks.ring_backtests", ignore_result=True)
def ring_backtests() -> None:
    for _ in range(due_count(at_once=settings.BACKTESTS_AT_ONCE)):
        run_backtests.apply_async(expires=settings.RING_PERIOD_S)


def show_progress(backtest: Backtest) -> None:
    publish_part(backtest.user_id, progress_fragment(backtest))


def ring(ids: list[UUID]) -> None:
    """Ask workers to look at these bots now."""
    for first in range(0, len(ids), BOTS_PER_TURN_MAX):
        some = [str(one) for one in ids[first : first + BOTS_PER_TURN_MAX]]
        run_bots.apply_async((some,), expires=RING_EXPIRES_S)
