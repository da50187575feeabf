"""A live engine killed with SIGKILL at each named point: the next process finds what is there, and both books
agree."""

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exchange import ExchangeProcess
from tests.faults.crash_points import POINTS
from tests.faults.installation import Installation, embedded_installation
from tests.faults.live import KEY, SECRET, agree

SYMBOLS = "BTCUSDT"
PROGRAM = ("-m", "tests.faults.program", "crash_program")

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def exchange() -> Iterator[ExchangeProcess]:
    with ExchangeProcess.running("--symbols", SYMBOLS) as running:
        yield running


@pytest.fixture(scope="module")
def template(exchange: ExchangeProcess, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with two bots that have not begun."""
    var_dir = tmp_path_factory.mktemp("crash") / "var"
    installation = on(exchange, var_dir)
    assert installation.python("manage.py", "migrate", "-v0").returncode == 0
    prepared = installation.python(*PROGRAM, "prepare", KEY, SECRET)
    assert prepared.returncode == 0, prepared.stderr
    return var_dir


def on(exchange: ExchangeProcess, var_dir: Path) -> Installation:
    return embedded_installation(
        var_dir, EXCHANGE_OVERRIDES=json.dumps({"binance": exchange.overrides() | {"enableRateLimit": False}})
    )


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_this_point_nothing_is_doubled_and_nothing_lost(
    point: str, exchange: ExchangeProcess, template: Path, tmp_path: Path
) -> None:
    exchange.do("reset")
    for fault in POINTS[point].faults:
        exchange.do("fault", **fault)
    installation = on(exchange, Path(shutil.copytree(template, tmp_path / "var")))
    killed = installation.python(*PROGRAM, "run", point)
    assert killed.returncode == -signal.SIGKILL, killed.stderr or "it never came there"
    exchange.do("faults", clear=True)
    finished = installation.python(*PROGRAM, "finish")
    assert finished.returncode == 0, finished.stderr + finished.stdout
    agree(json.loads(finished.stdout), exchange.state())
