"""What ccxt makes of each fault: its exception does not tell whether the order exists.

Both clients are asked, for they differ: the one with requests says NetworkError or ExchangeError where the
one with aiohttp says ExchangeNotAvailable or nothing at all.
"""

import asyncio
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import ccxt
import ccxt.async_support
import pytest

from tests.exchange import Exchange
from tests.waiting import until

D = Decimal
PAIR, ORDER = "BTC/USDT", "/api/v3/order"
ALICE = "alice-key"
NOTHING = "an order without an id"


class Case:
    """An effect, what the two clients say of it, and whether the order was placed."""

    def __init__(
        self, says: object, effect: str, *, aio: object = None, placed: bool = True, **options: Any
    ) -> None:
        self.says, self.aio, self.placed = says, says if aio is None else aio, placed
        self.effect, self.options = effect, options


def refusal(code: int, says: object, **options: Any) -> Case:
    return Case(says, "code", placed=False, code=code, **options)


CASES = {
    "no answer": Case(ccxt.RequestTimeout, "drop_answer", ending="hang"),
    "closed": Case(ccxt.NetworkError, "drop_answer", aio=ccxt.ExchangeNotAvailable),
    "reset": Case(ccxt.NetworkError, "drop_answer", aio=ccxt.ExchangeNotAvailable, ending="reset"),
    "never arrived": Case(
        ccxt.NetworkError, "drop_request", aio=ccxt.ExchangeNotAvailable, placed=False, ending="reset"
    ),
    "truncated": Case(ccxt.NetworkError, "drop_answer", aio=ccxt.ExchangeError, ending="cut"),
    "bad chunk": Case(ccxt.NetworkError, "drop_answer", aio=ccxt.ExchangeError, ending="broken"),
    "200 html": Case(NOTHING, "body", text="<html></html>", content_type="text/html"),
    "200 empty": Case(NOTHING, "body", text=""),
    "200 {}": Case(NOTHING, "body", text="{}"),
    "200 null": Case(NOTHING, "body", text="null"),
    "200 []": Case(NOTHING, "body", text="[]"),
    "200 half a json": Case(NOTHING, "body", text='{"symbol":"BTCUSDT","orderId":1,"clientOr'),
    "524": Case(ccxt.ExchangeError, "status", aio=NOTHING, status=524),
    "504": Case(ccxt.RequestTimeout, "status", status=504),
    **{str(status): Case(ccxt.ExchangeNotAvailable, "status", status=status) for status in (500, 502, 503)},
    **{f"{n}": Case(ccxt.ExchangeNotAvailable, "status", status=n) for n in (400, 403, 404, 409, 451)},
    "429": Case(ccxt.DDoSProtection, "limited", placed=False, retry_after=7),
    "418": Case(ccxt.DDoSProtection, "limited", placed=False, status=418),
    "-1000": refusal(-1000, ccxt.OperationFailed),
    "-1001": refusal(-1001, ccxt.OperationFailed),
    "-1006": refusal(-1006, ccxt.OperationFailed),
    "-1007": refusal(-1007, ccxt.RequestTimeout),
    "-1007 but done": Case(ccxt.RequestTimeout, "code", code=-1007, done=True),
    "-1008": refusal(-1008, ccxt.ExchangeError),
    "-1015": refusal(-1015, ccxt.DDoSProtection),
    "-1015 as 400": refusal(-1015, ccxt.RateLimitExceeded, status=400),
    "-1021": refusal(-1021, ccxt.InvalidNonce),
    "-1013": refusal(-1013, ccxt.InvalidOrder),
    "-1013 notional": refusal(-1013, ccxt.BadRequest, message="Filter failure: NOTIONAL"),
    "-1121": refusal(-1121, ccxt.BadSymbol),
    "-2010 balance": refusal(-2010, ccxt.InsufficientFunds),
    "-2010 closed": refusal(-2010, ccxt.MarketClosed, message="Market is closed."),
    "-2010 duplicate": refusal(-2010, ccxt.InvalidOrder, message="Duplicate order sent."),
    "-2014": refusal(-2014, ccxt.AuthenticationError),
    "-2015": refusal(-2015, ccxt.AuthenticationError),
    "unknown code": refusal(-9999, ccxt.ExchangeError),
}
BUY = (PAIR, "limit", "buy", 0.01, 49_000, {"clientOrderId": "one"})


def outcome(create: Callable[[], dict[str, Any]]) -> object:
    """The class of what is raised, or NOTHING, or the order's id."""
    try:
        order = create()
    except ccxt.BaseError as error:
        return type(error)
    return NOTHING if order["id"] is None else order["id"]


