"""`manage.py stream` refuses what cannot be in one sentence, and stops when it is told to."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.servers import child_environment

ROOT = Path(__file__).resolve().parents[2]
START_MAX_S = 30
STOP_MAX_S = 5


def manage(tmp_path: Path, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=child_environment(VAR_DIR=str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--replay", "XRP/USDT=x.csv"], "one of the tickers BTC/USDT"),
        (["--replay", "BTC/USDT=missing.csv"], "there is no file missing.csv"),
        (["--replay", "BTC/USDT"], "write TICKER=FILE"),
        (["--speed", "fast"], "write a number above 0"),
        (["--speed", "0"], "write a number above 0"),
    ],
)
def test_what_cannot_be_played_is_told_in_one_sentence(
    tmp_path: Path, words: list[str], sentence: str
) -> None:
    process = manage(tmp_path, "stream", *words)
    _, told = process.communicate(timeout=START_MAX_S)
    assert process.returncode == 2
    assert sentence in told.splitlines()[-1]
    assert "Traceback" not in told


@pytest.mark.parametrize("word", [signal.SIGTERM, signal.SIGINT])
def test_it_moves_the_markets_until_it_is_told_to_stop(tmp_path: Path, word: signal.Signals) -> None:
    migrated = manage(tmp_path, "migrate", "-v0")
    _, told = migrated.communicate(timeout=START_MAX_S)
    assert migrated.returncode == 0, told
    process = manage(tmp_path, "stream", "--speed", "6000")
    assert wait_until_markets_move(tmp_path)
    os.kill(process.pid, word)
    _, told = process.communicate(timeout=STOP_MAX_S)
    assert process.returncode == 0, told
    assert "Traceback" not in told
    assert owners(tmp_path) == 0


def wait_until_markets_move(tmp_path: Path) -> bool:
    deadline = time.monotonic() + START_MAX_S
    while time.monotonic() < deadline:
        if asked(tmp_path, "SELECT count(*) FROM orders_simulatedmarket WHERE candle > 5") == 5:
            return True
        time.sleep(0.2)
    return False


def owners(tmp_path: Path) -> int:
    return asked(tmp_path, "SELECT count(*) FROM orders_simulatedmarket WHERE owner_token IS NOT NULL")


def asked(tmp_path: Path, question: str) -> int:
    with closing(sqlite3.connect(tmp_path / "tradingbot.sqlite3", timeout=5)) as database:
        return int(database.execute(question).fetchone()[0])
