"""`manage.py download_candles` on the test exchange: whole, resumed, each wrong word named with its fix."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from pytest_django import Settings

from bots.management.commands.download_candles import Command, check_market, wanted_of
from bots.strategies.base import Candles
from orders.gateways.candle_store import CandleStore
from orders.gateways.exchange.spoken import now_ms
from tests.exchange import Exchange
from tests.gateways.exchange.desk import client
from tests.gateways.exchange.public import NAME, options_of
from tests.gateways.exchange.wire import Wire
from tradingbot.clock import moment_of

MINUTE = 60_000
HOUR = 60 * MINUTE
KLINES = "/api/v3/klines"
SERIES: dict[str, Any] = {"exchange": NAME, "ticker": "BTC/USDT", "timeframe": "1m"}


@pytest.fixture(scope="module")
def served() -> Iterator[Exchange]:
    with Exchange.running() as exchange:
        yield exchange


@pytest.fixture
def exchange(served: Exchange, settings: Settings, tmp_path: Path) -> Exchange:
    settings.VAR_DIR = tmp_path / "var"
    settings.EXCHANGE_OVERRIDES = {NAME: options_of(served)}
    served.reset()
    cache.clear()
    return served


@pytest.fixture
def store(exchange: Exchange, tmp_path: Path) -> CandleStore:
    return CandleStore(tmp_path / "var" / "candles")


@pytest.fixture
def since() -> int:
    """A whole hour some 26 hours ago: more than a page of minutes."""
    return now_ms() // HOUR * HOUR - 26 * HOUR


def day(ms: int) -> str:
    return moment_of(ms).isoformat()


def downloaded(since: int, *more: str, ticker: str = "BTC/USDT", timeframe: str = "1m") -> str:
    out = io.StringIO()
    words = ["--exchange", NAME, "--ticker", ticker, "--timeframe", timeframe, "--since", day(since), *more]
    call_command("download_candles", *words, stdout=out)
    return out.getvalue()


def pages_asked(exchange: Exchange) -> list[int]:
    return [int(seen.params["startTime"]) for seen in exchange.oracle.asked("GET", KLINES)]


def minutes(start: int, count: int) -> Candles:
    at = np.arange(start, start + count * MINUTE, MINUTE, dtype=np.int64)
    price = np.full(count, 77.0)
    return Candles(at, price, price, price, price, price)


def test_all_closed_candles_come_and_the_open_one_does_not(
    exchange: Exchange, store: CandleStore, since: int
) -> None:
    said = downloaded(since)
    read = store.read(**SERIES)
    assert read.at[0] == since
    assert (np.diff(read.at) == MINUTE).all()
    assert now_ms() - 2 * MINUTE - 5_000 < read.at[-1] <= now_ms() - MINUTE
    assert f"Downloaded {len(read):,} candles of 1m for BTC/USDT on binance." in said
    assert f"the store has {len(read):,} of {len(read):,}." in said
    assert "No gaps." in said
    assert len(pages_asked(exchange)) == 2


def test_whether_a_candle_has_closed_is_told_by_the_exchanges_clock(
    exchange: Exchange, store: CandleStore, since: int
) -> None:
    exchange.skew_ms = -10 * MINUTE
    downloaded(since)
    assert store.read(**SERIES).at[-1] <= now_ms() - 11 * MINUTE


def test_a_second_run_asks_only_for_what_is_new(exchange: Exchange, store: CandleStore, since: int) -> None:
    until = day(since + 20 * HOUR)
    downloaded(since, "--until", until)
    exchange.oracle.requests.clear()
    said = downloaded(since, "--until", until)
    assert pages_asked(exchange) == []
    assert "Downloaded 0 candles" in said
    assert "the store has 1,200 of 1,200." in said
    downloaded(since)
    assert min(pages_asked(exchange)) == since + 20 * HOUR


def test_only_the_holes_are_filled(exchange: Exchange, store: CandleStore, since: int) -> None:
    store.write(**SERIES, candles=minutes(since, 90))
    store.write(**SERIES, candles=minutes(since + 100 * MINUTE, 20))
    downloaded(since, "--until", day(since + 2 * HOUR))
    read = store.read(**SERIES)
    assert len(read) == 120
    assert (read.close[:90] == 77).all()
    assert pages_asked(exchange) == [since + 90 * MINUTE]


def test_candles_that_the_exchange_lacks_are_told_and_others_stored(
    exchange: Exchange, store: CandleStore, since: int
) -> None:
    exchange.faults.add("rows", path=KLINES, times=None, drop=[3, 4, 7], repeat=[8])
    said = downloaded(since, "--until", day(since + HOUR))
    assert len(store.read(**SERIES)) == 57
    assert "2 gaps, 3 candles (3 minutes) missing. The first:" in said
    assert f"{moment_of(since + 3 * MINUTE):%Y-%m-%d %H:%M} to " in said
    assert "Dropped 1 rows that are no candles: 1 × the time was there before." in said


def test_a_run_that_dies_goes_on_where_it_stopped(exchange: Exchange, store: CandleStore, since: int) -> None:
    exchange.faults.add("status", path=KLINES, status=403, done=False, after=1, times=None)
    with pytest.raises(CommandError, match=r"stopped before its end.*goes on from there") as stopped:
        downloaded_at_once(since)
    assert stopped.value.returncode == 1
    assert len(store.read(**SERIES)) == 1_000
    exchange.faults.clear()
    exchange.oracle.requests.clear()
    assert "No gaps." in downloaded(since)
    assert pages_asked(exchange) == [since + 1_000 * MINUTE]


def downloaded_at_once(since: int, sleep: Callable[[float], None] = lambda seconds: None) -> str:
    """Without pauses between one try and the next."""
    command = Command(stdout=io.StringIO(), stderr=io.StringIO())
    command.sleep = sleep
    options = {"exchange": NAME, "ticker": "BTC/USDT", "timeframe": "1m", "since": since, "until": None}
    command.handle(**options)
    return str(command.stdout)


def test_an_interrupted_run_keeps_what_came(exchange: Exchange, store: CandleStore, since: int) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    exchange.faults.add("status", path=KLINES, status=502, done=False, after=1, times=None)
    with pytest.raises(CommandError, match=r"Interrupted\..*goes on from there") as stopped:
        downloaded_at_once(since, interrupted)
    assert stopped.value.returncode == 130
    assert len(store.read(**SERIES)) == 1_000


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            {"exchange": "binanse"},
            "--exchange: 'binanse' is not known, use one of aster, backpack, ",
        ),
        ({"ticker": "BTC/USTD"}, "--ticker: binance has no BTC/USTD; the nearest are BTC/USDT"),
        ({"ticker": "btcusdt"}, "the nearest are BTC/USDT"),
        ({"ticker": "?"}, "--ticker: binance has no [?]; write it like BTC/USDT"),
        ({"timeframe": "7m"}, "--timeframe: '7m' is none, use one of 1m, 3m, "),
        ({"since": "2200-01-01"}, "--since: 2200-01-01 00:00 UTC is in the future"),
        ({"since": "1960-01-01"}, "--since: 1960-01-01 00:00 UTC is before 1970"),
        ({"since": "yesterday"}, "'yesterday': write a date such as 2024-08-05"),
        ({"until": "2020-01-01"}, "--until: 2020-01-01 00:00 UTC is not after --since"),
        ({"timeframe": "1d", "since": day(now_ms() - MINUTE)}, "--since: no candle of 1d has closed"),
    ],
)
def test_a_wrong_word_is_named_with_its_fix(
    exchange: Exchange, store: CandleStore, words: dict[str, str], sentence: str
) -> None:
    given = {"exchange": NAME, "ticker": "BTC/USDT", "timeframe": "1m", "since": "2024-01-01", **words}
    with pytest.raises(CommandError, match=sentence):
        call_command("download_candles", *[word for name in given for word in (f"--{name}", given[name])])
    assert not store.root.exists()


def test_a_timeframe_that_an_exchange_lacks_is_answered_with_those_it_has() -> None:
    made = client("kraken", Wire())
    with pytest.raises(CommandError, match="kraken has no candles of 3m, use one of 1m, 5m, 15m, ") as wrong:
        check_market(made, {"exchange": "kraken", "ticker": "BTC/USDT", "timeframe": "3m"})
    assert wrong.value.returncode == 2


def test_an_exchange_that_keeps_few_candles_is_not_asked_for_more() -> None:
    made = client("kraken", Wire())
    options = {"exchange": "kraken", "timeframe": "1h", "since": 0, "until": None}
    wanted = wanted_of(made, options)
    assert (wanted.end - wanted.start) // HOUR == 720
    with pytest.raises(CommandError, match="--until: kraken gives its newest 720 candles alone"):
        wanted_of(made, options | {"until": HOUR})


def test_an_exchange_that_is_down_is_told_in_one_sentence(exchange: Exchange, store: CandleStore) -> None:
    exchange.faults.add("status", times=None, status=502, done=False)
    with pytest.raises(
        CommandError, match="Nothing was downloaded: binance answered with status 502"
    ) as said:
        downloaded(0)
    assert said.value.returncode == 1
    assert not store.root.exists()


def test_a_broken_month_is_named(exchange: Exchange, store: CandleStore, since: int) -> None:
    store.write(**SERIES, candles=minutes(since, 3))
    for month in store.root.rglob("*.npy"):
        month.write_bytes(b"half")
    with pytest.raises(CommandError, match="is not a whole file of candles") as said:
        downloaded(since)
    assert said.value.returncode == 2
