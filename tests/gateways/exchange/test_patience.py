"""Nobody waits long for an exchange: markets are loaded once, and a silence is remembered."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal, getcontext
from threading import Event
from time import monotonic
from typing import Any

import pytest
from django.core.cache import cache

from orders.gateways.base import Unreachable
from orders.gateways.exchange.clients import MARKETS_FRESH_S, SILENCE_S, ProcessClients
from orders.gateways.exchange.patience import WAIT_S, PatientPrices, Questions
from orders.gateways.exchange.prices import ExchangePrices
from tests.exchange import Exchange

NAME = "binance"
RULES, PRICES, CANDLES = "/api/v3/exchangeInfo", "/api/v3/ticker/24hr", "/api/v3/klines"
BTC = "BTC/USDT"
THREADS = 5


@dataclass
class Place:
    """The exchange, and a process's clients of it whose clock moves as the test says."""

    exchange: Exchange
    seconds: float = 0.0

    def __post_init__(self) -> None:
        options = {**self.exchange.overrides(), "enableRateLimit": False, "timeout": 4_000}
        self.clients = ProcessClients(overrides={NAME: options}, keys=[], clock=lambda: self.seconds)
        self.prices = PatientPrices(ExchangePrices(NAME, self.clients))

    def asked(self, path: str) -> int:
        return sum(seen.path == path for seen in self.exchange.oracle.requests)

    def silence(self, path: str = "*", ending: str = "close") -> None:
        self.exchange.faults.add("drop_request", path=path, times=None, ending=ending)

    def at_once(self, work: Any) -> list[Any]:
        def tried(_: int) -> Any:
            try:
                return work()
            except Unreachable as silence:
                return silence

        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(tried, range(THREADS)))


@pytest.fixture(scope="module")
def served() -> Iterator[Exchange]:
    with Exchange.running() as exchange:
        yield exchange


@pytest.fixture
def place(served: Exchange) -> Place:
    served.reset()
    cache.clear()
    return Place(served)


def test_threads_that_come_together_load_the_markets_once(place: Place) -> None:
    masters = place.at_once(lambda: place.clients.master(NAME))
    assert len({id(master) for master in masters}) == 1
    assert place.asked(RULES) == 1


def test_a_failure_is_remembered_for_some_seconds(place: Place) -> None:
    place.silence(RULES)
    found = place.at_once(lambda: place.clients.master(NAME))
    assert [type(one) for one in found] == [Unreachable] * THREADS
    assert place.asked(RULES) == 1
    place.exchange.faults.clear()
    with pytest.raises(Unreachable):
        place.clients.master(NAME)
    place.seconds += SILENCE_S
    assert BTC in place.clients.master(NAME).ccxt.markets


def test_markets_of_an_hour_ago_are_better_than_none(place: Place) -> None:
    first = place.clients.master(NAME)
    place.seconds += MARKETS_FRESH_S
    place.silence(RULES)
    assert place.clients.master(NAME) is first
    assert place.clients.master(NAME) is first
    assert place.asked(RULES) == 2
    place.exchange.faults.clear()
    place.seconds += SILENCE_S
    assert place.clients.master(NAME) is not first


def test_our_decimals_stay_as_they_were(place: Place) -> None:
    """ccxt rounds half up by changing its thread's context; in a turn the bots' own sums come next."""
    master, before = place.clients.master(NAME), getcontext().copy()
    for way in (master.ask, master.say):
        way(lambda ccxt: ccxt.price_to_precision(BTC, "50000.125"))
        assert repr(getcontext()) == repr(before)


def test_a_price_is_asked_for_and_remembered(place: Place) -> None:
    assert place.prices.quotes([BTC])[BTC].last == Decimal(50_000)
    place.exchange.ledger.move("BTCUSDT", 51_000)
    assert place.prices.quotes([BTC])[BTC].last == Decimal(50_000), "a fresh one is not asked for again"
    assert place.prices.ask([BTC])[BTC].last == Decimal(51_000)


def test_an_exchange_that_hangs_keeps_nobody_for_long(place: Place) -> None:
    place.silence(ending="hang")
    began = monotonic()
    assert place.prices.quotes([BTC]) == {}
    first_s = monotonic() - began
    for _ in range(THREADS):
        place.prices.quotes([BTC, "ETH/USDT"])
    assert first_s < WAIT_S + 0.5
    assert monotonic() - began < WAIT_S + 1, "the others did not wait"
    place.exchange.faults.clear()


def test_candles_that_do_not_come_are_no_reason_to_wait_either(place: Place) -> None:
    until = place.prices.quotes([BTC])[BTC].at
    place.silence(CANDLES, ending="hang")
    began = monotonic()
    for _ in range(2):
        with pytest.raises(Unreachable):
            place.prices.candles(ticker=BTC, timeframe="1m", until=until, count=300)
    assert monotonic() - began < WAIT_S + 1
    assert BTC in place.prices.quotes([BTC]), "prices are another question"


def test_who_has_the_same_question_waits_for_the_same_answer() -> None:
    questions, release = Questions(), Event()
    asked: list[int] = []

    def ask() -> None:
        asked.append(1)
        release.wait(5)
        raise Unreachable("down")

    for _ in range(3):
        with pytest.raises(TimeoutError):
            questions.answer("one", ask, 0.01)
    assert asked == [1]
    release.set()
    with pytest.raises(Unreachable, match="down"):
        questions.answer("one", ask, 5)
