"""The unmodified ccxt trades on the test exchange as it would on Binance."""

from decimal import Decimal

import ccxt
import pytest

from tests.exchange import Exchange
from tests.exchange.market import Level
from tests.exchange.rejections import Rejection

D = Decimal
PAIR = "BTC/USDT"


def buy(client: ccxt.binance, name: str, price: float = 49_000, **params: object) -> dict[str, object]:
    """Alice's resting order for 0.01 BTC."""
    order: dict[str, object] = client.create_order(
        PAIR, "limit", "buy", 0.01, price, {"clientOrderId": name, **params}
    )
    return order


def test_a_client_that_loads_everything_finds_the_markets(exchange: Exchange) -> None:
    client = ccxt.binance(exchange.config())
    markets = client.load_markets()
    client.session.close()
    assert set(markets) == {"BTC/USDT", "ETH/USDT", "SOL/USDT", "BNB/USDT", "ETH/BTC"}
    bitcoin = markets[PAIR]
    assert (bitcoin["precision"], bitcoin["limits"]["cost"]["min"]) == (
        {"amount": 1e-05, "price": 0.01, "base": 1e-08, "quote": 1e-08},
        5.0,
    )
    assert (bitcoin["active"], bitcoin["spot"], bitcoin["margin"]) == (True, True, False)
    assert {seen.path for seen in exchange.oracle.requests} >= {
        "/api/v3/exchangeInfo",
        "/sapi/v1/capital/config/getall",
        "/sapi/v1/margin/allPairs",
    }


def test_every_address_of_the_client_leads_here(exchange: Exchange) -> None:
    client = ccxt.binance(exchange.config())
    addresses = [url for url in client.urls["api"].values() if isinstance(url, str)]
    strangers = [url for url in addresses if not url.startswith(exchange.url)]
    client.session.close()
    assert strangers == []


def test_money_in_open_orders_is_used(client: ccxt.binance) -> None:
    buy(client, "one")
    balance = client.fetch_balance()
    assert balance["USDT"] == {"free": 99_510.0, "used": 490.0, "total": 100_000.0}


def test_a_limit_order_rests_and_is_found_by_the_id_its_sender_gave_it(client: ccxt.binance) -> None:
    placed = buy(client, "one")
    found = client.fetch_order(None, PAIR, {"clientOrderId": "one"})
    assert (placed["status"], placed["clientOrderId"], found["id"]) == ("open", "one", placed["id"])
    assert [order["id"] for order in client.fetch_open_orders(PAIR)] == [placed["id"]]


def test_a_passed_order_is_closed_and_its_trade_tells_the_fee(
    exchange: Exchange, client: ccxt.binance
) -> None:
    placed = buy(client, "one")
    exchange.ledger.move("BTCUSDT", 48_900)
    closed = client.fetch_order(placed["id"], PAIR)
    assert (closed["status"], closed["filled"], closed["average"]) == ("closed", 0.01, 49_000.0)
    (trade,) = client.fetch_my_trades(PAIR)
    assert (trade["order"], trade["takerOrMaker"]) == (placed["id"], "maker")
    assert trade["fee"] == {"currency": "BTC", "cost": 0.00001}
    assert client.fetch_open_orders(PAIR) == []
    assert [order["status"] for order in client.fetch_orders(PAIR)] == ["closed"]


def test_a_market_order_answers_with_its_fills(exchange: Exchange, client: ccxt.binance) -> None:
    exchange.ledger.set_book("BTCUSDT", bids=[], asks=[Level(D(50_000), D("0.01")), Level(D(50_100))])
    order = client.create_order(PAIR, "market", "buy", 0.02, None, {"clientOrderId": "one"})
    assert (order["status"], order["average"]) == ("closed", 50_050.0)
    assert [trade["price"] for trade in order["trades"]] == [50_000.0, 50_100.0]


def test_an_order_for_money_buys_whole_steps(client: ccxt.binance) -> None:
    order = client.create_order(PAIR, "market", "buy", 1, None, {"cost": 1_000.3})
    assert (order["filled"], order["cost"]) == (0.02, 1_000.0)


def test_a_post_only_order_rests_or_is_refused(client: ccxt.binance) -> None:
    assert buy(client, "rests", postOnly=True)["postOnly"]
    with pytest.raises(ccxt.OrderImmediatelyFillable):
        buy(client, "takes", 51_000, postOnly=True)


def test_what_an_immediate_order_does_not_get_expires(exchange: Exchange, client: ccxt.binance) -> None:
    exchange.ledger.set_book("BTCUSDT", bids=[], asks=[Level(D(50_000), D("0.004"))])
    order = buy(client, "one", 50_000, timeInForce="IOC")
    assert (order["status"], order["filled"]) == ("expired", 0.004)


def test_a_cancelled_order_keeps_its_own_id(client: ccxt.binance) -> None:
    placed = buy(client, "one")
    cancelled = client.cancel_order(placed["id"], PAIR)
    found = client.fetch_order(None, PAIR, {"clientOrderId": "one"})
    assert (cancelled["status"], found["status"], found["clientOrderId"]) == ("canceled", "canceled", "one")
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        client.cancel_order(None, PAIR, {"clientOrderId": "one"})


def test_all_open_orders_of_a_market_can_be_cancelled_at_once(client: ccxt.binance) -> None:
    buy(client, "one")
    buy(client, "two", 48_000)
    assert {order["status"] for order in client.cancel_all_orders(PAIR)} == {"canceled"}
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        client.cancel_all_orders(PAIR)


def test_an_order_nobody_placed_is_not_found(client: ccxt.binance) -> None:
    with pytest.raises(ccxt.OrderNotFound, match="-2013"):
        client.fetch_order(None, PAIR, {"clientOrderId": "never"})


