"""After a turn the pages are told soon, and not more often than they can bear."""

import threading
import time

from tradingbot.chimes import Chime

APART_S = 0.1


class Bell:
    def __init__(self) -> None:
        self.rung: list[float] = []
        self.heard = threading.Event()

    def __call__(self) -> None:
        self.rung.append(time.monotonic())
        self.heard.set()


def test_the_first_pull_rings_at_once() -> None:
    bell = Bell()
    Chime(bell, apart_s=APART_S).pull()
    assert len(bell.rung) == 1


def test_many_pulls_ring_twice_and_the_last_one_is_not_lost() -> None:
    bell = Bell()
    chime = Chime(bell, apart_s=APART_S)
    for _ in range(50):
        chime.pull()
    last_pull = time.monotonic()
    time.sleep(3 * APART_S)
    assert len(bell.rung) == 2
    assert bell.rung[1] > last_pull - 0.001
    assert bell.rung[1] - bell.rung[0] >= APART_S * 0.95


def test_a_pull_after_a_quiet_time_rings_at_once_again() -> None:
    bell = Bell()
    chime = Chime(bell, apart_s=APART_S)
    chime.pull()
    time.sleep(2 * APART_S)
    chime.pull()
    assert len(bell.rung) == 2
