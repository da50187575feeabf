"""What the tests of jobs share: a worker that runs one child, and how a row looks after it has ended."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from django.db.models.functions import Now

from bots.jobs.child import Program
from bots.jobs.run import Limits, Runner
from bots.models import Backtest
from tests.people import NOW

QUICK = Limits(time_s=20, look_every_s=0.02)
SHORT = Limits(time_s=0.3, look_every_s=0.02)


def clock() -> datetime:
    return NOW


@dataclass
class Worker:
    """Runs the next one with `program`; `on_progress` is called whenever progress is shown."""

    program: Program
    at_once: int = 1
    limits: Limits = QUICK
    on_progress: Callable[[Backtest], None] = field(default=lambda _: None)

    def run_next(self) -> Backtest | None:
        runner = Runner(self.program, Path("candles"), self.at_once, clock, self.on_progress, self.limits)
        return runner.run_next()


def ended(backtest: Backtest) -> Backtest:
    """As it is stored; an ended one holds neither a lease nor a place."""
    found = Backtest.objects.get(pk=backtest.pk)
    assert (found.lease_token, found.lease_until, found.place) == (None, None, None)
    assert found.finished_at == NOW
    return found


def died(backtest: Backtest) -> None:
    """Its worker has vanished, and its lease is over."""
    Backtest.objects.filter(pk=backtest.pk).update(lease_until=Now() - timedelta(seconds=1))


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
