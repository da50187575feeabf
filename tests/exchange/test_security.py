"""Keys, signatures, time and limits are kept as Binance keeps them."""

from collections.abc import Iterator
from http.client import HTTPConnection

import ccxt
import pytest

from tests.exchange import Exchange

PAIR = "BTC/USDT"


@pytest.fixture
def wire(exchange: Exchange) -> Iterator[HTTPConnection]:
    """A bare connection, for what ccxt would never send."""
    connection = HTTPConnection(exchange.url.removeprefix("http://"))
    yield connection
    connection.close()


def asked(wire: HTTPConnection, path: str, method: str = "GET", key: str = "") -> tuple[int, str]:
    wire.request(method, path, headers={"X-MBX-APIKEY": key} if key else {})
    answer = wire.getresponse()
    return answer.status, answer.read().decode()


def test_a_wrong_secret_is_noticed(client: ccxt.binance) -> None:
    client.secret = "guessed"
    with pytest.raises(ccxt.AuthenticationError, match="-1022"):
        client.fetch_balance()


def test_an_unknown_key_and_no_key_are_told_apart(client: ccxt.binance, wire: HTTPConnection) -> None:
    client.apiKey = "somebody"
    with pytest.raises(ccxt.AuthenticationError, match="-2015"):
        client.fetch_balance()
    status, told = asked(wire, "/api/v3/account?timestamp=1&signature=x")
    assert (status, "-2014" in told) == (401, True)


def test_a_key_revoked_in_the_middle_looks_like_a_flood_to_ccxt(
    exchange: Exchange, client: ccxt.binance
) -> None:
    client.fetch_balance()
    exchange.alice.revoked = True
    with pytest.raises(ccxt.DDoSProtection, match="-2015"):
        client.fetch_balance()


@pytest.mark.parametrize(
    ("skew_ms", "words"),
    [(20_000, "outside of the recvWindow"), (-20_000, "ahead of the server's time")],
)
def test_a_clock_that_is_off_is_refused(
    exchange: Exchange, client: ccxt.binance, skew_ms: int, words: str
) -> None:
    exchange.skew_ms = skew_ms
    with pytest.raises(ccxt.InvalidNonce, match=words):
        client.fetch_balance()
    client.load_time_difference()
    client.options["adjustForTimeDifference"] = True
    assert client.fetch_balance()["USDT"]["free"] == 100_000.0


def test_a_request_can_be_given_the_time_it_was_meant_for(exchange: Exchange, client: ccxt.binance) -> None:
    claimed = exchange.now() - 900
    params = {"clientOrderId": "late", "timestamp": claimed, "recvWindow": 500}
    with pytest.raises(ccxt.InvalidNonce, match="-1021"):
        client.create_order(PAIR, "limit", "buy", 0.01, 49_000, params)
    assert exchange.ledger.orders == []


def test_a_flood_is_slowed_and_then_banned(exchange: Exchange, client: ccxt.binance) -> None:
    exchange.limits.weight_max, exchange.limits.patience = 40, 1
    client.fetch_balance()
    assert client.last_response_headers["X-Mbx-Used-Weight-1m"] == "20"
    client.fetch_balance()
    with pytest.raises(ccxt.DDoSProtection, match=r" 429 .*-1003"):
        client.fetch_balance()
    assert 1 <= int(client.last_response_headers["Retry-After"]) <= 60
    with pytest.raises(ccxt.DDoSProtection, match=r" 418 .*banned until"):
        client.fetch_balance()
    with pytest.raises(ccxt.DDoSProtection, match=r" 418 "):
        client.fetch_time()


def test_too_many_orders_are_refused(exchange: Exchange, client: ccxt.binance) -> None:
    exchange.limits.orders_max = 1
    client.create_order(PAIR, "market", "buy", 0.001)
    assert client.last_response_headers["X-Mbx-Order-Count-10s"] == "1"
    with pytest.raises(ccxt.DDoSProtection, match="-1015"):
        client.create_order(PAIR, "market", "buy", 0.001)


def test_a_doubled_parameter_and_an_unknown_path_are_errors(wire: HTTPConnection) -> None:
    status, told = asked(wire, "/api/v3/ticker/price?symbol=BTCUSDT&symbol=ETHUSDT")
    assert (status, "-1101" in told) == (400, True)
    assert asked(wire, "/api/v3/nowhere")[0] == 404


def test_the_time_needs_no_key(wire: HTTPConnection) -> None:
    status, told = asked(wire, "/api/v3/time")
    assert (status, told.startswith('{"serverTime":')) == (200, True)