class Aiohttp:
    """ccxt's other client, in a loop of its own, asked like the one with requests."""

    def __init__(self, exchange: Exchange, markets: ccxt.binance) -> None:
        self.loop = asyncio.Runner()
        self.loop.run(self._open(exchange, markets))

    async def _open(self, exchange: Exchange, markets: ccxt.binance) -> None:
        self.client = ccxt.async_support.binance(exchange.config())
        self.client.set_markets(markets.markets)

    def create_order(self, *order: object) -> dict[str, Any]:
        self.client.options["hasAlreadyAuthenticatedSuccessfully"] = False
        placed: dict[str, Any] = self.loop.run(self.client.create_order(*order))
        return placed

    def close(self) -> None:
        self.loop.run(self.client.close())
        self.loop.close()


@pytest.fixture(scope="module")
def aio(served: Exchange, markets: ccxt.binance) -> Iterator[Aiohttp]:
    client = Aiohttp(served, markets)
    yield client
    client.close()


@pytest.mark.parametrize("kind", ["requests", "aiohttp"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_ccxt_says_of_a_create_that_went_wrong(
    exchange: Exchange, client: ccxt.binance, aio: Aiohttp, case: Case, kind: str
) -> None:
    exchange.faults.add(case.effect, method="POST", path=ORDER, **case.options)
    client.timeout = aio.client.timeout = 100 if case.says is ccxt.RequestTimeout else 5_000
    if kind == "requests":
        assert outcome(lambda: client.create_order(*BUY)) == case.says
    else:
        assert outcome(lambda: aio.create_order(*BUY)) == case.aio
    assert [order.client_id for order in exchange.ledger.orders] == (["one"] if case.placed else [])
    assert [seen.client_id for seen in exchange.oracle.creates] == ["one"]
    assert exchange.oracle.sent_twice() == []


def test_a_code_means_more_under_the_real_address(client: ccxt.binance) -> None:
    table = client.get_exceptions_by_url("https://api.binance.com/api/v3/order", "exact")
    assert table["-1008"] is ccxt.OperationFailed
    assert client.get_exceptions_by_url(client.urls["api"]["private"], "exact") == {}


def test_a_late_order_appears_when_it_was_given_up(exchange: Exchange, client: ccxt.binance) -> None:
    exchange.faults.add("late", method="POST", path=ORDER)
    assert outcome(lambda: client.create_order(*BUY)) == ccxt.NetworkError
    with pytest.raises(ccxt.OrderNotFound):
        client.fetch_order(None, PAIR, {"clientOrderId": "one"})
    exchange.faults.release()
    until(lambda: exchange.oracle.creates[0].outcome == "late")
    assert client.fetch_order(None, PAIR, {"clientOrderId": "one"})["status"] == "open"


def test_a_fenced_order_is_too_late(exchange: Exchange, client: ccxt.binance) -> None:
    exchange.faults.add("late", method="POST", path=ORDER, code=-1007, fenced=True)
    assert outcome(lambda: client.create_order(*BUY)) == ccxt.RequestTimeout
    exchange.skew_ms = 30_000
    exchange.faults.release()
    until(lambda: exchange.oracle.creates[0].code == -1021)
    assert exchange.ledger.orders == []


@pytest.mark.parametrize("done", [False, True])
def test_a_slow_exchange_may_carry_an_order_out_before_or_after_it_waits(
    exchange: Exchange, client: ccxt.binance, done: bool
) -> None:
    exchange.faults.add("delay", method="POST", path=ORDER, done=done)
    client.timeout = 100
    assert outcome(lambda: client.create_order(*BUY)) == ccxt.RequestTimeout
    assert len(exchange.ledger.orders) == done
    exchange.faults.release()
    until(lambda: len(exchange.ledger.orders) == 1)


def test_an_order_is_unknown_for_a_while(exchange: Exchange, client: ccxt.binance) -> None:
    for path in (ORDER, "/api/v3/openOrders", "/api/v3/allOrders"):
        exchange.faults.add("lag", method="GET", path=path, times=None, seconds=30)
    client.create_order(*BUY)
    with pytest.raises(ccxt.OrderNotFound, match="-2013"):
        client.fetch_order(None, PAIR, {"clientOrderId": "one"})
    assert client.fetch_open_orders(PAIR) == client.fetch_orders(PAIR) == []
    exchange.skew_ms = 5_000 + 30_000
    client.options["timeDifference"] = -35_000
    assert client.fetch_order(None, PAIR, {"clientOrderId": "one"})["status"] == "open"
    assert len(client.fetch_open_orders(PAIR)) == len(client.fetch_orders(PAIR)) == 1


def test_trades_come_later_than_the_order_says(exchange: Exchange, client: ccxt.binance) -> None:
    exchange.faults.add("lag", path="/api/v3/myTrades", times=2, seconds=30)
    client.create_order(PAIR, "market", "buy", 0.01, None, {"clientOrderId": "one"})
    assert client.fetch_order(None, PAIR, {"clientOrderId": "one"})["filled"] == 0.01
    assert [len(client.fetch_my_trades(PAIR)) for _ in range(3)] == [0, 0, 1]


@pytest.mark.parametrize(("quantity", "error"), [(None, ccxt.OrderNotFound), ("0.004", None)])
def test_a_cancel_may_lose_its_race(
    exchange: Exchange, client: ccxt.binance, quantity: str | None, error: type[Exception] | None
) -> None:
    client.create_order(*BUY)
    exchange.faults.add("fill_first", method="DELETE", path=ORDER, quantity=quantity)
    if error:
        with pytest.raises(error, match="-2011"):
            client.cancel_order(None, PAIR, {"clientOrderId": "one"})
    else:
        assert client.cancel_order(None, PAIR, {"clientOrderId": "one"})["filled"] == 0.004
    expected = ("FILLED", D("0.01")) if error else ("CANCELED", D("0.004"))
    assert (exchange.ledger.orders[0].status, exchange.ledger.orders[0].filled) == expected


def test_a_cancel_may_be_done_and_not_heard_of(exchange: Exchange, client: ccxt.binance) -> None:
    client.create_order(*BUY)
    exchange.faults.add("drop_answer", method="DELETE", path=ORDER)
    with pytest.raises(ccxt.NetworkError):
        client.cancel_order(None, PAIR, {"clientOrderId": "one"})
    assert client.fetch_order(None, PAIR, {"clientOrderId": "one"})["status"] == "canceled"


def test_a_status_nobody_knows_passes_through_ccxt(exchange: Exchange, client: ccxt.binance) -> None:
    client.create_order(*BUY)
    exchange.faults.add("rewrite", path=ORDER, fields={"status": "TRADE_PREVENTION"})
    assert client.fetch_order(None, PAIR, {"clientOrderId": "one"})["status"] == "TRADE_PREVENTION"


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "5000000", "9" * 30])
def test_a_price_may_be_garbage(exchange: Exchange, client: ccxt.binance, price: str) -> None:
    exchange.faults.add("rewrite", path="/api/v3/ticker/*", fields={"bidPrice": price, "askPrice": price})
    assert client.fetch_bids_asks([PAIR])[PAIR]["info"]["askPrice"] == price


