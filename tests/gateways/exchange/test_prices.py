"""Prices of a real exchange: remembered, asked for, never nonsense. Candles exact, and closed ones only."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache

from orders.gateways.base import NotYet, RateLimited, Unreachable
from orders.gateways.exchange.clients import ProcessClients
from orders.gateways.exchange.prices import FRESH_MS, ExchangePrices, quote_of
from orders.gateways.exchange.spoken import now_ms
from orders.matching import Quote
from tests.exchange import Exchange
from tests.gateways.exchange.public import NAME, clients_of

D = Decimal
BTC, ETH = "BTC/USDT", "ETH/USDT"
TICKERS, KLINES = "/api/v3/ticker/24hr", "/api/v3/klines"
MINUTE = 60_000


@pytest.fixture(scope="module")
def served() -> Iterator[Exchange]:
    with Exchange.running() as exchange:
        yield exchange


@pytest.fixture
def clients(served: Exchange) -> ProcessClients:
    return clients_of(served)


@pytest.fixture
def prices(clients: ProcessClients) -> ExchangePrices:
    return ExchangePrices(NAME, clients)


def asked(exchange: Exchange, path: str = TICKERS) -> int:
    return len(exchange.oracle.asked("GET", path))


def quote(last: int, age_ms: int = 0) -> Quote:
    return Quote(D(last - 1), D(last), D(last), now_ms() - age_ms)


def test_a_price_that_nobody_knows_is_asked_for_and_exact(prices: ExchangePrices, served: Exchange) -> None:
    served.ledger.move("BTCUSDT", "50123.45")
    found = prices.quotes([BTC, ETH])
    assert (found[BTC].bid, found[BTC].ask, found[BTC].last) == (
        D("50123.44"),
        D("50123.45"),
        D("50123.45"),
    )
    assert found[ETH].last == 2_500
    assert prices.age_s(found[BTC]) < 1
    assert asked(served) == 1, "all in one question"


def test_what_one_process_has_asked_all_know(
    prices: ExchangePrices, clients: ProcessClients, served: Exchange
) -> None:
    found = prices.quotes([BTC])
    assert ExchangePrices(NAME, clients).quotes([BTC]) == found
    assert asked(served) == 1


def test_what_a_stream_has_left_is_not_asked_for(prices: ExchangePrices, served: Exchange) -> None:
    prices.keep({BTC: quote(49_000)})
    assert prices.quotes([BTC])[BTC].last == 49_000
    assert asked(served) == 0


@pytest.mark.parametrize("age_ms", [FRESH_MS + 1_000, -FRESH_MS - 60_000])
def test_an_old_price_and_one_of_the_future_are_asked_for_again(
    prices: ExchangePrices, served: Exchange, age_ms: int
) -> None:
    prices.keep({BTC: quote(49_000, age_ms)})
    assert prices.quotes([BTC])[BTC].last == 50_000
    assert asked(served) == 1


def test_a_silent_exchange_leaves_the_old_price_and_its_age(prices: ExchangePrices, served: Exchange) -> None:
    prices.keep({BTC: quote(49_000, age_ms=60_000)})
    served.faults.add("status", path=TICKERS, times=None, status=502, done=False)
    found = prices.quotes([BTC, ETH])
    assert found.keys() == {BTC}
    assert 60 <= prices.age_s(found[BTC]) < 70


def test_who_asks_for_prices_is_told_why_there_are_none(prices: ExchangePrices, served: Exchange) -> None:
    served.faults.add("status", path=TICKERS, status=502, done=False)
    with pytest.raises(Unreachable):
        prices.ask([BTC])
    served.faults.add("limited", path=TICKERS, retry_after=30)
    with pytest.raises(RateLimited) as limited:
        prices.ask([BTC])
    assert limited.value.wait_s == 30
    assert prices.quotes([BTC]) == {}, "and nobody asks before the time is over"
    assert asked(served) == 2


def test_a_market_that_is_gone_hides_no_other(prices: ExchangePrices) -> None:
    assert prices.quotes([BTC, "GONE/USDT"]).keys() == {BTC}
    assert prices.quotes(["GONE/USDT"]) == {}


# Without a last price ccxt tells the opening price and the day's change as one.
GARBAGE: list[dict[str, Any]] = [
    {"lastPrice": "0", "openPrice": None},
    {"lastPrice": "-50000"},
    {"lastPrice": "NaN"},
    {"lastPrice": "Infinity"},
    {"lastPrice": "1e40"},
    {"lastPrice": None, "openPrice": None},
    {"lastPrice": "5000000"},
    {"lastPrice": "500"},
    {"bidPrice": "0"},
    {"bidPrice": "-1"},
    {"bidPrice": ""},
    {"askPrice": "NaN"},
    {"askPrice": "5000000"},
    {"bidPrice": "50002", "askPrice": "50001"},
]


@pytest.mark.parametrize("fields", GARBAGE)
@pytest.mark.row(39)
def test_nonsense_is_left_out_and_not_remembered(
    prices: ExchangePrices, served: Exchange, fields: dict[str, Any]
) -> None:
    served.faults.add("rewrite", path=TICKERS, fields=fields)
    assert prices.quotes([BTC]) == {}
    assert prices.quotes([BTC])[BTC].last == 50_000


@pytest.mark.parametrize("last", [500, 5_000_000])
@pytest.mark.row(39)
def test_a_hundredfold_leap_is_left_out_while_the_price_before_is_known(
    prices: ExchangePrices, served: Exchange, last: int
) -> None:
    prices.keep({BTC: quote(50_000, age_ms=60_000)})
    leapt = {"bidPrice": str(last - 1), "askPrice": str(last), "lastPrice": str(last)}
    served.faults.add("rewrite", path=TICKERS, times=None, fields=leapt)
    assert prices.quotes([BTC])[BTC].last == 50_000
    assert prices.ask([BTC]) == {}
    cache.clear()
    assert prices.ask([BTC])[BTC].last == last, "a price that stays so is the price"


def test_a_side_that_is_missing_is_no_quote() -> None:
    whole = {"bid": "1", "ask": "2", "last": "1.5"}
    assert quote_of(whole) is not None
    assert [quote_of(whole | {name: None}) for name in whole] == [None, None, None]
    assert quote_of({}) is None


def test_candles_are_those_of_the_exchange(prices: ExchangePrices, served: Exchange) -> None:
    until = now_ms() // MINUTE * MINUTE - 30 * MINUTE
    candles = prices.candles(ticker=BTC, timeframe="1m", until=until + 5_000, count=20)
    bars = [
        served.ledger.markets["BTCUSDT"].bar(until - back * MINUTE, until - (back - 1) * MINUTE)
        for back in range(20, 0, -1)
    ]
    assert candles.at.tolist() == [bar.opened for bar in bars]
    for name in ("open", "high", "low", "close", "volume"):
        assert getattr(candles, name).tolist() == [float(getattr(bar, name)) for bar in bars]
    assert candles.at.dtype == np.int64


def test_the_candle_that_is_open_is_not_among_them(prices: ExchangePrices) -> None:
    now = now_ms()
    candles = prices.candles(ticker=BTC, timeframe="1h", until=now, count=3)
    assert candles.at[-1] == now // (60 * MINUTE) * 60 * MINUTE - 60 * MINUTE
    assert len(candles) == 3


@pytest.mark.row(38)
def test_a_candle_that_the_exchange_has_open_is_not_taken_for_closed(
    prices: ExchangePrices, served: Exchange
) -> None:
    """Our clock runs ahead: by it the candle has closed."""
    served.skew_ms = -2 * MINUTE
    with pytest.raises(NotYet):
        prices.candles(ticker=BTC, timeframe="1m", until=now_ms(), count=5)


def test_many_candles_come_page_by_page_and_once(prices: ExchangePrices, served: Exchange) -> None:
    until = now_ms() - 60 * MINUTE
    candles = prices.candles(ticker=BTC, timeframe="1m", until=until, count=1_500)
    assert len(candles) == 1_500
    assert (np.diff(candles.at) == MINUTE).all()
    assert asked(served, KLINES) == 2
    again = prices.candles(ticker=BTC, timeframe="1m", until=until, count=1_500)
    assert again is candles
    assert asked(served, KLINES) == 2


def test_the_newest_candle_is_waited_for_a_moment(prices: ExchangePrices, served: Exchange) -> None:
    """Just after its close an exchange may not list it yet; that it does not is not kept."""
    until = now_ms() // MINUTE * MINUTE
    served.skew_ms = until + 1_000 - now_ms()
    prices._masters.master("binance").sync_clock()
    served.faults.add("rows", path=KLINES, times=None, drop=list(range(9, 60)))
    served.faults.add("body", path=KLINES, times=None, text="[]", after=1)
    with pytest.raises(NotYet):
        prices.candles(ticker=BTC, timeframe="1m", until=until, count=10)
    served.faults.clear()
    assert prices.candles(ticker=BTC, timeframe="1m", until=until, count=10).at[-1] == until - MINUTE


def test_a_candle_that_is_never_listed_stood_still(prices: ExchangePrices, served: Exchange) -> None:
    """Nobody traded in it: exchanges leave such a candle out, and files fill it in the same way."""
    until = now_ms() - 60 * MINUTE
    served.faults.add("rows", path=KLINES, drop=[5, *range(9, 60)])
    served.faults.add("body", path=KLINES, text="[]", after=1)
    candles = prices.candles(ticker=BTC, timeframe="1m", until=until, count=10)
    assert len(candles) == 10
    assert (np.diff(candles.at) == MINUTE).all()
    for quiet in (5, 9):
        assert candles.volume[quiet] == 0
        assert candles.high[quiet] == candles.low[quiet] == candles.close[quiet - 1]


def test_rubbish_among_candles_is_left_out(prices: ExchangePrices, served: Exchange) -> None:
    until = now_ms() - 60 * MINUTE
    served.faults.add("rows", path=KLINES, repeat=[2])
    candles = prices.candles(ticker=BTC, timeframe="1m", until=until, count=10)
    assert len(candles) == 10
    assert (np.diff(candles.at) == MINUTE).all()


def test_a_broken_answer_is_no_empty_market(prices: ExchangePrices, served: Exchange) -> None:
    served.faults.add("body", path=KLINES, times=None, text="{}")
    with pytest.raises(Unreachable):
        prices.candles(ticker=BTC, timeframe="1m", until=now_ms(), count=10)
