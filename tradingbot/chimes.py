"""Rings deliveries after a turn or a backtest, so that a fragment needs no sweep to reach its page.

Faces may not know each other, and a turn not its pages: only this wiring knows both. A ring that is
lost costs the two seconds until the sweep.
"""

import logging
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

from celery import current_app
from celery.signals import task_postrun
from kombu.exceptions import OperationalError

TOLD_SOON = frozenset({"bots.tasks.run_bots", "bots.tasks.run_backtests"})
SWEEP = "activity.tasks.deliver_due"
RINGS_APART_S = 0.2  # each costs a rendering for every user with an open page and news
RING_EXPIRES_S = 2.0

log = logging.getLogger(__name__)


class Chime:
    """Calls `ring` soon after it is pulled: at once when quiet, else once after `apart_s`."""

    def __init__(self, ring: Callable[[], None], *, apart_s: float = RINGS_APART_S) -> None:
        self._ring, self._apart_s = ring, apart_s
        self._lock = threading.Lock()
        self._rung_s = -apart_s
        self._waiting = False

    def pull(self) -> None:
        with self._lock:
            if self._waiting:
                return
            wait_s = self._rung_s + self._apart_s - monotonic()
            if wait_s > 0:
                self._waiting = True
                later = threading.Timer(wait_s, self._late)
                later.daemon = True
                later.start()
                return
            self._rung_s = monotonic()
        self._ring()

    def _late(self) -> None:
        with self._lock:
            self._waiting = False
            self._rung_s = monotonic()
        self._ring()


def ring_sweep() -> None:
    try:
        current_app.send_task(SWEEP, expires=RING_EXPIRES_S, ignore_result=True)
    except OperationalError as fault:
        log.warning("chimes.unheard", extra={"fault": str(fault)})


_after_turns = Chime(ring_sweep)


@task_postrun.connect(weak=False, dispatch_uid="tradingbot.chimes.after_turn")
def after_turn(sender: Any = None, **_: Any) -> None:
    if getattr(sender, "name", "") in TOLD_SOON:
        _after_turns.pull()
