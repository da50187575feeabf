"""What an answer to an order proves: refused by the exchange's own codes alone, placed by name alone."""

from typing import Any

import pytest

from orders.gateways.base import GatewayError, KeyRefused, RateLimited, Refused, Unreachable
from orders.states import OrderStatus
from tests.gateways.exchange.desk import AS_UUID, CLIENT_ID, gateway, order
from tests.gateways.exchange.wire import Wire

TAKEN = {"symbol": "BTCUSDT", "orderId": 7, "clientOrderId": CLIENT_ID, "transactTime": 1_700_000_000_000}
OPEN = {
    **TAKEN,
    "status": "NEW",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "price": "100.50",
    "origQty": "0.01",
    "executedQty": "0.00",
    "cummulativeQuoteQty": "0.00",
    "fills": [],
}
NOT_FOUND = (400, {"code": -2013, "msg": "Order does not exist."})

# Each said by binance after the order may have reached it.
PROVES_NOTHING: list[tuple[int, Any]] = [
    (200, ""),
    (200, {}),
    (200, []),
    (200, "null"),
    (200, '{"orderId": 7, "clientOr'),
    (200, "<html>try later</html>"),
    (200, {**OPEN, "clientOrderId": "another"}),
    (200, {**OPEN, "orderId": None}),
    (400, "bad request"),
    (400, {"code": -2010, "msg": "Duplicate order sent."}),
    (400, {"code": -9999, "msg": "A code nobody has written down."}),
    (403, "<html>firewall</html>"),
    (404, {"code": -1013, "msg": "Filter failure: but under another status"}),
    (409, "conflict"),
    (451, "unavailable"),
    (500, "down"),
    (502, "bad gateway"),
    (503, {"code": -1000, "msg": "Unknown error, please check your request or try again later."}),
    (504, {"code": -1007, "msg": "Timeout waiting for response from backend server."}),
    (400, {"code": -1001, "msg": "Internal error."}),
    (400, {"code": -1006, "msg": "Unexpected response."}),
    (400, {"code": -1008, "msg": "Request throttled by system-level protection."}),
    (524, "a timeout occurred"),
]


@pytest.mark.parametrize("answer", PROVES_NOTHING)
def test_an_answer_that_proves_nothing_leads_to_a_look(answer: tuple[int, Any]) -> None:
    wire = Wire(answer, NOT_FOUND)
    with pytest.raises(Unreachable):
        gateway("binance", wire).create(order())
    assert [sent.method for sent in wire.requests] == ["POST", "GET"]


@pytest.mark.parametrize("answer", PROVES_NOTHING)
def test_an_order_that_is_found_at_once_was_placed(answer: tuple[int, Any]) -> None:
    report = gateway("binance", Wire(answer, (200, OPEN))).create(order())
    assert (report.client_id, report.status, report.exchange_order_id) == (CLIENT_ID, OrderStatus.OPEN, "7")


def test_a_status_that_nobody_knows_leaves_the_order_unknown() -> None:
    report = gateway("binance", Wire((200, {**OPEN, "status": "TRADE_PREVENTION"}))).create(order())
    assert (report.status, report.exchange_order_id) == (OrderStatus.UNKNOWN, "7")


REFUSALS: list[tuple[str, int, Any, str]] = [
    ("binance", 400, {"code": -1013, "msg": "Filter failure: NOTIONAL"}, "NOTIONAL"),
    ("binance", 400, {"code": -1021, "msg": "Timestamp for this request is outside"}, "Timestamp"),
    ("binance", 400, {"code": -1121, "msg": "Invalid symbol."}, "Invalid symbol"),
    ("binance", 400, {"code": -2010, "msg": "Account has insufficient balance"}, "insufficient"),
    (
        "binance",
        401,
        {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."},
        "Invalid API-key",
    ),
    ("bybit", 200, {"retCode": 170131, "retMsg": "Insufficient balance."}, "Insufficient"),
    ("bybit", 200, {"retCode": 10003, "retMsg": "API key is invalid."}, "invalid"),
    ("okx", 200, {"code": "1", "data": [{"sCode": "51008", "sMsg": "Insufficient balance"}]}, "Insufficient"),
    ("kraken", 200, {"error": ["EOrder:Insufficient funds"]}, "Insufficient funds"),
    ("kraken", 200, {"error": ["EGeneral:Invalid arguments:volume"]}, "Invalid arguments"),
    (
        "coinbase",
        200,
        {"success": False, "error_response": {"error": "INSUFFICIENT_FUND"}},
        "INSUFFICIENT_FUND",
    ),
]


@pytest.mark.parametrize(("exchange", "status", "body", "words"), REFUSALS)
def test_an_exchanges_own_code_refuses(exchange: str, status: int, body: Any, words: str) -> None:
    with pytest.raises((Refused, KeyRefused), match=words):
        gateway(exchange, Wire((status, body), (200, {}))).create(order())


@pytest.mark.parametrize(("exchange", "status", "body", "words"), REFUSALS)
def test_the_same_code_under_another_status_refuses_nothing(
    exchange: str, status: int, body: Any, words: str
) -> None:
    with pytest.raises(GatewayError) as raised:
        gateway(exchange, Wire((502, body), (502, "down"))).create(order())
    assert not isinstance(raised.value, Refused | KeyRefused)


ACCEPTED: list[tuple[str, Any, str]] = [
    ("binance", OPEN, "7"),
    ("bybit", {"retCode": 0, "retMsg": "OK", "result": {"orderId": "B7", "orderLinkId": CLIENT_ID}}, "B7"),
    ("okx", {"code": "0", "data": [{"ordId": "O7", "clOrdId": CLIENT_ID, "sCode": "0"}]}, "O7"),
    (
        "coinbase",
        {"success": True, "success_response": {"order_id": "C7", "client_order_id": AS_UUID, "side": "BUY"}},
        "C7",
    ),
]


@pytest.mark.parametrize(("exchange", "body", "order_id"), ACCEPTED)
def test_an_answer_that_names_the_order_is_an_answer(exchange: str, body: Any, order_id: str) -> None:
    wire = Wire((200, body))
    report = gateway(exchange, wire).create(order())
    assert (report.client_id, report.status, report.exchange_order_id) == (
        CLIENT_ID,
        OrderStatus.OPEN,
        order_id,
    )
    assert len(wire.requests) == 1


@pytest.mark.parametrize("status", [418, 429])
def test_too_many_requests_say_how_long_to_wait(status: int) -> None:
    wire = Wire((status, {"code": -1003, "msg": "Way too much request weight used."}))
    with pytest.raises(RateLimited) as raised:
        gateway("binance", wire).create(order())
    assert raised.value.wait_s == 60
    assert len(wire.requests) == 1, "no more requests while the exchange wants none"


def test_no_sentence_holds_a_part_of_the_key() -> None:
    body = {"code": -2015, "msg": "Invalid API-key key-of-the-tests-key"}
    with pytest.raises(KeyRefused) as raised:
        gateway("binance", Wire((401, body))).create(order())
    assert "key-of-the-tests-key" not in str(raised.value)


@pytest.mark.parametrize("answer", [(200, {}), (200, "null"), (200, "<html>"), (500, "down"), (200, '{"a')])
def test_a_broken_answer_to_a_question_is_not_the_answer_no(answer: tuple[int, Any]) -> None:
    for exchange in ("binance", "bybit", "okx", "kraken", "coinbase"):
        with pytest.raises(Unreachable):
            gateway(exchange, Wire(answer)).lookup(order())
