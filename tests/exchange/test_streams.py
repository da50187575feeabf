"""ccxt.pro hears what happens, through the streams and the websocket API."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from decimal import Decimal
from typing import Any, TypeVar

import ccxt
import ccxt.pro
import pytest

from tests.exchange import Exchange
from tests.exchange.hub import Line
from tests.exchange.market import Level
from tests.exchange.orders import Wish
from tests.exchange.routes import SUBSCRIBE

T = TypeVar("T")
D = Decimal
PAIR = "BTC/USDT"
WAIT_S = 5


class Watcher:
    """ccxt.pro on the test exchange."""

    def __init__(self, exchange: Exchange, markets: ccxt.binance) -> None:
        self.exchange = exchange
        self.client = ccxt.pro.binance(exchange.config())
        self.client.set_markets(markets.markets)

    async def hears(self, watching: Coroutine[Any, Any, T], stream: str, when: Callable[[], object]) -> T:
        """What a watch tells of something that happens once it listens to a stream, or "" for Alice's own."""
        task = asyncio.create_task(watching)
        async with asyncio.timeout(WAIT_S):
            while not any(self._listens(line, stream) for line in tuple(self.exchange.hub.lines)):
                await asyncio.wait({task}, timeout=0.002)
                assert not task.done() or task.result()
            await asyncio.sleep(0.01)
            when()
            return await task

    @staticmethod
    def _listens(line: Line, stream: str) -> bool:
        return stream in line.streams if stream else bool(line.users)


@pytest.fixture(scope="module")
def watcher(served: Exchange, markets: ccxt.binance, loop: asyncio.Runner) -> Iterator[Watcher]:
    """One client for the module, for ccxt takes its time to close; it stays connected over all tests."""

    async def opened() -> Watcher:
        return Watcher(served, markets)

    watcher = loop.run(opened())
    yield watcher
    loop.run(watcher.client.close())


def buys(exchange: Exchange, name: str = "one", price: int = 49_000, key: str = "alice-key") -> None:
    exchange.ledger.place(key, Wish("BTCUSDT", "BUY", "LIMIT", name, D("0.01"), D(price)))


def test_an_order_is_heard_of_from_its_birth_to_its_end(
    exchange: Exchange, watcher: Watcher, loop: asyncio.Runner
) -> None:
    async def story() -> None:
        orders = watcher.client.watch_orders
        (born,) = await watcher.hears(orders(PAIR), "", lambda: buys(exchange))
        assert (born["status"], born["clientOrderId"], born["filled"]) == ("open", "one", 0.0)
        (order,) = exchange.ledger.orders
        (part,) = await watcher.hears(orders(PAIR), "", lambda: exchange.ledger.fill(order, D("0.004")))
        assert (part["status"], part["filled"]) == ("open", 0.004)
        (ended,) = await watcher.hears(orders(PAIR), "", lambda: exchange.ledger.cancel(order))
        assert (ended["status"], ended["clientOrderId"], ended["filled"]) == ("canceled", "one", 0.004)

    loop.run(story())


def test_nobody_hears_of_anothers_orders(exchange: Exchange, watcher: Watcher, loop: asyncio.Runner) -> None:
    exchange.ledger.open_account("bob-key", "bob-secret", USDT=1_000)

    def both_buy() -> None:
        buys(exchange, "bobs", key="bob-key")
        buys(exchange, "alices")

    async def story() -> None:
        (heard,) = await watcher.hears(watcher.client.watch_orders("BTC/USDT"), "", both_buy)
        assert heard["clientOrderId"] == "alices"

    loop.run(story())


def test_a_fill_is_heard_of_with_its_fee(exchange: Exchange, watcher: Watcher, loop: asyncio.Runner) -> None:
    async def story() -> None:
        buys(exchange)
        (trade,) = await watcher.hears(
            watcher.client.watch_my_trades(PAIR), "", lambda: exchange.ledger.move("BTCUSDT", 48_000)
        )
        assert (trade["price"], trade["fee"]) == (49_000.0, {"currency": "BTC", "cost": 0.00001})

    loop.run(story())


