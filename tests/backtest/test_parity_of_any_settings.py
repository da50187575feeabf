"""Any settings on any walk: a backtest and the paper engine still agree on everything."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bots.models import Bot
from tests.backtest.settings_made import made
from tests.backtest.twins import assert_alike, both
from tests.backtest.walks import BUSY, minutes_of, walk
from tests.faults.tapes import written

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.long
@pytest.mark.parametrize("bot_type", BUSY)
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(chance=st.data())
def test_they_agree_with_any_settings_on_any_walk(
    bot_type: str, chance: st.DataObject, tmp_path: Path
) -> None:
    values = chance.draw(made(bot_type))
    candles = walk(chance.draw(st.integers(0, 10**6)), minutes_of(bot_type, 40), step=0.004)
    path = written(tmp_path / f"walk-{Bot.objects.count()}.csv", candles)
    assert_alike(*both(bot_type, values, path))
