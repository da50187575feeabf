"""An exchange that streams market by market: each is heard for itself, all on one connection."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from orders.gateways.exchange.streams.drops import Drops
from orders.gateways.exchange.streams.kept import Pace
from orders.gateways.exchange.streams.market import MarketStream
from tests.gateways.exchange.desk import client
from tests.gateways.exchange.ears import BTC, ETH, Recorder
from tests.gateways.exchange.wire import Wire

NAME = "coinbase"
TIMES = 50


class Kept(dict[str, Any]):
    """What has been heard, and how often each market of it was looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.looks: Counter[str] = Counter()

    def get(self, ticker: str, default: Any = None) -> Any:
        self.looks[ticker] += 1
        return super().get(ticker, default)


@dataclass
class Socket:
    """ccxt's end of a connection on which only Bitcoin is traded, so many times, until it breaks."""

    left: int = TIMES
    tickers: Kept = field(default_factory=Kept)
    markets: Mapping[str, Any] = field(default_factory=lambda: {BTC: {}, ETH: {}})

    async def watch_ticker(self, ticker: str, params: Any) -> Any:
        if ticker != BTC:
            await asyncio.Event().wait()
        if not self.left:
            raise ConnectionError
        self.left -= 1
        price = 50_000 + self.left
        self.tickers[BTC] = {"bid": price, "ask": price + 1, "last": price}
        return self.tickers[BTC]


def test_what_comes_of_one_market_is_no_reason_to_look_at_the_others() -> None:
    ear, socket = Recorder(), Socket()
    stream = MarketStream(
        NAME,
        frozenset({BTC, ETH}),
        master=lambda: client(NAME, Wire()),
        overrides={},
        ear=ear,
        drops=Drops(NAME),
        pace=Pace(),
    )
    with pytest.raises(ConnectionError):
        asyncio.run(stream.listen(socket, client(NAME, Wire())))
    assert {ticker for ticker, _ in ear.prices} == {BTC}
    assert [quote.last for _, quote in ear.prices] == [50_000 + left for left in reversed(range(TIMES))]
    assert socket.tickers.looks[ETH] < TIMES / 10
