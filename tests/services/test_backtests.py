"""What may be done with a backtest, and what is refused before anything runs, with which sentence."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from activity.models import Delivery, Topic
from bots.jobs.claims import claim
from bots.models import Backtest, BacktestRows
from bots.queries import backtests_of
from bots.services import ServiceRefused, backtest_cancel, backtest_create, backtest_delete
from bots.services.backtests import (
    UNFINISHED_PER_USER_MAX,
    MarketTerms,
    Period,
    SeriesName,
    backtest_move,
    stored_series,
)
from bots.states import MOVES, BacktestStatus
from orders.money import LostRace
from tests import people
from tests.people import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(tmp_path: Path) -> Path:
    people.candles(tmp_path)
    return tmp_path


def create(root: Path, **fields: Any) -> Backtest:
    return backtest_create(user=people.alice(), wanted=people.wanted(**fields), root=root, now=NOW)


def test_a_backtest_waits_with_its_settings_whole_and_its_period_cut_to_the_candles(root: Path) -> None:
    made = create(root, period=Period(since=NOW - timedelta(days=400)))
    assert made.status == BacktestStatus.QUEUED
    assert (made.since, made.until) == (NOW - timedelta(days=20), NOW)
    assert made.values["on_stop"]  # the defaults of its day stay, whatever they become
    assert Delivery.objects.filter(topic=Topic.BACKTEST, subject=made.pk).count() == 1


def test_a_period_within_the_candles_is_kept(root: Path) -> None:
    since, until = NOW - timedelta(days=5), NOW - timedelta(days=2)
    made = create(root, period=Period(since, until))
    assert (made.since, made.until) == (since, until)


@pytest.mark.parametrize(
    ("field", "told", "wrong"),
    [
        ("bot_type", "no bot type", {"bot_type": "oracle"}),
        ("investment", "", {"values": people.GRID | {"investment": "-1"}}),
        ("name", "1 to 64 characters", {"name": " "}),
        ("series", "not in the store", {"series": SeriesName("simulated", "DOGE/USDT", "1h")}),
        ("series", "not in the store", {"series": SeriesName("../..", "BTC/USDT", "1h")}),
        ("until", "must be after Since", {"period": Period(NOW, NOW)}),
        ("since", "after the last candle", {"period": Period(since=NOW + timedelta(days=1))}),
        ("until", "before the first candle", {"period": Period(until=NOW - timedelta(days=90))}),
        ("fee_pct", "from 0 to 10", {"terms": MarketTerms(fee_pct=Decimal(11))}),
        ("spread_bps", "from 0 to 1000", {"terms": MarketTerms(spread_bps=Decimal("NaN"))}),
        ("slippage_pct", "from 0 to 10", {"terms": MarketTerms(slippage_pct=Decimal(-1))}),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_run_is_refused_at_its_field(
    root: Path, field: str, told: str, wrong: dict[str, Any]
) -> None:
    with pytest.raises(ServiceRefused) as refused:
        create(root, **wrong)
    assert [problem.field for problem in refused.value.problems] == [field]
    assert told in refused.value.problems[0].message
    assert not Backtest.objects.exists()


def test_a_broken_store_is_told_and_not_a_fault(root: Path) -> None:
    next(root.rglob("*.npy")).write_bytes(b"cut off")
    with pytest.raises(ServiceRefused, match="import it again"):
        stored_series(root)


def test_one_person_cannot_fill_the_queue(root: Path) -> None:
    for _ in range(UNFINISHED_PER_USER_MAX):
        create(root)
    with pytest.raises(ServiceRefused, match="wait for one, or cancel it"):
        create(root)
    backtest_create(user=people.bob(), wanted=people.wanted(), root=root, now=NOW)


def test_a_waiting_one_is_cancelled_at_once_and_only_once() -> None:
    backtest = people.backtest(people.alice())
    for _ in range(2):
        backtest_cancel(backtest=backtest, now=NOW)
    found = Backtest.objects.get(pk=backtest.pk)
    assert (found.status, found.finished_at) == (BacktestStatus.CANCELLED, NOW)
    assert Delivery.objects.filter(topic=Topic.BACKTEST).count() == 1
    assert claim(at_once=1, now=NOW) is None


def test_a_running_one_is_asked_and_keeps_its_first_request() -> None:
    stale = people.backtest(people.alice())
    claim(at_once=1, now=NOW)
    backtest_cancel(backtest=stale, now=NOW)
    backtest_cancel(backtest=stale, now=NOW + timedelta(minutes=1))
    found = Backtest.objects.get(pk=stale.pk)
    assert (found.status, found.cancel_requested_at) == (BacktestStatus.RUNNING, NOW)


def test_only_a_finished_one_is_deleted_with_all_its_rows() -> None:
    backtest = people.backtest(people.alice())
    with pytest.raises(ServiceRefused, match="cancel it first"):
        backtest_delete(backtest=backtest, now=NOW)
    backtest_cancel(backtest=backtest, now=NOW)
    BacktestRows.objects.create(user=backtest.user, backtest=backtest, kind="deals", number=0, packed=b"")
    for _ in range(2):
        backtest_delete(backtest=backtest, now=NOW)
    assert not BacktestRows.objects.exists()
    assert not backtests_of(people.alice()).exists()


def test_a_status_moves_along_the_table_only_and_a_stale_copy_loses() -> None:
    backtest = people.backtest(people.alice())
    stale = Backtest.objects.get(pk=backtest.pk)
    with pytest.raises(LostRace, match="cannot become done"):
        backtest_move(backtest, BacktestStatus.DONE, result={})
    backtest_move(backtest, BacktestStatus.CANCELLED, finished_at=NOW)
    with pytest.raises(LostRace):
        backtest_move(stale, BacktestStatus.CANCELLED, finished_at=NOW)
    assert set(MOVES) == set(BacktestStatus)


def test_the_database_keeps_what_a_backtest_may_be() -> None:
    rows = Backtest.objects.filter(pk=people.backtest(people.alice()).pk)
    other = people.backtest(people.alice())
    running = {"status": "running", "lease_until": NOW, "place": 1}
    Backtest.objects.filter(pk=other.pk).update(**running, lease_token=other.pk)
    forged: list[dict[str, Any]] = [
        {"status": "lost"},
        {"progress": 1001},
        {"until": NOW - timedelta(days=99)},
        {"result": {}},
        {"status": "done", "finished_at": NOW},
        {"status": "failed"},
        {"status": "running"},
        {"lease_token": other.pk},
        {**running, "lease_token": other.pk},  # the other one's place
    ]
    for change in forged:
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**change)
