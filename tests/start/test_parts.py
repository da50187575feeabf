"""The threads beside the web server come back when they die, and end when they are told to."""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tradingbot import parts
from tradingbot.env import WrongSetting
from tradingbot.lock import take_lock
from tradingbot.parts import Supervisor


@dataclass
class Fragile:
    """Dies at its first run and works at its second."""

    name: str = "fragile"
    runs: int = 0
    works: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        self.runs += 1
        if self.runs == 1:
            raise RuntimeError("the first attempt fails")
        self.works.set()
        self.stopped.wait(10)

    def stop(self) -> None:
        self.stopped.set()


@dataclass
class Deaf:
    """Does not end when asked."""

    name: str = "deaf"
    runs: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        self.runs.set()
        self.released.wait(10)

    def stop(self) -> None:
        self.released.wait(10)


def test_a_part_that_dies_is_logged_and_starts_again(caplog: pytest.LogCaptureFixture) -> None:
    part = Fragile()
    supervisor = Supervisor([part], pause_first_s=0.01)
    supervisor.start()
    assert part.works.wait(5)
    assert supervisor.stop(5) == []
    assert part.runs == 2
    assert "fragile failed" in caplog.text
    assert "the first attempt fails" in caplog.text


def test_a_part_that_will_not_end_is_named_in_time() -> None:
    good, deaf = Fragile(runs=1), Deaf()
    supervisor = Supervisor([deaf, good])
    supervisor.start()
    assert deaf.runs.wait(5)
    assert good.works.wait(5)
    began = time.monotonic()
    assert supervisor.stop(0.3) == ["deaf"]
    assert time.monotonic() - began < 2
    assert good.stopped.is_set()
    deaf.released.set()


def test_parts_that_never_started_stop_at_once() -> None:
    assert Supervisor([Fragile()]).stop(1) == []


def test_pauses_grow_to_a_bound() -> None:
    pauses = [parts.next_pause(pause, lasted_s=1) for pause in (1.0, 32.0, 60.0)]
    assert pauses == [2.0, 60.0, 60.0]
    assert parts.next_pause(60.0, lasted_s=parts.STEADY_AFTER_S + 1) == parts.PAUSE_FIRST_S


def test_a_second_process_on_the_same_files_is_refused(tmp_path: Path) -> None:
    first = take_lock(tmp_path)
    with pytest.raises(WrongSetting, match=r"already runs on .* stop it there with Ctrl-C"):
        take_lock(tmp_path)
    first.close()
    take_lock(tmp_path).close()
