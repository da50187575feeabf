"""The pool of children with one that does what it is told: answers, the newest wins, deaths, limits."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from bots.backtest.request import FileSource, Request
from bots.jobs.child import Program
from bots.previews.pool import Answer, Limits, Pool, State

FAKE = Path(__file__).with_name("fake_child.py")
ALICE, BOB, CAROL = uuid4(), uuid4(), uuid4()
PATIENT_S = 10.0

Make = Callable[..., Pool]


@pytest.fixture
def make() -> Iterator[Make]:
    """Pools of the fake child; none of them leaves a thread or a process behind."""
    made: list[Pool] = []
    before = set(threading.enumerate())

    def pool(
        *, children: int = 1, argv: tuple[str, ...] = (sys.executable, str(FAKE)), **limits: float
    ) -> Pool:
        made.append(Pool(Program(argv, FAKE.parent), children=children, limits=Limits(**limits)))  # type: ignore[arg-type]
        return made[-1]

    yield pool
    for one in made:
        one.close()
    assert not [thread for thread in set(threading.enumerate()) - before if thread.name == "preview"]


def asked(does: str = "", name: str = "a") -> Request:
    return Request("dca", {"does": does}, FileSource(Path(name)))


def pid(answer: Answer) -> int:
    assert answer.state is State.RESULT, answer
    return int(answer.told["pid"])


def is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


class Patience(float):
    """How long a page waits, in seconds; `counted` is set when the pool, its lock held, reckons with it."""

    counted: threading.Event

    def __radd__(self, now_s: float) -> float:
        self.counted.set()
        return now_s + float(self)


def later(pool: Pool, user_id: UUID, request: Request) -> tuple[threading.Thread, list[Answer]]:
    """Ask in another thread, as another page would, and return when the question has arrived."""
    answers: list[Answer] = []
    patience = Patience(PATIENT_S)
    patience.counted = threading.Event()
    thread = threading.Thread(target=lambda: answers.append(pool.preview(user_id, request, patience)))
    thread.start()
    assert patience.counted.wait(PATIENT_S)
    return thread, answers


def test_a_request_is_answered_by_a_child_that_stays_warm(make: Make) -> None:
    pool = make()
    first = pid(pool.preview(ALICE, asked(name="a"), PATIENT_S))
    assert pid(pool.preview(ALICE, asked(name="b"), PATIENT_S)) == first
    assert pid(pool.preview(BOB, asked(name="a"), PATIENT_S)) == first


def test_a_child_gets_nothing_of_our_environment(make: Make) -> None:
    told = make().preview(ALICE, asked(), PATIENT_S).told["environment"]
    assert set(told) <= {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYTHONUTF8", "LC_CTYPE", "PWD"}


def test_no_child_runs_before_it_is_needed(make: Make) -> None:
    make(argv=("/nowhere/to/be/found",))


def test_the_same_request_is_computed_once_however_often_it_is_asked(make: Make) -> None:
    pool = make()
    first = pool.preview(ALICE, asked(), PATIENT_S)
    assert pool.preview(ALICE, asked(), 0) is first


def test_a_page_waits_no_longer_than_it_wants_and_finds_the_work_again(make: Make) -> None:
    pool = make()
    began = time.monotonic()
    answer = pool.preview(ALICE, asked("hang"), 0.3)
    assert time.monotonic() - began < 2
    assert answer.state is State.COMPUTING
    deadline = time.monotonic() + PATIENT_S
    while answer.progress != 0.43:
        assert time.monotonic() < deadline
        answer = pool.preview(ALICE, asked("hang"), 0.05, again=True)
        assert answer.state is State.COMPUTING


def test_the_newest_request_wins_over_one_that_runs_and_the_older_page_is_told(make: Make) -> None:
    pool = make()
    thread, older = later(pool, ALICE, asked("hang"))
    began = time.monotonic()
    newer = pool.preview(ALICE, asked(), PATIENT_S)
    assert newer.state is State.RESULT
    thread.join(PATIENT_S)
    assert older == [Answer(State.SUPERSEDED)]
    assert time.monotonic() - began < PATIENT_S


def test_the_newest_request_wins_over_one_that_waits_and_nobody_else_is_disturbed(make: Make) -> None:
    pool = make()
    blocking, of_alice = later(pool, ALICE, asked("hang"))
    waiting, of_bob = later(pool, BOB, asked(name="older"))
    newer, of_bob_too = later(pool, BOB, asked(name="newer"))
    waiting.join(PATIENT_S)
    assert of_bob == [Answer(State.SUPERSEDED)]
    assert not of_alice
    pid(pool.preview(ALICE, asked(), PATIENT_S))
    newer.join(PATIENT_S)
    blocking.join(PATIENT_S)
    assert [answer.state for answer in of_bob_too] == [State.RESULT]


def test_a_page_that_asks_again_drops_nothing_newer(make: Make) -> None:
    pool = make()
    pool.preview(ALICE, asked("hang", "older"), 0)
    newest = pool.preview(ALICE, asked(), PATIENT_S)
    assert pool.preview(ALICE, asked("hang", "older"), 0, again=True) == Answer(State.SUPERSEDED)
    assert pool.preview(ALICE, asked(), 0) is newest


def test_two_children_serve_two_people_at_once(make: Make) -> None:
    pool = make(children=2)
    pool.preview(ALICE, asked("hang"), 0)
    assert pool.preview(BOB, asked(), PATIENT_S).state is State.RESULT
    pool.preview(ALICE, asked("hang", "b"), 0)
    assert pool.preview(CAROL, asked(), PATIENT_S).state is State.RESULT


@pytest.mark.parametrize("does", ["die", "babble", "mistake"])
def test_a_child_that_dies_or_talks_rubbish_is_replaced(make: Make, does: str) -> None:
    pool = make()
    first = pid(pool.preview(ALICE, asked(), PATIENT_S))
    answer = pool.preview(ALICE, asked(does), PATIENT_S)
    assert (answer.state, answer.words) == (State.FAILED, "It ended before it was done.")
    assert pid(pool.preview(ALICE, asked(name="b"), PATIENT_S)) != first
    assert is_gone(first)


def test_a_child_that_died_while_nobody_asked_is_replaced(make: Make) -> None:
    pool = make()
    first = pid(pool.preview(ALICE, asked(), PATIENT_S))
    os.kill(first, 9)
    time.sleep(0.1)
    assert pid(pool.preview(ALICE, asked(name="b"), PATIENT_S)) != first


def test_a_preview_has_a_time_limit_and_then_the_next_one_is_served(make: Make) -> None:
    pool = make(run_s=0.5)
    answer = pool.preview(ALICE, asked("hang"), PATIENT_S)
    assert (answer.state, answer.words) == (State.FAILED, "It took longer than 0.5 s.")
    assert pool.preview(BOB, asked(), PATIENT_S).state is State.RESULT


def test_what_failed_is_tried_again_when_it_is_asked_again(make: Make) -> None:
    pool = make()
    first = pool.preview(ALICE, asked("fail"), PATIENT_S)
    assert (first.state, first.words) == (State.FAILED, "It could not be done.")
    assert pool.preview(ALICE, asked("fail"), PATIENT_S) is not first


def test_a_refusal_names_what_is_wrong(make: Make) -> None:
    answer = make().preview(ALICE, asked("refuse"), PATIENT_S)
    assert answer.state is State.REFUSED
    assert answer.told[0]["message"] == "Not with so many lines."


def test_a_child_that_nobody_needs_ends_and_another_one_comes(make: Make) -> None:
    pool = make(idle_s=0.2)
    first = pid(pool.preview(ALICE, asked(), PATIENT_S))
    deadline = time.monotonic() + PATIENT_S
    while not is_gone(first):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert pid(pool.preview(ALICE, asked(name="b"), PATIENT_S)) != first


def test_what_nobody_asks_for_any_more_is_not_begun(make: Make) -> None:
    pool = make(unwanted_s=0.1)
    pool.preview(ALICE, asked("hang"), 0)
    pool.preview(BOB, asked("hang", "of somebody who left"), 0)
    time.sleep(0.2)
    began = time.monotonic()
    pool.preview(ALICE, asked(), 0)
    assert pool.preview(CAROL, asked(), PATIENT_S).state is State.RESULT
    assert time.monotonic() - began < PATIENT_S


def test_when_too_much_waits_nothing_more_is_taken_in(make: Make) -> None:
    pool = make(waiting=1)
    pool.preview(ALICE, asked("hang"), 0.3)
    waiting, of_bob = later(pool, BOB, asked())
    assert pool.preview(CAROL, asked(), PATIENT_S) == Answer(State.COMPUTING)
    pool.close()
    waiting.join(PATIENT_S)
    assert of_bob == [Answer(State.FAILED, words="The platform is stopping.")]


def test_a_closed_pool_leaves_no_process_and_begins_nothing(make: Make) -> None:
    pool = make(children=2)
    child = pid(pool.preview(ALICE, asked(), PATIENT_S))
    pool.preview(BOB, asked("hang"), 0.3)
    pool.close()
    assert is_gone(child)
    assert pool.preview(CAROL, asked(), 0).state is State.COMPUTING


def test_old_answers_make_room(make: Make) -> None:
    pool = make(answers=1)
    first = pool.preview(ALICE, asked(), PATIENT_S)
    pool.preview(BOB, asked(), PATIENT_S)
    assert pool.preview(ALICE, asked(), PATIENT_S) is not first
