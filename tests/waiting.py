"""Waiting for what another thread does: until a deadline, and never does is a failure."""

import time
from collections.abc import Callable

from bots.engine.listening import Listener

WAIT_S = 10.0
STEP_S = 0.002
BEAT_MAX_S = 0.02


def rest() -> None:
    time.sleep(STEP_S)


def until(
    holds: Callable[[], object], seconds: float = WAIT_S, *, meanwhile: Callable[[], object] = rest
) -> None:
    """Waits until that holds, and does in between what lets time pass."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"it did not come within {seconds:.0f} s"
        meanwhile()


def listened(listener: Listener, holds: Callable[[], object]) -> None:
    """The listener listens until that holds."""
    until(holds, meanwhile=lambda: listener.inbox.came.wait(min(listener.beat(), BEAT_MAX_S)))
