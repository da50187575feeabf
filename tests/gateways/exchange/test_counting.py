"""What processes count together, in memory and on a server: nothing is lost, and no ban is forgotten."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.core.cache import cache

from orders.gateways.exchange.breaker import SharedBreaker
from orders.gateways.exchange.budget import PUBLIC, Lane
from tests.gateways.exchange.test_budget import Desk
from tradingbot.counting import CountingMemory, CountingRedis, Counts, shared_counts

NOW_S = 1_700_000_000
OPTIONS = {"OPTIONS": {"MAX_ENTRIES": 20_000}}


@pytest.fixture(params=["memory", pytest.param("server", marks=pytest.mark.valkey)])
def process(request: pytest.FixtureRequest) -> Iterator[Callable[[], Counts]]:
    """What another process would count with."""
    place, opened = uuid4().hex, list[CountingRedis]()

    def memory() -> Counts:
        return CountingMemory(place, OPTIONS)

    def server() -> Counts:
        one = CountingRedis(f"{request.getfixturevalue('valkey_url')}/5", {"KEY_PREFIX": place})
        opened.append(one)
        return one

    yield memory if request.param == "memory" else server
    CountingMemory(place, OPTIONS).clear()
    for one in opened:
        one._cache.get_client(None, write=True).connection_pool.disconnect()


def test_all_amounts_of_a_request_are_added_at_once(process: Callable[[], Counts]) -> None:
    one, other = process(), process()
    assert one.count({"a": (5, 60), "b": (1, 60), "looked-at": (0, 60)}) == {"a": 5, "b": 1, "looked-at": 0}
    assert other.count({"a": (-2, 60), "b": (0, 60)}) == {"a": 3, "b": 1}


def test_a_count_is_forgotten_when_its_time_has_come(process: Callable[[], Counts]) -> None:
    process().count({"short": (1, 1), "long": (1, 60)})
    time.sleep(1.1)
    assert process().count({"short": (0, 1), "long": (0, 60)}) == {"short": 0, "long": 1}


def test_a_count_is_raised_and_never_lowered(process: Callable[[], Counts]) -> None:
    for value in (5, 9, 7):
        process().raise_to("highest", value, 60)
    assert process().count({"highest": (0, 60)}) == {"highest": 9}
    process().count({"highest": (2, 60)})
    process().raise_to("highest", 10, 60)
    assert process().count({"highest": (0, 60)}) == {"highest": 11}


def test_eight_that_ask_at_once_never_use_more_than_there_is(process: Callable[[], Counts]) -> None:
    desks = [Desk(counts=process()) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        used = sum(threads.map(lambda desk: desk.granted(PUBLIC, Lane.URGENT), desks))
    # Two that ask for the last of it at the same moment may both be sent away.
    assert 85 <= used <= 100


def test_a_ban_is_held_to_the_millisecond_by_all(process: Callable[[], Counts]) -> None:
    one, other = (SharedBreaker("binance:live:all", process()) for _ in range(2))
    one.trip(0.4, NOW_S)
    assert other.wait_s(NOW_S) == pytest.approx(0.4, abs=0.001)
    one.trip(7.9, NOW_S)
    other.trip(3, NOW_S)
    assert one.wait_s(NOW_S) == pytest.approx(7.9, abs=0.001)


def test_a_ban_is_not_forgotten_among_many_prices() -> None:
    cache.clear()
    breaker = SharedBreaker("binance:live:all")
    breaker.trip(30, NOW_S)
    cache.set_many({f"price:{number}": number for number in range(1_000)}, timeout=60)
    assert breaker.wait_s(NOW_S) == 30


def test_the_installations_own_cache_counts() -> None:
    cache.clear()
    assert shared_counts().count({"a": (3, 60)}) == {"a": 3}
    assert cache.get("a") == 3
