"""The candle store: months replaced whole, merged on the second import, read by range."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pytest

from bots.strategies.base import Candles
from orders.gateways.candle_store import BrokenMonth, CandleStore, Series, WrongName
from tradingbot.clock import ms_of

MINUTE = 60_000
START = ms_of(datetime(2025, 1, 31, 23, 30, tzinfo=UTC))


class Names(TypedDict):
    exchange: str
    ticker: str
    timeframe: str


MARKET = Names(exchange="binance", ticker="BTC/USDT", timeframe="1m")


def candles(start: int, count: int, price: float = 100.1) -> Candles:
    at = np.arange(start, start + count * MINUTE, MINUTE, dtype=np.int64)
    column = np.full(count, price) + np.arange(count) / 8
    return Candles(at, column, column + 1, column - 1, column + 0.5, column * 2)


@pytest.fixture
def store(tmp_path: Path) -> CandleStore:
    return CandleStore(tmp_path / "candles")


def test_what_is_written_is_read_bit_for_bit(store: CandleStore) -> None:
    given = candles(START, 60)
    store.write(**MARKET, candles=given)
    read = store.read(**MARKET)
    for name in ("at", "open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(read, name), getattr(given, name))
    assert read.at.dtype == np.int64
    assert sorted(path.name for path in (store.root / "binance/BTC-USDT/1m").iterdir()) == [
        "2025-01.npy",
        "2025-02.npy",
    ]


def test_a_range_holds_its_beginning_and_not_its_end(store: CandleStore) -> None:
    store.write(**MARKET, candles=candles(START, 60))
    read = store.read(**MARKET, since=START + 29 * MINUTE, until=START + 32 * MINUTE)
    assert ((read.at - START) // MINUTE).tolist() == [29, 30, 31]
    assert len(store.read(**MARKET, since=START + 60 * MINUTE)) == 0
    assert len(store.read(**MARKET, until=START)) == 0


def test_importing_again_merges_and_the_newer_row_stands(store: CandleStore) -> None:
    store.write(**MARKET, candles=candles(START, 10, price=100))
    store.write(**MARKET, candles=candles(START + 5 * MINUTE, 10, price=500))
    read = store.read(**MARKET)
    assert ((read.at - START) // MINUTE).tolist() == list(range(15))
    assert read.open[4] < 200
    assert read.open[5:].tolist() == candles(START, 10, price=500).open.tolist()


def test_what_was_read_before_an_import_stays_as_it_was(store: CandleStore) -> None:
    store.write(**MARKET, candles=candles(START, 10, price=100))
    before = store.read(**MARKET)
    store.write(**MARKET, candles=candles(START, 10, price=500))
    assert before.open[0] == 100
    assert store.read(**MARKET).open[0] == 500


def test_what_is_not_there_is_empty(store: CandleStore) -> None:
    assert len(store.read(**MARKET)) == 0
    assert store.series() == []
    assert store.delete(**MARKET) == 0


def test_the_listing_says_what_there_is_and_deleting_takes_it_away(store: CandleStore) -> None:
    store.write(**MARKET, candles=candles(START, 60))
    other = Names(exchange="binance", ticker="ETH/USDT", timeframe="1m")
    store.write(**other, candles=candles(START, 1))
    found = store.series()
    size = sum(path.stat().st_size for path in (store.root / "binance/BTC-USDT/1m").iterdir())
    assert found[0] == Series("binance", "BTC/USDT", "1m", 60, START, START + 59 * MINUTE, size)
    assert store.delete(**MARKET) == 2
    assert [series.ticker for series in store.series()] == ["ETH/USDT"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"exchange": "../binance"},
        {"exchange": ""},
        {"ticker": "BTC/../x"},
        {"ticker": "BTC-USDT"},
        {"ticker": "BTC/USDT\n"},
        {"timeframe": "7m"},
        {"timeframe": ".."},
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(store: CandleStore, wrong: dict[str, str]) -> None:
    names: Any = MARKET | wrong
    with pytest.raises(WrongName):
        store.read(**names)
    with pytest.raises(WrongName):
        store.delete(**names)
    with pytest.raises(WrongName):
        store.write(**names, candles=candles(START, 1))
    assert not store.root.exists()


def test_candles_that_are_not_sorted_or_off_their_timeframe_are_refused(store: CandleStore) -> None:
    for start, timeframe in ((START + 1, "1m"), (START, "5m")):
        names = Names(exchange="binance", ticker="BTC/USDT", timeframe=timeframe)
        with pytest.raises(ValueError, match="must be sorted"):
            store.write(**names, candles=candles(start, 3))
    assert store.series() == []


def test_a_broken_month_is_named_and_stops_an_import_whole(store: CandleStore) -> None:
    store.write(**MARKET, candles=candles(START, 60, price=100))
    broken = store.root / "binance/BTC-USDT/1m/2025-02.npy"
    broken.write_bytes(broken.read_bytes()[:50])
    with pytest.raises(BrokenMonth, match=r"2025-02\.npy"):
        store.write(**MARKET, candles=candles(START, 60, price=500))
    assert store.read(**MARKET, until=START + MINUTE).open[0] == 100


def test_no_draft_is_left_behind_or_taken_for_a_month(store: CandleStore) -> None:
    store.write(**MARKET, candles=candles(START, 60))
    folder = store.root / "binance/BTC-USDT/1m"
    (folder / ".draft-of-a-dead-process").write_bytes(b"half")
    assert len(store.read(**MARKET)) == 60
    assert not [
        path for path in folder.iterdir() if path.name.startswith(".draft-") and "dead" not in path.name
    ]