def test_balances_are_heard_of(exchange: Exchange, watcher: Watcher, loop: asyncio.Runner) -> None:
    async def story() -> None:
        watch = watcher.client.watch_balance
        balance = await watcher.hears(watch(), "", lambda: buys(exchange, price=48_000))
        while balance["USDT"]["used"] != 480.0:  # the first may be the last of the test before
            balance = await asyncio.wait_for(watch(), WAIT_S)
        assert balance["USDT"]["free"] == 99_520.0

    loop.run(story())


def test_the_market_is_heard_of(exchange: Exchange, watcher: Watcher, loop: asyncio.Runner) -> None:
    def moves() -> None:
        exchange.ledger.move("BTCUSDT", 51_000)

    async def story() -> None:
        client = watcher.client
        both = await watcher.hears(client.watch_bids_asks([PAIR, "ETH/USDT"]), "btcusdt@bookTicker", moves)
        assert (both[PAIR]["bid"], both[PAIR]["ask"]) == (50_999.99, 51_000.0)
        ticker = await watcher.hears(client.watch_ticker(PAIR), "btcusdt@miniTicker", moves)
        trades = await watcher.hears(client.watch_trades(PAIR), "btcusdt@trade", moves)
        candles = await watcher.hears(client.watch_ohlcv(PAIR, "1m"), "btcusdt@kline_1m", moves)
        assert (ticker["last"], trades[-1]["price"], candles[-1][4]) == (51_000.0, 51_000.0, 51_000.0)

    loop.run(story())


def test_orders_can_be_placed_through_the_socket(
    exchange: Exchange, watcher: Watcher, loop: asyncio.Runner
) -> None:
    async def story() -> None:
        name = {"clientOrderId": "one"}
        placed = await watcher.client.create_order_ws(PAIR, "limit", "buy", 0.01, 49_000, name)
        found = await watcher.client.fetch_order_ws(placed["id"], PAIR)
        assert (found["status"], found["clientOrderId"]) == ("open", "one")
        with pytest.raises(ccxt.InsufficientFunds):
            await watcher.client.create_order_ws(PAIR, "limit", "buy", 5, 49_000, {})

    loop.run(story())
    assert [seen.outcome for seen in exchange.oracle.creates] == ["done", "refused"]


def test_a_wrong_secret_hears_nothing(
    exchange: Exchange, markets: ccxt.binance, loop: asyncio.Runner
) -> None:
    async def story() -> None:
        stranger = Watcher(exchange, markets)
        stranger.client.secret = "guessed"
        # ccxt 4.5.90 trips over its own clean-up and hides the AuthenticationError.
        with pytest.raises(KeyError, match="spot"):
            await stranger.client.watch_orders(PAIR)
        await stranger.client.close()

    loop.run(story())
    assert [seen.code for seen in exchange.oracle.asked("WS", SUBSCRIBE)] == [-1022]


def test_a_book_that_moved_keeps_nothing_of_the_old_one(
    exchange: Exchange, watcher: Watcher, loop: asyncio.Runner
) -> None:
    async def story() -> None:
        watch, stream = watcher.client.watch_order_book, "btcusdt@depth@100ms"
        await watcher.hears(watch(PAIR), stream, lambda: exchange.ledger.move("BTCUSDT", 51_000))
        thin = [Level(D(51_000), D("0.5")), Level(D(51_001))]
        book = await watcher.hears(
            watch(PAIR), stream, lambda: exchange.ledger.set_book("BTCUSDT", bids=[], asks=thin)
        )
        while book["bids"]:  # the first may still be of the move before
            book = await asyncio.wait_for(watch(PAIR), WAIT_S)
        assert (book["bids"], book["asks"]) == ([], [[51_000.0, 0.5], [51_001.0, 1_000.0]])

    loop.run(story())
