"""The parts of the embedded process that run beside the web server: worker, beat, stream and listener.

Each runs in a thread that starts it again, after a growing pause, whenever it ends without being asked to.
"""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from celery import Celery
from celery.beat import Scheduler, Service

from tradingbot.market_stream import run_listener, run_market_stream

logger = logging.getLogger(__name__)

PAUSE_FIRST_S = 1.0
PAUSE_MAX_S = 60.0
STEADY_AFTER_S = 300.0
WORKER_THREADS = 4
BEAT_INTERVAL_MAX_S = 0.5


class Part(Protocol):
    @property
    def name(self) -> str: ...
    def run(self) -> None:
        """Works until stopped."""

    def stop(self) -> None:
        """Makes `run` return soon; may be called at any time and from another thread."""


@dataclass
class Worker:
    app: Celery
    queues: Sequence[str]
    name: str = "worker"
    _controller: Any = None

    def run(self) -> None:
        self._controller = self.app.WorkController(
            pool="threads",
            concurrency=WORKER_THREADS,
            queues=list(self.queues),
            hostname="embedded",
            # They talk to other workers, of which there are none.
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()


@dataclass
class Beat:
    app: Celery
    name: str = "beat"
    _service: Any = None

    def run(self) -> None:
        self.app.set_current()
        self._service = Service(self.app, max_interval=BEAT_INTERVAL_MAX_S, scheduler_cls=Scheduler)
        self._service.start()

    def stop(self) -> None:
        if self._service is not None:
            self._service.stop()


@dataclass
class Stream:
    replays: Mapping[str, Path]
    speed: Decimal
    name: str = "stream"
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        run_market_stream(stop=self._stop, speed=self.speed, replays=self.replays)

    def stop(self) -> None:
        self._stop.set()


@dataclass
class Listening:
    name: str = "listener"
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        run_listener(stop=self._stop)

    def stop(self) -> None:
        self._stop.set()


class Supervisor:
    """Keeps the parts running until `stop`."""

    def __init__(self, parts: Sequence[Part], *, pause_first_s: float = PAUSE_FIRST_S) -> None:
        self.parts = parts
        self.pause_first_s = pause_first_s
        self.stopping = threading.Event()
        self.threads = [
            threading.Thread(target=self._keep, args=(part,), name=part.name, daemon=True) for part in parts
        ]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def stop(self, timeout_s: float) -> list[str]:
        """Stops all parts at once; returns the names of those that still ran after the time was up."""
        self.stopping.set()
        deadline = time.monotonic() + timeout_s
        for part in self.parts:
            # A part's own stop may wait for its work, and must not make the next one wait.
            threading.Thread(target=part.stop, name=f"stop-{part.name}", daemon=True).start()
        started = [thread for thread in self.threads if thread.ident is not None]
        for thread in started:
            thread.join(max(0.0, deadline - time.monotonic()))
        return [thread.name for thread in started if thread.is_alive()]

    def _keep(self, part: Part) -> None:
        pause = self.pause_first_s
        while not self.stopping.is_set():
            began = time.monotonic()
            try:
                part.run()
            except Exception:  # the outermost loop of a part: whatever ended it, it starts again
                logger.exception("%s failed", part.name)
            if self.stopping.is_set():
                return
            logger.error("%s ended; it starts again in %.0f s", part.name, pause)
            self.stopping.wait(pause)
            pause = next_pause(pause, lasted_s=time.monotonic() - began)


def next_pause(pause_s: float, *, lasted_s: float) -> float:
    """Doubles, up to a bound, until a part has run steadily."""
    return PAUSE_FIRST_S if lasted_s > STEADY_AFTER_S else min(pause_s * 2, PAUSE_MAX_S)
