"""One installation under test: its rows are read from outside, its bots are made by a program within."""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults import tapes
from tests.processes import ROOT, Platform, embedded, until
from tests.servers import child_environment

PROGRAM_TIMEOUT_S = 120
RUN_LIMIT_S = 300
SPEED = "20000"
MINUTE_S = 60
STAND = "SELECT ended, candle FROM orders_simulatedmarket WHERE ticker = 'BTC/USDT'"
MID_TURN = "SELECT count(*) FROM bots_bot WHERE lease_token IS NOT NULL"
UNSETTLED = "SELECT count(*) FROM orders_order WHERE status IN ('planned', 'sending', 'unknown')"
TRADES = "SELECT count(*) FROM orders_trade"
DUE = "SELECT count(*) FROM bots_bot WHERE status = 'active' AND events > events_seen"
ACTIVE = "SELECT count(*) FROM bots_bot WHERE status = 'active'"

Ask = Callable[[str], tuple[Any, ...]]


@dataclass(frozen=True)
class Installation:
    """`environment` leads a process to it; `ask` answers one SQL question with one row."""

    environment: dict[str, str]
    ask: Ask

    def python(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PROGRAM_TIMEOUT_S,
            check=False,
        )

    def do(self, *words: str) -> str:
        """Runs a word of `tests.faults.trading`; returns what it printed."""
        done = self.python("-m", "tests.faults.program", "trading", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def outcome(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.do("outcome"))
        return said

    def count(self, question: str) -> int:
        return int(self.ask(question)[0])

    def candle(self) -> int:
        """How far the market's clock has come, in candles."""
        return int(self.ask(STAND)[1])

    def ended(self) -> bool:
        return bool(self.ask(STAND)[0])

    def is_sound(self) -> None:
        """Every invariant holds, replaying the journal among them."""
        checked = self.python("manage.py", "check_invariants")
        assert checked.returncode == 0, checked.stdout + checked.stderr


def embedded_installation(var_dir: Path, **more: str) -> Installation:
    def ask(question: str) -> tuple[Any, ...]:
        connection = sqlite3.connect(var_dir / "tradingbot.sqlite3", timeout=10)
        try:
            row: tuple[Any, ...] = connection.execute(question).fetchone()
            return row
        finally:
            connection.close()

    var_dir.mkdir(exist_ok=True)
    return Installation(child_environment(VAR_DIR=str(var_dir), **embedded(), **more), ask)


def copied(var_dir: Path, to: Path) -> Installation:
    shutil.copytree(var_dir, to)
    return embedded_installation(to)


def says(condition: Callable[[], bool]) -> Iterator[bool]:
    while True:
        yield condition()


def bots_agree(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Both runs ended alike; the first difference is shown by its place."""
    assert first["bots"].keys() == second["bots"].keys()
    for name, one in first["bots"].items():
        other = second["bots"][name]
        for number, (left, right) in enumerate(zip(one["trades"], other["trades"], strict=False)):
            assert left == right, f"{name}: trade {number + 1}"
        assert one == other, name


def nothing_doubled(outcome: dict[str, Any]) -> None:
    counts = outcome["counts"]
    assert counts["client_ids"] == counts["orders"]
    assert counts["sent_more_than_once"] == 0
    assert counts["unsettled"] == 0


def prepared(var_dir: Path, tape: Path) -> Installation:
    """An installation whose bots wait at the first price of `tape`."""
    installation = embedded_installation(var_dir)
    assert installation.python("manage.py", "migrate", "-v0").returncode == 0
    installation.do("prepare", str(tape), *tapes.reach(tape))
    return installation


def played_out(installation: Installation, platform: Platform) -> float:
    """Lets the market come to its end; returns how many seconds that took."""
    took = until("the market's end", says(installation.ended), RUN_LIMIT_S)
    platform.stop(signal.SIGTERM)
    assert platform.process.returncode == 0, platform.log.read_text()
    return took


def speed_of(installation: Installation, seconds: float) -> int:
    return int(installation.candle() * MINUTE_S / seconds)
