"""Words of an exchange that are strange, or mean something else than they seem: no error of ours escapes."""

import base64
import json
from typing import Any

import pytest
from requests import PreparedRequest, Response

from orders.gateways.base import KeyRefused, Permissions, RateLimited, Refused, Unreachable
from orders.gateways.exchange.adapters import ADAPTERS
from orders.gateways.exchange.gateway import ENGINE_MS, LISTS_LAG_MS, MARGIN_MS
from orders.gateways.exchange.spoken import now_ms
from orders.rules import OrderKind
from orders.states import OrderStatus
from tests.gateways.exchange.desk import AS_UUID, CLIENT_ID, client, gateway, order
from tests.gateways.exchange.wire import Wire

HOUR_MS = 3_600_000
TIME = "/api/v3/time"
FILLED = {"symbol": "BTCUSDT", "orderId": 7, "clientOrderId": CLIENT_ID, "status": "FILLED", "side": "BUY"}


def test_what_is_not_found_where_no_order_was_asked_for_is_no_answer() -> None:
    done = {"order_id": "C7", "client_order_id": AS_UUID, "status": "FILLED", "filled_size": "0.01"}
    order_found = (200, {"order": {**done, "product_id": "BTC-USDT", "side": "BUY"}})
    wire = Wire(order_found, (404, {"error": "NOT_FOUND", "message": "no fills"}))
    with pytest.raises(Unreachable, match="no fills"):
        gateway("coinbase", wire).lookup(order(exchange_order_id="C7"))


def test_an_order_that_is_asked_for_and_not_found_is_absent() -> None:
    wire = Wire((404, {"error": "NOT_FOUND", "message": "no such order"}))
    assert gateway("coinbase", wire).lookup(order(exchange_order_id="C7")) is None


@pytest.mark.parametrize("told", [{"nothing": 1}, {"serverTime": "soon"}])
def test_a_clock_that_tells_no_time_is_no_answer(told: Any) -> None:
    with pytest.raises(Unreachable):
        client("binance", Wire((200, told))).sync_clock()


class Impatient(Wire):
    """Too many requests, and how long to wait told in its own way."""

    def __init__(self, wait: str) -> None:
        super().__init__((429, {"code": -1003, "msg": "Too many requests."}))
        self.wait = wait

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        answer = super().send(request)
        answer.headers["Retry-After"] = self.wait
        return answer


@pytest.mark.parametrize(
    ("told", "wait_s"), [("7", 7), ("nan", 60), ("Wed, 21 Oct 2026 07:28:00 GMT", 60), ("", 60), ("-5", 0)]
)
def test_a_wait_that_cannot_be_is_not_told(told: str, wait_s: float) -> None:
    with pytest.raises(RateLimited) as limited:
        client("binance", Impatient(told)).ask(lambda ccxt: ccxt.fetch_time())
    assert limited.value.wait_s == wait_s


def test_a_purchase_at_market_is_not_sent_where_nobody_tells_what_is_asked() -> None:
    wire = Wire((200, {"trades": [], "best_bid": "100", "best_ask": ""}))
    with pytest.raises(Refused, match="not sent"):
        gateway("coinbase", wire).create(order(OrderKind.MARKET))
    assert {sent.method for sent in wire.requests} == {"GET"}


def test_an_order_of_a_time_that_cannot_be_is_no_answer() -> None:
    wire = Wire((200, {**FILLED, "updateTime": 10**18, "time": 10**18}))
    with pytest.raises(Unreachable, match="time"):
        gateway("binance", wire).lookup(order())


def signed_at(wire: Wire) -> dict[str, Any]:
    """What the token of the last request says of when it is good."""
    token = wire.requests[-1].headers["Authorization"].split(".")[1]
    said: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    return said


def test_a_token_is_good_by_the_exchanges_clock() -> None:
    wire = Wire((200, {"orders": []}))
    asked = client("coinbase", wire)
    asked.ccxt.offset_ms = HOUR_MS
    asked.ask(lambda ccxt: ccxt.fetch_open_orders("BTC/USDT"), rows=True)
    assert abs(signed_at(wire)["nbf"] - (now_ms() + HOUR_MS) // 1000) <= 1


# How long after it has left an exchange takes a request in, in ms: a receive window, the age of a signature.
GOOD_MS = {"bybit": 5_000, "okx": 30_000, "coinbase": 120_000}


@pytest.mark.parametrize("exchange", GOOD_MS)
def test_an_order_is_not_given_up_while_its_signature_is_good(exchange: str) -> None:
    lag_ms = 0 if ADAPTERS[exchange].find else LISTS_LAG_MS
    over_ms = 5_000 + GOOD_MS[exchange] + ENGINE_MS + MARGIN_MS + lag_ms
    nothing = {"code": "0", "data": [], "retCode": 0, "result": {"list": []}, "orders": []}
    lost = order(status=OrderStatus.UNKNOWN, absences=3)
    now = lost.planned_at
    wire = Wire((200, nothing))
    assert not gateway(exchange, wire, over_ms - 1).surely_not_placed(lost, now)
    assert wire.requests == [], "before that no list proves anything"
    assert gateway(exchange, wire, over_ms).surely_not_placed(lost, now)


@pytest.mark.parametrize(
    ("status", "body", "wait_s"),
    [(403, "access too frequent", 60), (200, {"retCode": 10009, "retMsg": "IP has been banned."}, 60)],
)
def test_bybit_is_left_alone_once_it_has_banned_the_address(status: int, body: Any, wait_s: float) -> None:
    wire = Wire((status, body))
    place = gateway("bybit", wire)
    with pytest.raises(RateLimited) as limited:
        place.create(order())
    assert limited.value.wait_s == wait_s
    with pytest.raises(RateLimited):
        place.lookup(order())
    assert len(wire.requests) == 1


def test_a_spot_key_of_bybit_that_has_expired_is_refused() -> None:
    wire = Wire((200, {"retCode": -2015, "retMsg": "Your api key has expired."}))
    with pytest.raises(KeyRefused):
        gateway("bybit", wire).create(order())


def test_a_key_of_kraken_that_only_reads_trades_may_not_trade() -> None:
    told = {"permissions": ["query-funds", "query-open-trades", "query-closed-trades"], "ipAllowlist": []}
    made = client("kraken", Wire((200, {"error": [], "result": told})))
    assert made.ask(ADAPTERS["kraken"].permissions) == Permissions(False, False, False, False)
