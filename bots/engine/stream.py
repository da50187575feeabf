"""The market stream: the process that owns the simulated clocks and rings the bots they wake.

One owner a market, by lease. `speed` is how many market seconds may pass in one second at most; a
clock waits for every bot and order it touched, so a slow machine is slower, never different.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from time import monotonic
from uuid import UUID, uuid4

from django.db import OperationalError, close_old_connections
from django.db.models import Q
from django.db.models.functions import Now

from bots.engine.claims import due_ids
from bots.engine.market_step import LostMarket, Step, market_step, waits_for_a_bot
from orders.gateways.simulated import SimulatedPrices, now_of, open_exchange, replay_from
from orders.matching import Quote
from orders.models import SimulatedMarket

OWNER_LEASE_S = 15
OWNER_RENEW_S = 5
BEAT_S = 0.05
DATABASE_WAIT_S = 1.0
QUIET_WAIT_S = 0.2
PRICES_EVERY_S = 0.25
STEPS_PER_BEAT_MAX = 200
RESTLESS_WAIT_S = 0.002
RESTLESS_RING_S = 0.5
LAG_MAX_S = 1.0

Ring = Callable[[list[UUID]], None]
Publish = Callable[[str, str, Quote], None]
Clock = Callable[[], datetime]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Course:
    """How far one market's clock may be by now: it follows real time, and forgives a lag."""

    ticker: str
    market_ms: float
    real_s: float
    published_s: float = 0.0
    rung_s: float = 0.0
    next_s: float = 0.0

    def until(self, real_s: float, speed: Decimal) -> int:
        passed = min(real_s - self.real_s, LAG_MAX_S)
        self.market_ms += passed * float(speed) * 1000
        self.real_s = real_s
        return int(self.market_ms)

    def held_at(self, market_ms: int, speed: Decimal) -> None:
        """A clock that had to wait does not leap afterwards."""
        self.market_ms = min(self.market_ms, market_ms + float(speed) * 1000 * LAG_MAX_S)


@dataclass(slots=True)
class Stream:
    """Moves the clocks of the markets it owns. `ring` and `publish` reach the faces above."""

    speed: Decimal
    ring: Ring
    publish: Publish
    clock: Clock
    token: UUID = field(default_factory=uuid4)
    courses: dict[str, Course] = field(default_factory=dict)
    renew_s: float = 0.0
    prices: SimulatedPrices = field(default_factory=SimulatedPrices)

    def beat(self) -> float:
        """Bring every owned clock as far as it may go now; returns how long nothing is to do (s)."""
        if monotonic() >= self.renew_s:
            self._own()
        due = [course for course in self.courses.values() if course.next_s <= monotonic()]
        for course in due:
            course.next_s = monotonic() + self._follow(course)
        return min((course.next_s - monotonic() for course in self.courses.values()), default=BEAT_S)

    def release(self) -> None:
        SimulatedMarket.objects.filter(owner_token=self.token).update(owner_token=None, owner_until=None)

    def _own(self) -> None:
        free = Q(owner_token__isnull=True) | Q(owner_until__lt=Now()) | Q(owner_token=self.token)
        SimulatedMarket.objects.filter(free, ended=False).update(
            owner_token=self.token, owner_until=Now() + timedelta(seconds=OWNER_LEASE_S)
        )
        mine = SimulatedMarket.objects.filter(owner_token=self.token, ended=False)
        self.courses = {
            row.ticker: self.courses.get(row.ticker) or Course(row.ticker, now_of(row), monotonic())
            for row in mine
        }
        self.renew_s = monotonic() + OWNER_RENEW_S

    def _follow(self, course: Course) -> float:
        """Move one clock; returns how long it may rest (s)."""
        row = SimulatedMarket.objects.get(ticker=course.ticker)
        until = course.until(monotonic(), self.speed)
        if waits_for_a_bot(row):
            course.held_at(now_of(row), Decimal(0))
            return QUIET_WAIT_S
        for _ in range(STEPS_PER_BEAT_MAX):
            step = market_step(ticker=course.ticker, token=self.token, until=until, now=self.clock())
            self._told(course, step)
            if step.restless or step.woken:
                return RESTLESS_WAIT_S
            if step.move is None or not step.move.event:
                break
        self._show(course)
        return QUIET_WAIT_S

    def _told(self, course: Course, step: Step) -> None:
        if step.woken:
            self.ring(sorted(set(step.woken)))
            course.rung_s = monotonic()
        elif step.restless and monotonic() - course.rung_s > RESTLESS_RING_S:
            # Nobody has come for them: a message was lost, or a user's wish waits.
            self.ring(due_ids())
            course.rung_s = monotonic()
        if step.move is not None:
            course.held_at(step.move.at, self.speed)

    def _show(self, course: Course) -> None:
        if monotonic() - course.published_s < PRICES_EVERY_S:
            return
        course.published_s = monotonic()
        row = SimulatedMarket.objects.get(ticker=course.ticker)
        self.publish("simulated", course.ticker, self.prices.quote(row))


def run_stream(
    *,
    stop: threading.Event,
    speed: Decimal,
    replays: Mapping[str, Path],
    ring: Ring,
    publish: Publish,
    clock: Clock,
) -> None:
    """Move the simulated markets until `stop` is set."""
    open_exchange(now=clock())
    for ticker, path in replays.items():
        replay_from(ticker=ticker, path=path, now=clock())
    stream = Stream(speed, ring, publish, clock)
    try:
        while not stop.is_set():
            close_old_connections()
            try:
                wait_s = stream.beat()
            except LostMarket as lost:
                log.warning("stream.lost_market", extra={"ticker": str(lost)})
                stream.renew_s, wait_s = 0.0, BEAT_S
            except OperationalError as fault:
                # The database went away or chose this step to lose; what it had begun is undone.
                log.warning("stream.database", extra={"fault": str(fault)})
                wait_s = DATABASE_WAIT_S
            stop.wait(max(wait_s, 0.0))
    finally:
        stream.release()
