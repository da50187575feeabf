"""One served exchange for each module, fresh books for each test, and ccxt's own client on it."""

import asyncio
from collections.abc import Iterator

import ccxt
import pytest

from tests.exchange import Exchange


@pytest.fixture(scope="module")
def served() -> Iterator[Exchange]:
    with Exchange.running() as exchange:
        yield exchange


@pytest.fixture
def exchange(served: Exchange) -> Exchange:
    served.reset()
    return served


@pytest.fixture(scope="module")
def markets(served: Exchange) -> Iterator[ccxt.binance]:
    """A client whose loaded markets the others share."""
    client = ccxt.binance(served.config())
    client.load_markets()
    yield client
    client.session.close()


@pytest.fixture
def client(exchange: Exchange, markets: ccxt.binance) -> Iterator[ccxt.binance]:
    """Alice's client, as ccxt ships it."""
    client = ccxt.binance({**exchange.config(), "timeout": 2_000})
    client.set_markets_from_exchange(markets)
    yield client
    client.session.close()


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    """The event loop of a module's asynchronous clients."""
    with asyncio.Runner() as runner:
        yield runner
