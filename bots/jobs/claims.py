"""Who may run a backtest: a lease in database time and one of a few places, taken together.

A place is a number from 1 to as many as may run at once, unique among what runs. So two workers
that count the same free place cannot both take it; the later one finds the index in its way.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now

from activity import journal
from activity.models import Severity
from bots.jobs.answers import Ending
from bots.models import Backtest, BacktestRows
from bots.services.backtests import backtest_move
from bots.states import BacktestStatus
from orders.money import LostRace

LEASE_S = 30
ATTEMPTS_MAX = 3
CLAIM_TRIES_MAX = 5
WHY_MAX = 500
WORKER_DIED = (
    f"It was begun {ATTEMPTS_MAX} times, and each time its worker ended before it did. "
    "Ask for a shorter period or longer candles, or tell the operator."
)


def claim(*, at_once: int, now: datetime) -> Backtest | None:
    """The next backtest to run, its lease ours; None when nothing waits or every place is taken."""
    for _ in range(CLAIM_TRIES_MAX):
        found = _abandoned().first() or _waiting().first()
        if found is None:
            return None
        try:
            with transaction.atomic():
                if found.status == BacktestStatus.QUEUED:
                    return _begun(found, at_once=at_once, now=now)
                if again := _begun_again(found, now=now):
                    return again
        except (LostRace, IntegrityError):
            continue  # another worker was faster, to the row or to the place
    return None


def due_count(*, at_once: int) -> int:
    """How many workers have something to do now."""
    held = Backtest.objects.filter(status=BacktestStatus.RUNNING).count()
    waiting = Backtest.objects.filter(status=BacktestStatus.QUEUED)[: max(at_once - held, 0)].count()
    return waiting + _abandoned().count()


def renew(backtest: Backtest, *, progress: int) -> bool:
    """Keep the lease and note the progress; whether the end was asked for. Raises `LostRace`."""
    held = Backtest.objects.filter(
        pk=backtest.pk, status=BacktestStatus.RUNNING, lease_token=backtest.lease_token
    )
    if not held.update(lease_until=_lease_end(), progress=progress):
        raise LostRace(f"backtest {backtest.pk}")
    backtest.progress = progress
    return held.filter(cancel_requested_at__isnull=False).exists()


def finish(backtest: Backtest, ending: Ending, *, now: datetime) -> None:
    """RUNNING → its end, by whoever holds the lease, told to its user. Raises `LostRace`."""
    with transaction.atomic():
        backtest_move(
            backtest,
            ending.status,
            Q(lease_token=backtest.lease_token),
            why=ending.why[:WHY_MAX],
            finished_at=now,
            lease_token=None,
            lease_until=None,
            place=None,
            **ending.fields,
        )
        BacktestRows.objects.bulk_create(
            BacktestRows(user_id=backtest.user_id, backtest=backtest, kind=kind, number=number, packed=packed)
            for kind, number, packed in ending.blocks
        )
        level = Severity.SUCCESS if ending.status == BacktestStatus.DONE else Severity.WARNING
        message = f"Backtest “{backtest.name}” {_ended_in_words(ending)}"
        journal.say(user_id=backtest.user_id, bot_id=None, level=level, message=message, now=now)
        journal.backtest_changed(user_id=backtest.user_id, backtest_id=backtest.pk, now=now)


def forget_leases() -> int:
    """For the start of the one process there is: whoever ran a backtest is dead."""
    running = Backtest.objects.filter(status=BacktestStatus.RUNNING)
    return running.update(lease_until=Now() - timedelta(seconds=1))


def _abandoned() -> QuerySet[Backtest]:
    """Whose worker has died."""
    running = Backtest.objects.filter(status=BacktestStatus.RUNNING, lease_until__lt=Now())
    return running.order_by("started_at", "pk")


def _waiting() -> QuerySet[Backtest]:
    """First come, first served, but whoever has fewer running goes first."""
    running = Backtest.objects.filter(user=OuterRef("user_id"), status=BacktestStatus.RUNNING)
    counted = running.order_by().values("user_id").annotate(count=Count("pk")).values("count")
    waiting = Backtest.objects.filter(status=BacktestStatus.QUEUED)
    return waiting.annotate(busy=Coalesce(Subquery(counted), 0)).order_by("busy", "created_at", "pk")


def _begun(found: Backtest, *, at_once: int, now: datetime) -> Backtest | None:
    taken = Backtest.objects.filter(status=BacktestStatus.RUNNING).values_list("place", flat=True)
    free = sorted(set(range(1, at_once + 1)) - set(taken))
    if not free:
        return None
    backtest_move(
        found,
        BacktestStatus.RUNNING,
        place=free[0],
        lease_token=uuid4(),
        lease_until=_lease_end(),
        attempts=1,
        started_at=now,
    )
    journal.backtest_changed(user_id=found.user_id, backtest_id=found.pk, now=now)
    return Backtest.objects.get(pk=found.pk)


def _begun_again(found: Backtest, *, now: datetime) -> Backtest | None:
    """The lease of a dead worker; None when the backtest was ended instead."""
    token = _taken_over(found)
    found = Backtest.objects.get(pk=found.pk)
    if found.lease_token != token:
        raise LostRace(f"backtest {found.pk}")
    if found.cancel_requested_at is not None:
        finish(found, Ending(BacktestStatus.CANCELLED), now=now)
        return None
    if found.attempts > ATTEMPTS_MAX:
        finish(found, Ending(BacktestStatus.FAILED, WORKER_DIED), now=now)
        return None
    return found


def _taken_over(found: Backtest) -> UUID:
    token = uuid4()
    abandoned = Backtest.objects.filter(
        pk=found.pk, status=BacktestStatus.RUNNING, lease_token=found.lease_token, lease_until__lt=Now()
    )
    taken = abandoned.update(
        lease_token=token, lease_until=_lease_end(), attempts=F("attempts") + 1, progress=0
    )
    if not taken:
        raise LostRace(f"backtest {found.pk}")
    return token


def _lease_end() -> Any:
    return Now() + timedelta(seconds=LEASE_S)


def _ended_in_words(ending: Ending) -> str:
    words = {
        BacktestStatus.DONE: "is done.",
        BacktestStatus.REFUSED: "could not be run as asked.",
        BacktestStatus.CANCELLED: "was cancelled.",
        BacktestStatus.TIMED_OUT: "took too long.",
    }
    return words.get(ending.status, "failed.")
