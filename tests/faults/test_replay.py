"""A replay whose process is killed again and again ends like one that was left alone."""

import random
import signal
import time
from itertools import cycle
from pathlib import Path

import pytest

from tests.faults.conftest import MakePlatform
from tests.faults.installation import (
    MID_TURN,
    RUN_LIMIT_S,
    SPEED,
    TRADES,
    UNSETTLED,
    Installation,
    bots_agree,
    copied,
    nothing_doubled,
    played_out,
    prepared,
    says,
    speed_of,
)
from tests.processes import Platform, say, until

KILLS = 7
# How long after its trade a process without an aim may still live.
LIVES_ON_MAX_S = 0.25
SEED = 20
AIMS = ("", MID_TURN, UNSETTLED)

pytestmark = pytest.mark.long


def test_killed_again_and_again_a_replay_ends_like_an_undisturbed_one(
    tape: Path, tmp_path: Path, start_platform: MakePlatform
) -> None:
    calm = prepared(tmp_path / "calm", tape)
    hunted = copied(tmp_path / "calm", tmp_path / "hunted")

    def start(name: str) -> Platform:
        words = ("--no-demo", "--replay", f"BTC/USDT={tape}", "--speed", SPEED)
        platform = start_platform(tmp_path / name, *words)
        say(f"{name}: the first page after {platform.wait_until_it_answers():.1f} s")
        return platform

    took = played_out(calm, start("calm"))
    say(f"{tape.stem}, calm: {calm.candle()} candles in {took:.1f} s, {speed_of(calm, took)} market s/s")
    began, mid_turn = time.monotonic(), 0
    for trades, aim in zip(trades_to_die_at(calm.count(TRADES)), cycle(AIMS), strict=False):
        mid_turn += killed_at(trades, aim, hunted, start("hunted"))
    played_out(hunted, start("hunted"))
    say(f"hunted: {time.monotonic() - began:.1f} s, {KILLS} kills, {mid_turn} of them in the midst of a turn")

    outcomes = [calm.outcome(), hunted.outcome()]
    say(f"calm: {outcomes[0]['counts']}\nhunted: {outcomes[1]['counts']}")
    assert mid_turn >= 2, "the kills hit nothing"
    for installation, outcome in zip((calm, hunted), outcomes, strict=True):
        nothing_doubled(outcome)
        installation.is_sound()
    bots_agree(*outcomes)
    assert calm.count(TRADES) > 60


def trades_to_die_at(trades: int) -> list[int]:
    """Numbers of trades, all but the last tenth: what comes after the last death matters too."""
    return sorted(random.Random(SEED).sample(range(1, trades * 9 // 10), KILLS))


def killed_at(trades: int, aim: str, installation: Installation, platform: Platform) -> bool:
    """Kills the process once there are so many `trades` and `aim` is true of some row, or at any
    moment when there is no aim; returns whether it was in the midst of something."""
    until(f"trade {trades}", says(lambda: installation.count(TRADES) >= trades), RUN_LIMIT_S, pause_s=0.01)
    if aim:
        until("work under way", says(lambda: installation.count(aim) > 0), RUN_LIMIT_S, pause_s=0.001)
    else:
        time.sleep(random.Random(trades).uniform(0, LIVES_ON_MAX_S))
    platform.stop(signal.SIGKILL)
    return installation.count(MID_TURN) + installation.count(UNSETTLED) > 0
