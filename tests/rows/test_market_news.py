"""Candles with gaps, twice, corrected or not closed; prices that cannot be; books that are empty or crossed
(rows 38–40)."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache

from bots.models import Bot, BotStatus
from orders.gateways.base import NotYet
from orders.gateways.exchange.prices import ExchangePrices
from orders.matching import Quote
from orders.states import OrderStatus
from tests.exchange.market import Level
from tests.gateways.exchange.books import agree, come_to_rest, statuses
from tests.gateways.exchange.conftest import Floor

FILLED, OPEN = OrderStatus.FILLED, OrderStatus.OPEN
KLINES: dict[str, Any] = {"method": "GET", "path": "/api/v3/klines"}
MINUTE_MS, COUNT = 60_000, 40
D = Decimal


def candles(floor: Floor) -> Any:
    until = floor.exchange.now() - 2 * MINUTE_MS
    prices = floor.exchanges.prices["binance"]
    return prices.candles(ticker="BTC/USDT", timeframe="1m", until=until, count=COUNT)


@pytest.mark.row(38)
@pytest.mark.parametrize(
    "fault", [{"repeat": [3, 4, 5, -1]}, {"repeat": [0]}, {"drop": [7, 8]}, {"drop": [0]}], ids=str
)
def test_candles_doubled_or_missing_leave_a_whole_row_of_closed_ones(
    floor: Floor, fault: dict[str, Any]
) -> None:
    whole = candles(floor)
    floor.exchange.faults.add("rows", **KLINES, **fault)
    told = candles(floor)
    steps = np.diff(told.at)
    assert (steps == MINUTE_MS).all(), "no gap and none twice"
    assert len(told) >= COUNT - len(fault.get("drop", ()))
    assert told.at[-1] == whole.at[-1]
    kept = np.isin(whole.at, told.at)
    same = told.close[-kept.sum() :] == whole.close[kept]
    assert same.sum() >= COUNT - len(fault.get("drop", ())) - 1, "what was told is used as it is"


@pytest.mark.row(38)
def test_candles_told_backwards_are_not_taken_for_a_window(floor: Floor) -> None:
    whole = candles(floor)
    floor.exchange.faults.add("rows", **KLINES, backwards=True)
    told = candles(floor)
    assert (np.diff(told.at) == MINUTE_MS).all()
    assert told.at[-1] == whole.at[-1]


@pytest.mark.row(38)
def test_a_candle_corrected_afterwards_is_one_candle_all_the_same(floor: Floor) -> None:
    """A window that was shown stays as it was; whoever has not seen it is shown the correction."""
    prices, elsewhere = (floor.exchanges.prices["binance"] for _ in range(2))
    until = floor.exchange.now() - 2 * MINUTE_MS
    ask: dict[str, Any] = {"ticker": "BTC/USDT", "timeframe": "1m", "until": until, "count": COUNT}
    seen = prices.candles(**ask)
    floor.exchange.ledger.markets["BTCUSDT"].opening += 1000
    assert (prices.candles(**ask).close == seen.close).all()
    corrected = elsewhere.candles(**ask)
    assert (corrected.close != seen.close).any()
    assert (corrected.at == seen.at).all()


@pytest.mark.row(38)
def test_a_candle_that_is_open_is_never_decided_on(floor: Floor) -> None:
    prices = floor.exchanges.prices["binance"]
    told = prices.candles(ticker="BTC/USDT", timeframe="1h", until=floor.exchange.now(), count=2)
    assert told.at[-1] + 60 * MINUTE_MS <= floor.exchange.now()
    with pytest.raises(NotYet):
        prices.candles(ticker="BTC/USDT", timeframe="1m", until=floor.exchange.now() + MINUTE_MS, count=COUNT)


# In the place of 50,000, by the ticker that prices are asked for with.
NONSENSE: list[dict[str, str | None]] = [
    {"lastPrice": "0", "openPrice": None},
    {"lastPrice": "NaN"},
    {"bidPrice": "-1"},
    {"bidPrice": "499", "askPrice": "500", "lastPrice": "500"},
    {"bidPrice": "4999999", "askPrice": "5000000", "lastPrice": "5000000"},
]


@pytest.mark.row(39)
@pytest.mark.parametrize("fields", NONSENSE, ids=str)
def test_a_price_that_cannot_be_neither_buys_nor_stops(floor: Floor, fields: dict[str, str | None]) -> None:
    """A price a hundredth of the one before would be a stop's, if anybody believed it."""
    holding, entering = floor.bot("Holding", stop_loss_pct="2", stop_loss_timeout_s=0), floor.bot("Entering")
    floor.turn(holding)
    sent = len(floor.exchange.oracle.creates)
    nonsense = floor.exchange.faults.add("rewrite", path="/api/v3/ticker/*", times=None, fields=fields)
    price_grows_old(floor)
    for _ in range(3):
        floor.ring(holding, entering)
        floor.turn(holding, entering)
    assert nonsense.struck > 0
    assert len(floor.exchange.oracle.creates) == sent
    assert floor.exchange.ledger.orders[-1].open, "its target rests"
    floor.exchange.faults.clear()
    cache.clear()
    floor.turn(entering)
    come_to_rest(floor)
    assert [statuses(floor, bot) for bot in (holding, entering)] == [[FILLED, OPEN]] * 2
    agree(floor)


def price_grows_old(floor: Floor) -> None:
    """Old enough to be asked for anew, and young enough to be remembered."""
    prices = floor.exchanges.prices["binance"]
    assert isinstance(prices, ExchangePrices)
    old = {
        name: Quote(one.bid, one.ask, one.last, one.at - MINUTE_MS)
        for name, one in prices.remembered(["BTC/USDT"]).items()
    }
    assert old
    prices.keep(old)


BOOKS: dict[str, tuple[list[Level], list[Level]]] = {
    "empty": ([], []),
    "no asks": ([Level(D(49_999))], []),
    "no bids": ([], [Level(D(50_000))]),
    "crossed": ([Level(D(50_100))], [Level(D(49_900))]),
    "far apart": ([Level(D(1))], [Level(D(50_000))]),
}


@pytest.mark.row(40)
@pytest.mark.parametrize("name", BOOKS)
def test_no_order_is_sent_into_a_book_that_cannot_be(floor: Floor, name: str) -> None:
    bot = floor.bot()
    cache.clear()
    bids, asks = BOOKS[name]
    floor.exchange.ledger.set_book("BTCUSDT", bids=bids, asks=asks)
    for _ in range(3):
        floor.ring(bot)
        floor.turn(bot)
    assert floor.exchange.oracle.creates == []
    assert Bot.objects.get(pk=bot.pk).status == BotStatus.ACTIVE, "it waits for a price"
    floor.exchange.ledger.move("BTCUSDT", 50_000)
    floor.turn(bot)
    assert statuses(floor, bot) == [FILLED, OPEN]
    come_to_rest(floor)
    agree(floor)


@pytest.mark.row(40)
def test_a_market_order_into_a_thin_book_books_what_it_got(floor: Floor) -> None:
    bot = floor.bot(max_deals=1)
    bids = [Level(D(49_999))]
    floor.exchange.ledger.set_book("BTCUSDT", bids=bids, asks=[Level(D(50_000), D("0.0007"))])
    floor.turn(bot)
    entry = floor.orders(bot)[0]
    assert entry.filled <= D("0.0007")
    floor.exchange.ledger.move("BTCUSDT", 50_000)
    come_to_rest(floor)
    agree(floor)
