"""Told to stop in the midst of trading at full speed, the platform stops soon and leaves whole rows."""

import signal
from pathlib import Path

import pytest

from tests.faults import tapes
from tests.faults.conftest import MakePlatform
from tests.faults.installation import MID_TURN, RUN_LIMIT_S, SPEED, UNSETTLED, prepared, says
from tests.processes import say, until

STOP_LIMIT_S = 12.0
TRADING_SINCE = 4

pytestmark = pytest.mark.long


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_at_full_speed_is_quick_and_leaves_nothing_half_done(
    number: signal.Signals, tmp_path: Path, start_platform: MakePlatform
) -> None:
    tape = tapes.walked(tmp_path / "walk.csv", 150)
    installation = prepared(tmp_path / "var", tape)
    words = ("--no-demo", "--replay", f"BTC/USDT={tape}", "--speed", SPEED)
    platform = start_platform(tmp_path / "var", *words)
    trading = says(lambda: installation.candle() >= TRADING_SINCE)
    until("trading", trading, RUN_LIMIT_S)
    until("a turn", says(lambda: installation.count(MID_TURN) > 0), RUN_LIMIT_S, pause_s=0.001)
    took = platform.stop(number)
    log = platform.log.read_text()
    say(f"{number.name}: stopped in {took:.1f} s")
    assert platform.process.returncode == 0, log
    assert took < STOP_LIMIT_S
    assert log.rstrip().endswith("Stopped.")
    assert "stopped without waiting" not in log
    assert installation.count(MID_TURN) == 0, "a turn was cut off"
    assert installation.outcome()["counts"]["sent_more_than_once"] == 0
    installation.is_sound()
    stood, unsettled = installation.candle(), installation.count(UNSETTLED)
    say(f"left {unsettled} orders to settle")
    start_platform(tmp_path / "var", *words)
    until("trading again", says(lambda: installation.candle() > stood), RUN_LIMIT_S)
