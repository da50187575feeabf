"""Without any override ccxt takes the test exchange for Binance itself, and its errors for Binance's."""

import asyncio
from collections.abc import Iterator

import ccxt
import ccxt.pro
import pytest

from tests.exchange import Exchange
from tests.exchange.certificates import Authority

BUY = ("BTC/USDT", "limit", "buy", 0.01, 49_000)
SPOT = {"fetchMarkets": {"types": ["spot"]}}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.made_in(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def exchange(authority: Authority) -> Iterator[Exchange]:
    with Exchange.running(tls=authority.context) as exchange:
        yield exchange


@pytest.fixture
def keys(exchange: Exchange) -> dict[str, object]:
    return {"apiKey": exchange.alice.key, "secret": exchange.alice.secret, "options": SPOT}


@pytest.fixture
def client(exchange: Exchange, authority: Authority, keys: dict[str, object]) -> Iterator[ccxt.binance]:
    """It trusts our authority: ccxt hands `validateServerSsl` to the session, which takes a file, too."""
    trust = {"validateServerSsl": str(authority.ca_file)}
    client = ccxt.binance({**keys, **trust, "httpsProxy": exchange.doorway})
    yield client
    client.session.close()


def test_the_real_addresses_lead_here(exchange: Exchange, client: ccxt.binance) -> None:
    assert client.urls["api"]["private"] == "https://api.binance.com/api/v3"
    assert client.create_order(*BUY, {"clientOrderId": "one"})["status"] == "open"
    assert [order.client_id for order in exchange.ledger.orders] == ["one"]


def test_an_overload_is_told_by_the_real_address_only(exchange: Exchange, client: ccxt.binance) -> None:
    exchange.faults.add("code", method="POST", code=-1008)
    with pytest.raises(ccxt.OperationFailed, match="-1008"):
        client.create_order(*BUY, {"clientOrderId": "two"})


def test_no_other_host_is_reached_through_the_doorway(client: ccxt.binance) -> None:
    client.urls["api"]["public"] = "https://api.example.org/api/v3"
    with pytest.raises(ccxt.NetworkError):
        client.fetch_time()


def test_the_streams_lead_here_too(exchange: Exchange, authority: Authority, keys: dict[str, object]) -> None:
    async def story() -> float:
        proxies = {"httpsProxy": exchange.doorway, "wssProxy": exchange.doorway}
        client = ccxt.pro.binance({**keys, **proxies, "cafile": str(authority.ca_file)})
        await client.load_markets()
        task = asyncio.create_task(client.watch_ticker("BTC/USDT"))
        async with asyncio.timeout(5):
            while not any("btcusdt@miniTicker" in line.streams for line in tuple(exchange.hub.lines)):
                await asyncio.sleep(0.002)
            exchange.ledger.move("BTCUSDT", 51_000)
            last: float = (await task)["last"]
        await client.close()
        return last

    assert asyncio.run(story()) == 51_000.0
