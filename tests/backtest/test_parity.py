"""One brain, two bodies: a backtest and the paper engine decide, order, fill and book the very same."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from bots.models import Bot
from tests.backtest.settings_made import made
from tests.backtest.twins import Twin, in_memory, with_rows
from tests.backtest.walks import BUSY, walk
from tests.faults.tapes import RECORDED, recorded_crash, written

pytestmark = pytest.mark.django_db(transaction=True)

BOTS = pytest.mark.parametrize("bot_type", BUSY)
# Enough for the warm-up of those that have one, and some trades.
MINUTES = {"momentum": 130, "scalper": 100}
NO_DATA = f"the recorded candles are not there: {RECORDED.name}"


def both(bot_type: str, values: dict[str, Any], path: Path) -> tuple[Twin, Twin]:
    user = User.objects.create_user(f"alice-{User.objects.count()}@example.com")
    return in_memory(bot_type, values, path), with_rows(bot_type, values, path, user)


def assert_alike(told: Twin, rows: Twin) -> None:
    """First what says soonest where two runs part."""
    for mine, theirs in zip(told.decisions, rows.decisions, strict=False):
        assert mine == theirs
    assert len(told.decisions) == len(rows.decisions)
    assert told.fills == rows.fills
    assert told.orders == rows.orders
    assert told.ledger == rows.ledger
    assert told.money == rows.money


@BOTS
def test_a_backtest_and_the_paper_engine_agree_on_everything(bot_type: str, tmp_path: Path) -> None:
    path = written(tmp_path / "walk.csv", walk(5, MINUTES.get(bot_type, 45), step=0.004))
    told, rows = both(bot_type, BUSY[bot_type], path)
    assert len(told.fills) > 2
    assert_alike(told, rows)


@pytest.mark.long
@BOTS
def test_they_agree_where_candles_are_missing(bot_type: str, tmp_path: Path) -> None:
    candles = walk(8, MINUTES.get(bot_type, 60), step=0.004, gap=0.002)
    path = written(tmp_path / "holes.csv", candles, without=range(20, 31))
    assert_alike(*both(bot_type, BUSY[bot_type], path))


@pytest.mark.long
@BOTS
def test_they_agree_on_a_recorded_crash(bot_type: str, tmp_path: Path) -> None:
    if not RECORDED.exists():
        pytest.skip(NO_DATA)
    path = recorded_crash(tmp_path / "crash.csv", minutes=600)
    values = {**BUSY[bot_type], **({"lower_price": "48000"} if bot_type == "grid" else {})}
    told, rows = both(bot_type, values, path)
    assert len(told.fills) > 4
    assert_alike(told, rows)


@pytest.mark.long
@BOTS
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(chance=st.data())
def test_they_agree_with_any_settings_on_any_walk(
    bot_type: str, chance: st.DataObject, tmp_path: Path
) -> None:
    values = chance.draw(made(bot_type))
    candles = walk(chance.draw(st.integers(0, 10**6)), MINUTES.get(bot_type, 40), step=0.004)
    path = written(tmp_path / f"walk-{Bot.objects.count()}.csv", candles)
    assert_alike(*both(bot_type, values, path))
