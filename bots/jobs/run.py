"""One backtest from its claim to its end: start the child, listen, and write what it said.

The child never touches the database. Once a second the lease is renewed, the progress written and
the user's wish to end it looked for; a child that is late, cancelled or no longer ours is killed.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import Any

from bots.backtest.request import Request, Rules, StoreSource, tell_request
from bots.jobs.answers import Ending, Rubbish, heard
from bots.jobs.child import LINE_BYTES_MAX, MEMORY_BYTES_MAX, Child, Ended, Program, Silence, TooLong
from bots.jobs.claims import claim, finish, renew
from bots.models import Backtest
from bots.states import BacktestStatus
from orders.money import LostRace
from orders.queries import latest_markets
from tradingbot.clock import ms_of

TIME_LIMIT_S = 600
LOOK_EVERY_S = 1.0
ASKED = 1

SHORTER = "Choose a shorter period or longer candles."
TOO_LATE = "It was not done within {minutes:g} minutes. " + SHORTER
TOO_MUCH = "Its trades and deals are more than can be kept. " + SHORTER
TOO_LARGE = f"It needed more than {MEMORY_BYTES_MAX // 1024**3} GiB of memory. {SHORTER}"
BROKEN = "Its process ended without an answer, which is a fault of the platform. Tell the operator."
STRANGE = "Its process gave an answer that is none, which is a fault of the platform. Tell the operator."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    time_s: float = TIME_LIMIT_S
    look_every_s: float = LOOK_EVERY_S
    line_bytes: int = LINE_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs what waits. `candles` is the store's root; `tell` shows a progress, and may lose it."""

    program: Program
    candles: Path
    at_once: int
    clock: Callable[[], datetime]
    tell: Callable[[Backtest], None] = field(default=lambda _: None)
    limits: Limits = field(default_factory=Limits)

    def run_next(self) -> Backtest | None:
        """The backtest that was run, None when there was nothing to do."""
        job = claim(at_once=self.at_once, now=self.clock())
        if job is None:
            return None
        try:
            with Child(self.program, line_bytes_max=self.limits.line_bytes) as child:
                child.ask({"id": ASKED, "request": tell_request(request_of(job, self.candles)), "rows": True})
                ending = self._watched(job, child)
            finish(job, ending, now=self.clock())
        except LostRace:
            log.warning("backtest.lease_lost", extra={"backtest": str(job.pk)})
        return job

    def _watched(self, job: Backtest, child: Child) -> Ending:
        ends_at, look_at, progress = monotonic() + self.limits.time_s, 0.0, 0
        while (at := monotonic()) < ends_at:
            if at >= look_at:
                look_at = at + self.limits.look_every_s
                if self._looked(job, progress):
                    return Ending(BacktestStatus.CANCELLED)
            try:
                said = heard(child.line(min(look_at, ends_at) - at), ASKED)
            except Silence:
                continue
            except (TooLong, Ended, Rubbish) as fault:
                return _failed(job, child, fault)
            if isinstance(said, Ending):
                return said
            progress = max(progress, said or 0)
        return Ending(BacktestStatus.TIMED_OUT, TOO_LATE.format(minutes=self.limits.time_s / 60))

    def _looked(self, job: Backtest, progress: int) -> bool:
        """Renew the lease; whether the user wants it to end."""
        before = job.progress
        asked_to_end = renew(job, progress=progress)
        if job.progress != before:
            self.tell(job)
        return asked_to_end


def request_of(job: Backtest, candles: Path) -> Request:
    terms: dict[str, Any] = job.terms
    market = latest_markets({(job.exchange, job.ticker)}).get((job.exchange, job.ticker))
    fee, spread = terms.get("fee_pct"), terms.get("spread_bps")
    return Request(
        bot_type=job.bot_type,
        values=job.values,
        source=StoreSource(
            root=candles,
            exchange=job.exchange,
            ticker=job.ticker,
            timeframe=job.timeframe,
            fill_gaps=bool(terms.get("fill_gaps")),
        ),
        rules=Rules(
            ticker=job.ticker,
            fee_pct=None if fee is None else Decimal(fee),
            rests_stops=None if market is None else market.rests_stops,
        ),
        since=ms_of(job.since),
        until=ms_of(job.until),
        slippage_pct=Decimal(terms.get("slippage_pct", 0)),
        spread_bps=None if spread is None else Decimal(spread),
        pessimistic=bool(terms.get("pessimistic")),
    )


def _failed(job: Backtest, child: Child, fault: TooLong | Ended | Rubbish) -> Ending:
    if isinstance(fault, TooLong):
        return Ending(BacktestStatus.FAILED, TOO_MUCH)
    about = {"backtest": str(job.pk), "fault": f"{type(fault).__name__} {fault}".strip()}
    if isinstance(fault, Rubbish):
        log.error("backtest.rubbish", extra=about)
        return Ending(BacktestStatus.FAILED, STRANGE)
    status, said = child.exit_status(), child.last_words()
    log.error("backtest.died", extra={**about, "exit_status": status, "said": said})
    return Ending(BacktestStatus.FAILED, TOO_LARGE if "MemoryError" in said else BROKEN)
