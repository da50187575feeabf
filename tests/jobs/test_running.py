"""A worker runs what waits in a child process, and however the child ends, the row says how."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections
from django.db.models.functions import Now

from activity.models import ActivityLog, Delivery, Topic
from bots.jobs.answers import Ending
from bots.jobs.child import Program
from bots.jobs.claims import ATTEMPTS_MAX, claim, due_count, finish, forget_leases
from bots.jobs.run import Limits, Runner
from bots.models import Backtest, BacktestRows, RowKind
from bots.results import rows_of
from bots.services import backtest_cancel
from bots.states import BacktestStatus
from orders.money import LostRace
from tests import people
from tests.jobs import children
from tests.people import NOW

pytestmark = pytest.mark.django_db
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


def test_a_backtest_is_run_to_its_result_and_its_user_is_told(tmp_path: Path) -> None:
    asked = people.backtest(people.alice())
    Worker(children.finishes(tmp_path)).run_next()
    done = ended(asked)
    assert (done.status, done.progress, done.attempts) == (BacktestStatus.DONE, 1000, 1)
    assert done.result is not None
    assert done.result["statistics"]["net_profit"] == "12.5"
    assert not {"trades", "deals", "equity"} & set(done.result)
    assert done.rows_kept == {"trades": 1, "deals": 1, "equity": 1}
    assert "Old summer” is done" in ActivityLog.objects.get(user=asked.user).message
    told = Delivery.objects.filter(topic=Topic.BACKTEST, subject=asked.pk, user=asked.user)
    assert told.count() == 2  # it has begun, it has ended


def test_long_lists_are_kept_in_blocks_and_read_page_by_page(tmp_path: Path) -> None:
    deals = [{"number": number, "pnl": "1"} for number in range(1203)]
    asked = people.backtest(people.alice())
    Worker(children.finishes(tmp_path, deals=deals)).run_next()
    done = ended(asked)
    assert BacktestRows.objects.filter(backtest=done, kind="deals").count() == 3
    for first, count in ((0, 10), (495, 10), (1200, 10), (499, 502)):
        numbers = [row["number"] for row in rows_of(done, RowKind.DEALS, first, count)]
        assert numbers == list(range(first, min(first + count, 1203)))


def test_what_the_child_refuses_is_kept_problem_by_problem(tmp_path: Path) -> None:
    asked = people.backtest(people.alice())
    Worker(children.refuses(tmp_path)).run_next()
    refused = ended(asked)
    assert refused.status == BacktestStatus.REFUSED
    assert refused.problems == [
        {"code": "warm_up", "field": "candles", "message": "Give more candles.", "fix": ""}
    ]
    assert refused.why == "Give more candles."


def test_a_child_that_gives_up_says_why(tmp_path: Path) -> None:
    asked = people.backtest(people.alice())
    Worker(children.gives_up(tmp_path)).run_next()
    assert (ended(asked).status, ended(asked).why) == (BacktestStatus.FAILED, "BadPlan: a slot twice")


@pytest.mark.parametrize(
    ("words", "told"),
    [("boom", "ended without an answer"), ("numpy._core._exceptions._ArrayMemoryError", "GiB of memory")],
)
def test_a_child_that_crashes_fails_its_backtest_with_a_sentence(
    tmp_path: Path, words: str, told: str
) -> None:
    asked = people.backtest(people.alice())
    Worker(children.crashes(tmp_path, words)).run_next()
    assert ended(asked).status == BacktestStatus.FAILED
    assert told in ended(asked).why


@pytest.mark.parametrize(
    "line",
    [
        "hello\n",
        "[1]\n",
        "null\n",
        "[" * 50_000 + "\n",
        children.tells({"id": 2, "result": children.result()}),
        children.tells({"id": 1, "progress": 1.5}),
        children.tells({"id": 1, "progress": True}),
        '{"id": 1, "progress": NaN}\n',
        '{"id": 1, "failed": "\\u0000"}\n',
        children.tells({"id": 1, "result": {}}),
        children.tells({"id": 1, "result": children.result(deals="none")}),
        children.tells({"id": 1, "result": children.result(deals=[1])}),
        children.tells({"id": 1, "result": children.result(phases_s={"x": "x" * 300_000})}),
        children.tells({"id": 1, "refused": "no"}),
        children.tells({"id": 1}),
    ],
    ids=lambda line: line[:40],
)
def test_rubbish_ends_it_and_leaves_no_half_result(tmp_path: Path, line: str) -> None:
    asked = people.backtest(people.alice())
    Worker(children.says(tmp_path, line)).run_next()
    assert ended(asked).status == BacktestStatus.FAILED
    assert "an answer that is none" in ended(asked).why
    assert not BacktestRows.objects.exists()


def test_a_line_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    asked = people.backtest(people.alice())
    limits = Limits(time_s=20, look_every_s=0.02, line_bytes=1000)
    Worker(children.says(tmp_path, "x" * 5000), limits=limits).run_next()
    assert ended(asked).status == BacktestStatus.FAILED
    assert "more than can be kept" in ended(asked).why


@pytest.mark.parametrize("kind", [children.hangs, children.never_starts])
def test_a_child_that_takes_too_long_is_killed(tmp_path: Path, kind: Callable[[Path], Program]) -> None:
    asked = people.backtest(people.alice())
    Worker(kind(tmp_path), limits=SHORT).run_next()
    assert ended(asked).status == BacktestStatus.TIMED_OUT
    assert "Choose a shorter period" in ended(asked).why
    if kind is children.hangs:
        assert not is_running(int((tmp_path / "pid").read_text()))


def test_a_running_one_is_cancelled_on_request_and_its_child_killed(tmp_path: Path) -> None:
    asked = people.backtest(people.alice())
    shown: list[int] = []

    def cancels(backtest: Backtest) -> None:
        shown.append(backtest.progress)
        backtest_cancel(backtest=backtest, now=NOW)

    Worker(children.hangs(tmp_path), on_progress=cancels).run_next()
    assert ended(asked).status == BacktestStatus.CANCELLED
    assert shown == [500]
    assert not is_running(int((tmp_path / "pid").read_text()))


def test_who_has_lost_the_lease_kills_the_child_and_writes_nothing(tmp_path: Path) -> None:
    asked, other = people.backtest(people.alice()), uuid4()

    def is_robbed(backtest: Backtest) -> None:
        Backtest.objects.filter(pk=backtest.pk).update(lease_token=other)

    Worker(children.hangs(tmp_path), on_progress=is_robbed).run_next()
    found = Backtest.objects.get(pk=asked.pk)
    assert (found.status, found.lease_token) == (BacktestStatus.RUNNING, other)
    assert not is_running(int((tmp_path / "pid").read_text()))


def test_a_result_that_comes_after_the_lease_was_lost_is_not_written() -> None:
    people.backtest(people.alice())
    mine = claim(at_once=1, now=NOW)
    assert mine is not None
    died(mine)
    theirs = claim(at_once=1, now=NOW)
    assert theirs is not None
    fields = {"result": children.result(), "progress": 1000}
    with pytest.raises(LostRace):
        finish(mine, Ending(BacktestStatus.DONE, fields=fields), now=NOW)
    finish(theirs, Ending(BacktestStatus.DONE, fields=fields), now=NOW)
    assert ended(mine).attempts == 2


def test_a_dead_workers_backtest_is_run_again(tmp_path: Path) -> None:
    asked = people.backtest(people.alice())
    first = claim(at_once=1, now=NOW)
    assert first is not None
    assert Worker(children.finishes(tmp_path)).run_next() is None  # its lease still holds
    died(first)
    assert due_count(at_once=1) == 1
    Worker(children.finishes(tmp_path)).run_next()
    assert (ended(asked).status, ended(asked).attempts) == (BacktestStatus.DONE, 2)


def test_one_whose_workers_always_die_fails_with_a_sentence(tmp_path: Path) -> None:
    asked = people.backtest(people.alice())
    for _ in range(ATTEMPTS_MAX):
        taken = claim(at_once=1, now=NOW)
        assert taken is not None
        died(taken)
    assert Worker(children.finishes(tmp_path)).run_next() is None
    assert ended(asked).status == BacktestStatus.FAILED
    assert "begun 3 times" in ended(asked).why


def test_one_cancelled_while_its_worker_was_dead_is_not_run_again(tmp_path: Path) -> None:
    asked = people.backtest(people.alice())
    taken = claim(at_once=1, now=NOW)
    assert taken is not None
    backtest_cancel(backtest=taken, now=NOW)
    died(taken)
    assert Worker(children.finishes(tmp_path)).run_next() is None
    assert ended(asked).status == BacktestStatus.CANCELLED


def test_a_restart_of_the_one_process_begins_again_at_once() -> None:
    people.backtest(people.alice())
    assert claim(at_once=1, now=NOW) is not None
    assert claim(at_once=1, now=NOW) is None
    assert forget_leases() == 1
    again = claim(at_once=1, now=NOW)
    assert again is not None
    assert again.attempts == 2


def test_no_more_run_at_once_than_there_are_places() -> None:
    for _ in range(4):
        people.backtest(people.alice())
    assert due_count(at_once=2) == 2
    taken = [claim(at_once=2, now=NOW) for _ in range(3)]
    assert [one.place if one else None for one in taken] == [1, 2, None]
    assert due_count(at_once=2) == 0
    assert taken[0] is not None
    finish(taken[0], Ending(BacktestStatus.FAILED, "No."), now=NOW)
    after = claim(at_once=2, now=NOW)
    assert after is not None
    assert after.place == 1


def test_first_come_first_served_but_nobody_waits_behind_anothers_queue() -> None:
    hers = [people.backtest(people.alice()) for _ in range(3)]
    his = people.backtest(people.bob())
    order = [claim(at_once=4, now=NOW) for _ in range(4)]
    assert [one.pk for one in order if one] == [hers[0].pk, his.pk, hers[1].pk, hers[2].pk]


def test_a_child_gets_no_secret(tmp_path: Path) -> None:
    asked = people.backtest(people.alice())
    spy = "told = dict(%r); told['statistics']['environment'] = sorted(os.environ)"
    Worker(children.program(tmp_path, spy % children.result(), "say(id=1, result=told)")).run_next()
    done: Any = ended(asked).result
    allowed = {"LC_CTYPE", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYTHONUTF8"}
    assert set(done["statistics"]["environment"]) <= allowed


def test_a_talkative_child_cannot_keep_its_worker_from_the_clock(tmp_path: Path) -> None:
    asked = people.backtest(people.alice())
    talks = children.program(tmp_path, "while True: say(id=1, progress=0.1)")
    Worker(talks, limits=SHORT).run_next()
    assert ended(asked).status == BacktestStatus.TIMED_OUT


def test_last_words_do_not_block_the_child(tmp_path: Path) -> None:
    asked = people.backtest(people.alice())
    complains = "sys.stderr.write('x' * 1_000_000)"
    Worker(children.program(tmp_path, complains, f"say(id=1, result={children.result()!r})")).run_next()
    assert ended(asked).status == BacktestStatus.DONE


@pytest.mark.django_db(transaction=True)
def test_workers_that_claim_at_the_same_moment_share_neither_a_row_nor_a_place() -> None:
    for _ in range(6):
        people.backtest(people.alice())
    start = Barrier(4)

    def claims() -> Backtest | None:
        try:
            start.wait(10)
            return claim(at_once=3, now=NOW)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as workers:
        taken = [one.result() for one in [workers.submit(claims) for _ in range(4)]]
    places = sorted(one.place or 0 for one in taken if one is not None)
    assert places == list(range(1, len(places) + 1))
    assert len({one.pk for one in taken if one is not None}) == len(places) <= 3
    while claim(at_once=3, now=NOW) is not None:
        pass  # one that lost every race leaves its place to the next ring
    assert Backtest.objects.filter(status=BacktestStatus.RUNNING).count() == 3
