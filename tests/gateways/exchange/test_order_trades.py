"""All trades of an order, whatever else an account has traded, and however long ago it was placed."""

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from requests import PreparedRequest, Response

from orders.gateways.base import Unreachable
from orders.gateways.exchange.spoken import now_ms
from orders.states import OrderStatus
from tests.gateways.exchange.desk import AS_UUID, CLIENT_ID, gateway, order
from tests.gateways.exchange.wire import Wire

DAY_MS = 24 * 3_600_000
MANY = 230
Fields = dict[str, str]


class Server(Wire):
    """Answers each question as `told` does, by its path, its fields and when the test began."""

    def __init__(self, told: Callable[[str, Fields, int], Any]) -> None:
        super().__init__()
        self.told, self.began_ms = told, now_ms()

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        parts = urlsplit(request.url or "")
        body = request.body.decode() if isinstance(request.body, bytes) else request.body
        asked = parse_qs(str(body or parts.query))
        fields = {name: ",".join(values) for name, values in asked.items()}
        self.answers = deque([(200, self.told(str(parts.path), fields, self.began_ms))])
        return super().send(request)

    def asked(self, part: str) -> int:
        return sum(part in request.path for request in self.requests)


def filled(exchange: str, server: Server, age_ms: int = DAY_MS, **fields: Any) -> list[Decimal]:
    """The amounts of the fills of an order that its exchange says has filled, the oldest first."""
    report = gateway(exchange, server, age_ms).lookup(order(**fields))
    assert report is not None
    assert report.status is OrderStatus.FILLED
    return [fill.amount for fill in report.fills]


def times(count: int, began_ms: int) -> list[int]:
    return [began_ms + number for number in range(count)]


def amounts(count: int) -> list[Decimal]:
    """Different ones, so that none takes the place of another."""
    return [Decimal(number + 1) for number in range(count)]


def newest_first(rows: list[Any], until: int, page: int = 100) -> list[Any]:
    """A page of rows, which are the oldest first, before the one numbered `until`."""
    return rows[max(until - page, 0) : until][::-1]