def test_a_fee_may_be_missing_or_in_a_third_currency(exchange: Exchange, client: ccxt.binance) -> None:
    client.create_order(PAIR, "market", "buy", 0.01)
    exchange.faults.add("rewrite", path="/api/v3/myTrades", remove=["commission", "commissionAsset"])
    exchange.faults.add("rewrite", path="/api/v3/myTrades", after=1, fields={"commissionAsset": "XYZ"})
    without, third = client.fetch_my_trades(PAIR)[0], client.fetch_my_trades(PAIR)[0]
    assert (without["fee"], third["fee"]["currency"]) == ({"cost": None, "currency": None}, "XYZ")


def test_candles_may_have_gaps_and_doubles(exchange: Exchange, client: ccxt.binance) -> None:
    whole = client.fetch_ohlcv(PAIR, "1h", limit=5)
    exchange.faults.add("rows", path="/api/v3/klines", drop=[1], repeat=[-1], backwards=True)
    raw = client.public_get_klines({"symbol": "BTCUSDT", "interval": "1h", "limit": 5})
    opened = [candle[0] for candle in whole]
    assert [int(row[0]) for row in raw] == [opened[at] for at in (4, 4, 3, 2, 0)]


def test_faults_strike_whom_they_are_meant_for(exchange: Exchange, client: ccxt.binance) -> None:
    exchange.faults.add("code", path="/api/v3/account", after=1, times=2, code=-1001)
    exchange.faults.add("code", method="GET", where={"symbol": "ETHUSDT"}, times=None, code=-1121)
    heard = [outcome(lambda: {"id": client.fetch_balance()["USDT"]["free"]}) for _ in range(4)]
    assert heard == [100_000.0, ccxt.OperationFailed, ccxt.OperationFailed, 100_000.0]
    client.fetch_open_orders(PAIR)
    with pytest.raises(ccxt.BadSymbol):
        client.fetch_open_orders("ETH/USDT")


def test_a_fault_must_be_one_that_exists(exchange: Exchange) -> None:
    with pytest.raises(ValueError, match="is none of"):
        exchange.faults.add("explode")
    with pytest.raises(ValueError, match="no options of late"):
        exchange.faults.add("late", minutes=1)