def test_a_client_id_is_refused_twice_only_while_its_order_is_open(
    exchange: Exchange, client: ccxt.binance
) -> None:
    buy(client, "one")
    with pytest.raises(ccxt.InvalidOrder, match=r"Duplicate order sent\."):
        buy(client, "one")
    exchange.ledger.move("BTCUSDT", 48_900)
    buy(client, "one", 48_000)
    assert exchange.oracle.sent_twice() == ["one"]


def test_prices_are_told_for_one_market_for_some_and_for_all(
    exchange: Exchange, client: ccxt.binance
) -> None:
    exchange.ledger.move("BTCUSDT", "51000.5")
    assert client.fetch_ticker(PAIR)["last"] == 51_000.5
    assert set(client.fetch_tickers([PAIR, "ETH/USDT"])) == {PAIR, "ETH/USDT"}
    assert len(client.fetch_tickers()) == 5
    bid_ask = client.fetch_bids_asks([PAIR])[PAIR]
    assert (bid_ask["bid"], bid_ask["ask"]) == (51_000.49, 51_000.5)
    assert client.fetch_last_prices([PAIR])[PAIR]["price"] == 51_000.5
    assert client.fetch_order_book(PAIR)["asks"] == [[51_000.5, 1_000.0]]
    assert client.fetch_trades(PAIR)[-1]["price"] == 51_000.5


@pytest.mark.parametrize("timeframe", ["1m", "1h", "1d", "1w", "1M"])
def test_candles_follow_each_other_and_end_now(
    exchange: Exchange, client: ccxt.binance, timeframe: str
) -> None:
    exchange.ledger.move("BTCUSDT", 52_000)
    candles = client.fetch_ohlcv(PAIR, timeframe, limit=50)
    opened = [candle[0] for candle in candles]
    assert len(candles) == 50
    assert opened == sorted(set(opened))
    assert opened[-1] <= exchange.now()
    assert candles[-1][4] == 52_000.0
    assert all(
        low <= min(first, last) <= max(first, last) <= high for _, first, high, low, last, _ in candles
    )
    assert client.fetch_ohlcv(PAIR, timeframe, since=opened[10], limit=3) == candles[10:13]


def test_trades_are_paged_by_id_by_order_and_by_time(exchange: Exchange, client: ccxt.binance) -> None:
    for number in range(5):
        client.create_order(PAIR, "market", "buy", 0.001, None, {"clientOrderId": f"n{number}"})
    assert [trade["id"] for trade in client.fetch_my_trades(PAIR, limit=2)] == ["4", "5"]
    assert [t["id"] for t in client.fetch_my_trades(PAIR, limit=2, params={"fromId": 2})] == ["2", "3"]
    assert [t["id"] for t in client.fetch_my_trades(PAIR, params={"orderId": 3})] == ["3"]
    start = exchange.ledger.trades[0].time
    assert client.fetch_my_trades(PAIR, since=start + 60_000) == []
    assert client.fetch_my_trades(PAIR, params={"endTime": start - 1}) == []
    assert len(client.fetch_my_trades(PAIR, since=start, params={"endTime": start + 86_400_000})) == 5
    with pytest.raises(ccxt.BadRequest, match="-1127"):
        client.fetch_my_trades(PAIR, since=start, params={"endTime": start + 86_400_001})
    with pytest.raises(ccxt.BadRequest, match="-1128"):
        client.fetch_my_trades(PAIR, since=start, params={"fromId": 1})


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"side": "HOLD"}, -1117),
        ({"type": "ICEBERG"}, -1116),
        ({"type": "STOP_LOSS"}, -2010),
        ({"timeInForce": "GTX"}, -1115),
        ({"timeInForce": None}, -1102),
        ({"quantity": "1e3"}, -1100),
        ({"quantity": "0.000000001"}, -1111),
        ({"price": "-1"}, -1100),
        ({"price": "NaN"}, -1100),
        ({"price": None}, -1102),
        ({"symbol": "NOPE"}, -1121),
        ({"symbol": "btcusdt"}, -1100),
        ({"newClientOrderId": "no spaces"}, -1100),
        ({"newClientOrderId": "x" * 37}, -1100),
        ({"price": ""}, -1105),
        ({"newOrderRespType": "ALL"}, -1130),
        ({"colour": "red"}, -1104),
        ({"recvWindow": "60001"}, -1131),
    ],
)
def test_an_order_with_a_bad_parameter_is_refused(
    exchange: Exchange, client: ccxt.binance, params: dict[str, str | None], code: int
) -> None:
    good = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    sent = {**good, "quantity": "0.01", "price": "49000", **params}
    with pytest.raises(ccxt.BaseError, match=f'"code":{code},'):
        client.private_post_order({name: value for name, value in sent.items() if value is not None})
    assert exchange.ledger.orders == []
    assert [seen.code for seen in exchange.oracle.creates] == [code]


def test_a_key_tells_its_rights(exchange: Exchange, client: ccxt.binance) -> None:
    assert client.sapi_get_account_apirestrictions()["enableWithdrawals"] is False
    exchange.alice.rights["enableWithdrawals"] = True
    assert client.sapi_get_account_apirestrictions()["enableWithdrawals"] is True


def test_orders_by_hand_are_no_requests(exchange: Exchange, client: ccxt.binance) -> None:
    buy(client, "ours")
    order = exchange.ledger.orders[0]
    exchange.ledger.cancel(order)
    with pytest.raises(Rejection, match="Unknown order"):
        exchange.ledger.cancel(order)
    assert [(seen.client_id, seen.outcome, seen.order_id) for seen in exchange.oracle.creates] == [
        ("ours", "done", order.id)
    ]