def okx(path: str, fields: Fields, now: int) -> Any:
    if path.endswith("/trade/order"):
        done = {
            "ordId": "O7",
            "clOrdId": CLIENT_ID,
            "state": "filled",
            "accFillSz": "1",
            "instId": "BTC-USDT",
        }
        return {"code": "0", "data": [done]}
    rows = [
        {
            "instId": "BTC-USDT",
            "ordId": "O7",
            "tradeId": str(number),
            "billId": str(10**18 + number),
            "fillSz": str(number + 1),
            "fillPx": "100",
            "side": "buy",
            "ts": str(at),
        }
        for number, at in enumerate(times(MANY, now - DAY_MS // 2))
    ]
    before = int(fields.get("after", 10**18 + MANY)) - 10**18
    return {"code": "0", "data": newest_first(rows, before)}


def test_okx_tells_older_trades_page_by_page() -> None:
    server = Server(okx)
    assert filled("okx", server) == amounts(MANY)
    assert server.asked("fills-history") == 3


def bybit(path: str, fields: Fields, now: int) -> Any:
    """Half of the trades nine days ago, and half today; an answer covers a week."""
    if path.endswith("/order/realtime"):
        return {"retCode": 0, "result": {"list": []}}
    first, half = int(fields["startTime"]), MANY // 2
    if path.endswith("/order/history"):
        done = {"orderId": "B7", "orderLinkId": CLIENT_ID, "orderStatus": "Filled", "cumExecQty": "1"}
        done["createdTime"] = str(now - 10 * DAY_MS)
        found = [{**done, "symbol": "BTCUSDT", "side": "Buy"}] if first <= now <= first + 7 * DAY_MS else []
        return {"retCode": 0, "result": {"list": found}}
    rows = [
        {
            "symbol": "BTCUSDT",
            "orderId": "B7",
            "execId": f"E{number:03}",
            "execQty": str(number + 1),
            "execPrice": "100",
            "side": "Buy",
            "execTime": str(at),
        }
        for number, at in enumerate([*times(half, now - 9 * DAY_MS), *times(MANY - half, now - DAY_MS)])
        if first <= at <= first + 7 * DAY_MS
    ]
    until = int(fields.get("cursor", len(rows)))
    told = newest_first(rows, until)
    cursor = str(until - len(told)) if until > len(told) else ""
    return {"retCode": 0, "result": {"list": told, "nextPageCursor": cursor}}


def test_bybit_tells_a_week_at_a_time() -> None:
    server = Server(bybit)
    assert filled("bybit", server, age_ms=10 * DAY_MS) == amounts(MANY)
    assert server.asked("execution/list") == 4


def coinbase(path: str, fields: Fields, now: int) -> Any:
    if not path.endswith("/fills"):
        done = {"order_id": "C7", "client_order_id": AS_UUID, "status": "FILLED", "filled_size": "1"}
        return {"order": {**done, "product_id": "BTC-USDT", "side": "BUY"}} if path.endswith("/C7") else {}
    rows = [
        {
            "order_id": fields["order_ids"],
            "product_id": "BTC-USDT",
            "trade_id": f"T{number:03}",
            "size": str(number + 1),
            "price": "100",
            "side": "BUY",
            "trade_time": datetime.fromtimestamp(at / 1000, UTC).isoformat().replace("+00:00", "Z"),
        }
        for number, at in enumerate(times(MANY, now - DAY_MS // 2))
    ]
    until = int(fields.get("cursor", MANY))
    told = newest_first(rows, until)
    return {"fills": told, "cursor": str(until - len(told)) if until > len(told) else ""}


def test_coinbase_tells_older_trades_by_a_cursor_and_an_order_by_its_own_id() -> None:
    server = Server(coinbase)
    assert filled("coinbase", server, exchange_order_id="C7") == amounts(MANY)
    assert server.asked("fills") == 3
    assert server.asked("batch") == 0, "an order of long ago is on no page of a list"


def kraken(path: str, fields: Fields, now: int) -> Any:
    ids = [f"T{number:03}" for number in range(25)]
    if path.endswith("/QueryOrders"):
        told = {"pair": "XBTUSDT", "type": "buy", "ordertype": "limit"}
        done = {"status": "closed", "vol_exec": "1", "cl_ord_id": AS_UUID, "descr": told, "trades": ids}
        return {"error": [], "result": {"K7": done}}
    rows = {
        name: {
            "ordertxid": "K7",
            "pair": "XBTUSDT",
            "time": (now - DAY_MS // 2) / 1000 + number,
            "type": "buy",
            "price": "100",
            "vol": str(number + 1),
            "fee": "0",
        }
        for number, name in enumerate(ids)
        if name in fields["txid"].split(",")
    }
    return {"error": [], "result": rows}


def test_kraken_tells_the_trades_that_the_order_names() -> None:
    server = Server(kraken)
    assert filled("kraken", server, exchange_order_id="K7") == amounts(25)
    assert server.asked("TradesHistory") == 0, "its pages know no order"


def test_an_exchange_whose_pages_have_no_end_is_not_asked_for_ever() -> None:
    def endless(path: str, fields: Fields, now: int) -> Any:
        return okx(path, {name: value for name, value in fields.items() if name != "after"}, now)

    server = Server(endless)
    gateway("okx", server, DAY_MS).lookup(order())
    assert server.asked("fills-history") == 20


def test_a_page_that_cannot_be_followed_is_no_answer() -> None:
    def nameless(path: str, fields: Fields, now: int) -> Any:
        told = okx(path, fields, now)
        if path.endswith("fills-history"):
            for row in told["data"]:
                del row["billId"]
        return told

    with pytest.raises(Unreachable, match="bill"):
        gateway("okx", Server(nameless), DAY_MS).lookup(order())
