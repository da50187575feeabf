"""A download on its way: waits that have an end, what a kill leaves, and months without candles."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from orders.gateways.base import RateLimited, Unreachable
from orders.gateways.candle_store import CandleStore
from orders.gateways.exchange.adapters import ADAPTERS
from orders.gateways.exchange.client import Client
from orders.gateways.exchange.download import TRIES_MAX, WAITS_MAX, Download, Patience
from orders.gateways.exchange.history import Wanted
from orders.gateways.exchange.spoken import now_ms
from tests.exchange import Exchange
from tests.gateways.exchange.desk import client
from tests.gateways.exchange.public import NAME, clients_of
from tests.gateways.exchange.wire import Wire

MINUTE = 60_000
HOUR = 60 * MINUTE
KLINES = "/api/v3/klines"
SERIES: dict[str, Any] = {"exchange": NAME, "ticker": "BTC/USDT", "timeframe": "1m"}


@pytest.fixture(scope="module")
def served() -> Iterator[Exchange]:
    with Exchange.running() as exchange:
        yield exchange


@pytest.fixture
def store(tmp_path: Path) -> CandleStore:
    return CandleStore(tmp_path / "candles")


@pytest.fixture
def since() -> int:
    return now_ms() // HOUR * HOUR - 26 * HOUR


@pytest.fixture
def waited() -> list[float]:
    return []


@pytest.fixture
def patient(waited: list[float]) -> Patience:
    """Waits by noting how long; what the breaker knew has then passed."""

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        cache.clear()

    return Patience(sleep)


def of(made: Client, store: CandleStore, patience: Patience, since: int) -> Download:
    wanted = Wanted(since, since + 20 * HOUR, MINUTE)
    return Download(made, store, "BTC/USDT", "1m", wanted, patience, moved=lambda at: None)


def test_a_wait_that_the_exchange_names_is_kept(
    served: Exchange, store: CandleStore, patient: Patience, waited: list[float], since: int
) -> None:
    master = clients_of(served).master(NAME)
    served.faults.add("limited", path=KLINES, after=1, times=2, retry_after=7)
    of(master, store, patient, since).run()
    assert len(store.read(**SERIES)) == 1_200
    assert len(waited) == 2
    assert all(6 < seconds <= 7 for seconds in waited)


def test_waits_and_tries_have_an_end(waited: list[float]) -> None:
    patience = Patience(waited.append)

    def limited() -> None:
        raise RateLimited("later", 3.0)

    def silent() -> None:
        raise Unreachable("nobody")

    def banned() -> None:
        raise RateLimited("in three days", 3 * 24 * 3600.0)

    with pytest.raises(RateLimited):
        patience.ask(limited)
    assert waited == [3.0] * WAITS_MAX
    waited.clear()
    with pytest.raises(RateLimited):
        Patience(waited.append).ask(banned)
    assert waited == [], "nobody sits out three days"
    with pytest.raises(Unreachable):
        patience.ask(silent)
    assert waited == [2.0, 4.0, 8.0, 16.0]
    assert len(waited) == TRIES_MAX - 1


def test_months_without_candles_are_skipped_by_days(store: CandleStore, patient: Patience) -> None:
    """A new market, asked for from 200 days before its first minute: five requests, not 2,880 windows."""
    first = 1_700_000_040_000
    told = [str(first), "10", "10", "10", "10", "1", "1", "1", "1"]
    empty, listed = (200, {"code": "0", "data": []}), (200, {"code": "0", "data": [told]})
    months = Wanted(first - 200 * 24 * HOUR, first + MINUTE, MINUTE)
    # A window of minutes, then one of days, each empty; again, until a day is listed: there minutes begin.
    wire = Wire(empty, empty, empty, listed, listed)
    made = client("okx", wire)
    download = Download(made, store, "BTC/USDT", "1m", months, patient, moved=lambda at: None)
    download.run()
    assert download.fetched == 1
    assert [sent.fields["bar"] for sent in wire.requests] == ["1m", "1Dutc", "1m", "1Dutc", "1m"]
    assert ADAPTERS["okx"].past.windowed


def test_a_run_that_is_killed_loses_few_candles(served: Exchange, store: CandleStore, since: int) -> None:
    """What is stored while it still runs is what a kill leaves."""
    left: list[int] = []
    wanted = Wanted(since - 3_500 * MINUTE, since, MINUTE)
    master = clients_of(served).master(NAME)
    Download(
        master,
        store,
        "BTC/USDT",
        "1m",
        wanted,
        Patience(lambda seconds: None),
        moved=lambda at: left.append(len(store.read(**SERIES))),
    ).run()
    assert left == [0, 1_000, 2_000, 3_000]
    assert len(store.read(**SERIES)) == 3_500
