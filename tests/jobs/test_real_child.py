"""The real child on a small stored series, and the task that starts it."""

import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings, settings
from django.utils import timezone

from bots.jobs.child import Program
from bots.jobs.run import Runner, request_of
from bots.models import Backtest, RowKind
from bots.results import equity_line, rows_of
from bots.services import backtest_create
from bots.services.backtests import candle_root
from bots.states import BacktestStatus
from bots.tasks import CHILD, ring_backtests, run_backtests
from tests import people
from tests.people import NOW

pytestmark = pytest.mark.django_db


def run(root: Path) -> None:
    program = Program(CHILD, settings.ROOT_DIR, settings.CHILD_ENVIRONMENT)
    Runner(program, root, 1, timezone.now).run_next()


def test_the_real_child_trades_a_stored_series(tmp_path: Path) -> None:
    people.candles(tmp_path)
    backtest = backtest_create(user=people.alice(), wanted=people.wanted(), root=tmp_path, now=NOW)
    assert CHILD[0] == sys.executable
    run(tmp_path)
    done = Backtest.objects.get(pk=backtest.pk)
    assert done.status == BacktestStatus.DONE, (done.why, done.problems)
    told: Any = done.result
    assert told["candles"]["count"] == 480
    assert [one["name"] for one in told["benchmark"]] == ["Buy and hold", "Even DCA"]
    assert told["statistics"]["trades"] == done.rows_kept["trades"] > 20
    assert rows_of(done, RowKind.TRADES, 0, 1)[0]["side"] == "buy"
    line = equity_line(done)
    assert line is not None
    assert len(line.points.split()) == 22


def test_what_the_real_child_refuses_arrives_as_problems(tmp_path: Path) -> None:
    people.candles(tmp_path)
    shorter = people.wanted(bot_type="momentum", values={"investment": "1000", "timeframe": "5m"})
    backtest = backtest_create(user=people.alice(), wanted=shorter, root=tmp_path, now=NOW)
    assert request_of(backtest, tmp_path).rules.ticker == "BTC/USDT"
    run(tmp_path)
    refused = Backtest.objects.get(pk=backtest.pk)
    assert refused.status == BacktestStatus.REFUSED, refused.why
    assert "signals come from candles of 5m" in refused.problems[0]["message"]


def test_the_task_runs_what_waits_in_the_installations_own_store(
    tmp_path: Path, settings: LazySettings
) -> None:
    settings.VAR_DIR = tmp_path
    people.candles(candle_root(tmp_path), count=48)
    made = backtest_create(user=people.alice(), wanted=people.wanted(), root=candle_root(tmp_path), now=NOW)
    ring_backtests()
    run_backtests()
    run_backtests()  # a second ring finds nothing to do
    done = Backtest.objects.get(pk=made.pk)
    assert (done.status, done.attempts) == (BacktestStatus.DONE, 1)
