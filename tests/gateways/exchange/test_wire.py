"""What leaves for each proven exchange, to the field: an upgrade of ccxt must not change it unseen."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import SANDBOX_OF
from bots.backtest.request import STOPS_REST_ON
from orders.gateways.base import GatewayError, Refused
from orders.gateways.exchange.adapters import ADAPTERS, SOURCES
from orders.gateways.exchange.spoken import now_ms
from orders.rules import OrderKind, Side
from tests.gateways.exchange.desk import AS_UUID, CLIENT_ID, client, gateway, order
from tests.gateways.exchange.wire import Request, Wire

# Different in every request; the window of an order's life is looked at apart.
OF_THE_MOMENT = frozenset({"timestamp", "signature", "nonce", "deadline", "startTime", "begin", "start"})
OF_THE_MOMENT_ONLY_COINBASE = frozenset({"start_date", "start_sequence_timestamp"})
BUY, SELL = Side
LIMIT, MARKET, IOC = OrderKind.LIMIT, OrderKind.MARKET, OrderKind.IOC

BINANCE = {
    "symbol": "BTCUSDT",
    "newClientOrderId": CLIENT_ID,
    "newOrderRespType": "FULL",
    "recvWindow": "5000",
}
BYBIT = {"symbol": "BTCUSDT", "category": "spot", "orderLinkId": CLIENT_ID, "qty": "0.01"}
OKX = {"instId": "BTC-USDT", "clOrdId": CLIENT_ID, "tdMode": "cash", "tgtCcy": "base_ccy", "sz": "0.01"}
KRAKEN = {"pair": "XBTUSDT", "cl_ord_id": AS_UUID, "volume": "0.01"}
COINBASE = {"client_order_id": AS_UUID, "product_id": "BTC-USDT"}


def coinbase_limit(kind: str, **more: Any) -> dict[str, Any]:
    return {"order_configuration": {kind: {"base_size": "0.01", "limit_price": "100.5", **more}}}


CREATIONS: list[tuple[str, Side, OrderKind, bool, dict[str, Any]]] = [
    ("binance", BUY, LIMIT, False, {**BINANCE, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}),
    ("binance", SELL, LIMIT, True, {**BINANCE, "side": "SELL", "type": "LIMIT_MAKER"}),
    ("binance", SELL, IOC, False, {**BINANCE, "side": "SELL", "type": "LIMIT", "timeInForce": "IOC"}),
    ("binance", BUY, MARKET, False, {**BINANCE, "side": "BUY", "type": "MARKET"}),
    ("bybit", BUY, LIMIT, False, {**BYBIT, "side": "Buy", "orderType": "Limit", "price": "100.5"}),
    (
        "bybit",
        SELL,
        LIMIT,
        True,
        {**BYBIT, "side": "Sell", "orderType": "Limit", "price": "100.5", "timeInForce": "PostOnly"},
    ),
    (
        "bybit",
        SELL,
        IOC,
        False,
        {**BYBIT, "side": "Sell", "orderType": "Limit", "price": "100.5", "timeInForce": "IOC"},
    ),
    ("bybit", BUY, MARKET, False, {**BYBIT, "side": "Buy", "orderType": "Market", "marketUnit": "baseCoin"}),
    ("okx", BUY, LIMIT, False, {**OKX, "side": "buy", "ordType": "limit", "px": "100.5"}),
    ("okx", SELL, LIMIT, True, {**OKX, "side": "sell", "ordType": "post_only", "px": "100.5"}),
    ("okx", SELL, IOC, False, {**OKX, "side": "sell", "ordType": "ioc", "px": "100.5"}),
    ("okx", BUY, MARKET, False, {**OKX, "side": "buy", "ordType": "market"}),
    ("kraken", BUY, LIMIT, False, {**KRAKEN, "type": "buy", "ordertype": "limit", "price": "100.5"}),
    (
        "kraken",
        SELL,
        LIMIT,
        True,
        {**KRAKEN, "type": "sell", "ordertype": "limit", "price": "100.5", "oflags": "post"},
    ),
    (
        "kraken",
        SELL,
        IOC,
        False,
        {**KRAKEN, "type": "sell", "ordertype": "limit", "price": "100.5", "timeinforce": "IOC"},
    ),
    ("kraken", BUY, MARKET, False, {**KRAKEN, "type": "buy", "ordertype": "market"}),
    (
        "coinbase",
        BUY,
        LIMIT,
        False,
        {**COINBASE, "side": "BUY", **coinbase_limit("limit_limit_gtc", post_only=False)},
    ),
    (
        "coinbase",
        SELL,
        LIMIT,
        True,
        {**COINBASE, "side": "SELL", **coinbase_limit("limit_limit_gtc", post_only=True)},
    ),
    ("coinbase", SELL, IOC, False, {**COINBASE, "side": "SELL", **coinbase_limit("sor_limit_ioc")}),
    (
        "coinbase",
        SELL,
        MARKET,
        False,
        {**COINBASE, "side": "SELL", "order_configuration": {"market_market_ioc": {"base_size": "0.01"}}},
    ),
]


def steady(request: Request) -> dict[str, Any]:
    gone = OF_THE_MOMENT | OF_THE_MOMENT_ONLY_COINBASE
    return {name: value for name, value in request.fields.items() if name not in gone}


@pytest.mark.parametrize(("exchange", "side", "kind", "post_only", "fields"), CREATIONS)
def test_an_order_leaves_as_its_exchange_reads_it(
    exchange: str, side: Side, kind: OrderKind, post_only: bool, fields: dict[str, Any]
) -> None:
    wire = Wire()
    with pytest.raises(GatewayError):  # an empty answer says nothing
        gateway(exchange, wire).create(order(kind, side, post_only=post_only))
    sent = wire.requests[0]
    if exchange == "binance" and kind is not MARKET:
        fields = {**fields, "price": "100.5"}
    if exchange == "binance":
        fields = {**fields, "quantity": "0.01"}
    assert (sent.method, sent.host) == ("POST", sorted(ADAPTERS[exchange].hosts)[0])
    assert steady(sent) == fields


def test_a_stop_for_binance_leaves_with_its_trigger_its_limit_and_our_id() -> None:
    wire = Wire()
    with pytest.raises(GatewayError):
        gateway("binance", wire).create(order(OrderKind.STOP, SELL, trigger=Decimal("105.000")))
    sent = wire.requests[0]
    assert (sent.method, sent.host, sent.path) == ("POST", "api.binance.com", "/api/v3/order")
    assert steady(sent) == {
        **BINANCE,
        "side": "SELL",
        "type": "STOP_LOSS_LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.01",
        "price": "100.5",
        "stopPrice": "105",
    }


@pytest.mark.parametrize("exchange", sorted(name for name, row in ADAPTERS.items() if row.stop is None))
def test_where_no_stops_are_sent_none_leaves(exchange: str) -> None:
    wire = Wire()
    with pytest.raises(Refused, match="no stop-limit orders"):
        gateway(exchange, wire).create(order(OrderKind.STOP, SELL, trigger=Decimal(105)))
    assert wire.requests == []


def test_stops_are_taken_only_where_they_can_be_sent() -> None:
    """An exchange that sends none has no market of which we would say that it rests them."""
    assert {name for name, row in ADAPTERS.items() if row.stop is not None} == {"binance"}
    assert {name.removesuffix(SANDBOX_OF) for name in STOPS_REST_ON} == {"binance"}
    told = {"info": {"orderTypes": ["STOP_LOSS_LIMIT"]}}
    assert {name for name, row in SOURCES.items() if row.takes_stops(told)} == {"binance"}


@pytest.mark.parametrize("exchange", ADAPTERS)
def test_an_order_leaves_once(exchange: str) -> None:
    wire = Wire((500, "down"))
    with pytest.raises(GatewayError):
        gateway(exchange, wire).create(order())
    first = wire.requests[0]
    assert [sent.path for sent in wire.requests if sent.method == "POST"].count(first.path) == 1


def test_an_order_for_binance_names_the_moment_it_was_claimed() -> None:
    """So a worker that slept on it is refused by the exchange itself."""
    wire, before = Wire(), now_ms()
    with pytest.raises(GatewayError):
        gateway("binance", wire, age_ms=2_000).create(order())
    told = int(wire.requests[0].fields["timestamp"])
    assert before - 2_000 <= told <= now_ms() - 2_000


@pytest.mark.parametrize("exchange", ADAPTERS)
def test_an_order_that_was_held_up_for_too_long_does_not_leave(exchange: str) -> None:
    wire = Wire()
    with pytest.raises(Refused, match="held up"):
        gateway(exchange, wire, age_ms=6_000).create(order())
    assert wire.requests == []


def test_an_order_for_kraken_has_a_deadline() -> None:
    wire = Wire()
    with pytest.raises(GatewayError):
        gateway("kraken", wire).create(order())
    assert "T" in wire.requests[0].fields["deadline"]


LOOKUPS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "binance": [
        ("/api/v3/order", {"symbol": "BTCUSDT", "origClientOrderId": CLIENT_ID, "recvWindow": "10000"}),
    ],
    "bybit": [("/v5/order/realtime", {"symbol": "BTCUSDT", "category": "spot", "orderLinkId": CLIENT_ID})],
    "okx": [("/api/v5/trade/order", {"instId": "BTC-USDT", "clOrdId": CLIENT_ID})],
    "kraken": [("/0/private/OpenOrders", {"cl_ord_id": AS_UUID})],
    "coinbase": [
        (
            "/api/v3/brokerage/orders/historical/batch",
            {"order_status": "OPEN", "product_id": "BTC-USDT", "limit": "100"},
        )
    ],
}


@pytest.mark.parametrize("exchange", ADAPTERS)
def test_an_order_is_asked_for_by_our_id(exchange: str) -> None:
    wire = Wire()
    with pytest.raises(GatewayError):
        gateway(exchange, wire).lookup(order())
    assert [(sent.path, steady(sent)) for sent in wire.requests] == LOOKUPS[exchange]


CANCELS = {
    "binance": ("DELETE", "/api/v3/order", {"symbol": "BTCUSDT", "orderId": "X1", "recvWindow": "10000"}),
    "bybit": (
        "POST",
        "/v5/order/cancel",
        {"symbol": "BTCUSDT", "category": "spot", "orderFilter": "Order", "orderId": "X1"},
    ),
    "okx": ("POST", "/api/v5/trade/cancel-order", {"instId": "BTC-USDT", "ordId": "X1"}),
    "kraken": ("POST", "/0/private/CancelOrder", {"txid": "X1"}),
    "coinbase": ("POST", "/api/v3/brokerage/orders/batch_cancel", {"order_ids": ["X1"]}),
}


@pytest.mark.parametrize("exchange", ADAPTERS)
def test_a_cancel_names_the_exchanges_own_id(exchange: str) -> None:
    wire = Wire()
    with pytest.raises(GatewayError):
        gateway(exchange, wire).cancel(order(exchange_order_id="X1"))
    first = wire.requests[0]
    assert (first.method, first.path, steady(first)) == CANCELS[exchange]


@pytest.mark.parametrize("exchange", ADAPTERS)
def test_no_request_leaves_for_a_host_that_nobody_named(exchange: str) -> None:
    wire = Wire()
    lost = client(exchange, wire)
    lost.ccxt.hosts = frozenset({"elsewhere.example"})
    with pytest.raises(GatewayError, match="has no such question here"):
        lost.ask(lambda ccxt: ccxt.fetch_balance())
    assert wire.requests == []


def test_a_sandbox_account_speaks_to_the_sandbox() -> None:
    wire = Wire()
    with pytest.raises(GatewayError):
        client("binance", wire, "sandbox").ask(lambda ccxt: ccxt.fetch_balance())
    assert wire.requests[0].host == "testnet.binance.vision"


def test_an_operators_addresses_take_the_place_of_the_exchanges_own() -> None:
    wire = Wire()
    urls = {"api": {"private": "http://127.0.0.1:9/api/v3", "public": "http://127.0.0.1:9/api/v3"}}
    for environment in ("live", "sandbox"):
        with pytest.raises(GatewayError):
            client("binance", wire, environment, urls=urls).ask(lambda ccxt: ccxt.fetch_balance())
    assert {sent.host for sent in wire.requests} == {"127.0.0.1:9"}
