"""Who runs a backtest: by lease and by place, again when its worker has died, first come first served."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from django.db import connections

from bots.jobs.answers import Ending
from bots.jobs.claims import ATTEMPTS_MAX, claim, due_count, finish, forget_leases
from bots.models import Backtest
from bots.services import backtest_cancel
from bots.states import BacktestStatus
from orders.money import LostRace
from tests import people
from tests.jobs import children
from tests.jobs.desk import Worker, died, ended
from tests.people import NOW

pytestmark = pytest.mark.django_db


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
