"""The whole platform as one real process: it answers, it ends when told to, and it starts again."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import FIRST_START_TIMEOUT_S, ROOT, Platform, embedded
from tests.servers import child_environment

# Bounds that a busy machine keeps; how fast it is, is measured and not tested.
STOP_LIMIT_S = 12.0
SECOND_START_LIMIT_S = 12.0

pytestmark = pytest.mark.long


@pytest.fixture
def platforms() -> Iterator[list[Platform]]:
    started: list[Platform] = []
    yield started
    for platform in started:
        if platform.process.poll() is None:
            platform.process.kill()
            platform.process.wait(10)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_starts_answers_and_stops_cleanly(
    number: signal.Signals, tmp_path: Path, platforms: list[Platform]
) -> None:
    platforms.append(platform := Platform(tmp_path / "var"))
    platform.wait_until_it_answers()
    took = platform.stop(number)
    said = platform.log.read_text()
    assert platform.process.returncode == 0, said
    assert took < STOP_LIMIT_S
    assert f"Open http://127.0.0.1:{platform.port}/" in said
    assert said.rstrip().endswith("Stopped.")
    assert "Traceback" not in said


def test_a_second_start_is_quick_and_keeps_what_there_was(tmp_path: Path, platforms: list[Platform]) -> None:
    var_dir = tmp_path / "var"
    platforms.append(first := Platform(var_dir))
    first.wait_until_it_answers()
    secrets = (var_dir / "secrets.json").read_bytes()
    first.stop(signal.SIGINT)
    platforms.append(second := Platform(var_dir))
    assert second.wait_until_it_answers() < SECOND_START_LIMIT_S
    assert (var_dir / "secrets.json").read_bytes() == secrets


def test_it_starts_again_after_being_killed(tmp_path: Path, platforms: list[Platform]) -> None:
    var_dir = tmp_path / "var"
    platforms.append(first := Platform(var_dir))
    first.wait_until_it_answers()
    first.stop(signal.SIGKILL)
    platforms.append(second := Platform(var_dir))
    second.wait_until_it_answers()
    second.stop(signal.SIGINT)
    assert second.process.returncode == 0


def test_two_processes_do_not_share_their_files(tmp_path: Path, platforms: list[Platform]) -> None:
    var_dir = tmp_path / "var"
    platforms.append(first := Platform(var_dir))
    first.wait_until_it_answers()
    platforms.append(second := Platform(var_dir))
    assert second.process.wait(30) == 1
    said = second.log.read_text().strip()
    assert re.fullmatch(r"The platform already runs on .* \(process \d+\): .*", said), said
    assert first.get("/healthz") == 200


def test_a_taken_port_is_told_in_one_sentence_and_nothing_trades(tmp_path: Path) -> None:
    with socket.socket() as owner:
        owner.bind(("127.0.0.1", 0))
        owner.listen()
        port = owner.getsockname()[1]
        tried = subprocess.run(
            [sys.executable, "manage.py", "run", f"--port={port}", "--no-demo"],
            cwd=ROOT,
            env=child_environment(VAR_DIR=str(tmp_path / "var"), **embedded()),
            capture_output=True,
            text=True,
            timeout=FIRST_START_TIMEOUT_S,
            check=False,
        )
    assert tried.returncode == 1
    assert tried.stderr.strip() == f"Port {port} is taken: stop what uses it, or choose another with --port."
    assert "Open http" not in tried.stdout


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--port", "0"], "'0': write a number from 1 to 65535"),
        (["--port", "99999"], "'99999': write a number from 1 to 65535"),
        (["--speed", "fast"], "'fast': write a number above 0"),
        (["--speed", "-1"], "'-1': write a number above 0"),
        (["--replay", "BTC/USDT"], "write TICKER=FILE"),
        (["--replay", "BTC/USDT=/no/such/file.csv"], "there is no file"),
    ],
)
def test_a_wrong_choice_is_told_before_anything_starts(words: list[str], part: str, tmp_path: Path) -> None:
    tried = subprocess.run(
        [sys.executable, "manage.py", "run", *words],
        cwd=ROOT,
        env=child_environment(VAR_DIR=str(tmp_path / "var"), **embedded()),
        capture_output=True,
        text=True,
        timeout=FIRST_START_TIMEOUT_S,
        check=False,
    )
    assert tried.returncode != 0
    assert part in tried.stderr
    assert not (tmp_path / "var" / "tradingbot.sqlite3").exists()


def test_a_wrong_variable_stops_every_command_with_its_sentence(tmp_path: Path) -> None:
    tried = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tradingbot.settings", "EMAIL_PORT": "post"},
        capture_output=True,
        text=True,
        timeout=FIRST_START_TIMEOUT_S,
        check=False,
    )
    assert tried.returncode == 1
    assert tried.stderr.strip() == "EMAIL_PORT is 'post': write a whole number from 1 to 65535."
