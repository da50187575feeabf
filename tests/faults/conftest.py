"""Processes that a test started do not outlive it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.conftest import world
from tests.faults import tapes
from tests.processes import Platform

__all__ = ["MakePlatform", "start_platform", "world"]

MakePlatform = Callable[..., Platform]


@pytest.fixture
def start_platform() -> Iterator[MakePlatform]:
    started: list[Platform] = []

    def start(var_dir: Path, *words: str, **more: str) -> Platform:
        started.append(Platform(var_dir, *words, **more))
        return started[-1]

    yield start
    for platform in started:
        if platform.process.poll() is None:
            platform.process.kill()
            platform.process.wait(10)


@pytest.fixture(params=["walk", "crash"])
def tape(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A candle file: made up, and as it was recorded where the recording is."""
    if request.param == "walk":
        return tapes.walked(tmp_path / "walk.csv", 120)
    if not tapes.RECORDED.exists():
        pytest.skip(f"no recorded candles: {tapes.RECORDED.name} is not beside the project")
    return tapes.recorded_crash(tmp_path / "crash.csv", 1300)
