"""A worker runs what waits in a child process, and however the child ends, the row says how."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from activity.models import ActivityLog, Delivery, Topic
from bots.jobs.child import Program
from bots.jobs.run import Limits
from bots.models import Backtest, BacktestRows, RowKind
from bots.results import rows_of
from bots.services import backtest_cancel
from bots.states import BacktestStatus
from tests import people
from tests.jobs import children
from tests.jobs.desk import SHORT, Worker, ended, is_running
from tests.people import NOW

pytestmark = pytest.mark.django_db


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
