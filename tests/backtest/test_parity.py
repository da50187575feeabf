"""One brain, two bodies: a backtest and the paper engine decide, order, fill and book the very same."""

from pathlib import Path

import pytest

from tests.backtest.twins import assert_alike, both
from tests.backtest.walks import BUSY, minutes_of, walk
from tests.faults.tapes import RECORDED, recorded_crash, written

pytestmark = pytest.mark.django_db(transaction=True)

BOTS = pytest.mark.parametrize("bot_type", BUSY)
NO_DATA = f"the recorded candles are not there: {RECORDED.name}"


@BOTS
def test_a_backtest_and_the_paper_engine_agree_on_everything(bot_type: str, tmp_path: Path) -> None:
    path = written(tmp_path / "walk.csv", walk(5, minutes_of(bot_type, 45), step=0.004))
    told, rows = both(bot_type, BUSY[bot_type], path)
    assert len(told.fills) > 2
    assert_alike(told, rows)


@pytest.mark.long
@BOTS
def test_they_agree_where_candles_are_missing(bot_type: str, tmp_path: Path) -> None:
    candles = walk(8, minutes_of(bot_type, 60), step=0.004, gap=0.002)
    path = written(tmp_path / "holes.csv", candles, without=range(20, 31))
    assert_alike(*both(bot_type, BUSY[bot_type], path))


@pytest.mark.long
@BOTS
def test_they_agree_on_a_recorded_crash(bot_type: str, tmp_path: Path) -> None:
    if not RECORDED.exists():
        pytest.skip(NO_DATA)
    path = recorded_crash(tmp_path / "crash.csv", minutes=300)
    values = {**BUSY[bot_type], **({"lower_price": "48000"} if bot_type == "grid" else {})}
    told, rows = both(bot_type, values, path)
    assert len(told.fills) > 4
    assert_alike(told, rows)
