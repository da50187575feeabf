"""A stop-limit order: it waits with its coins locked, a trade triggers it, and then it is a limit order."""

from decimal import Decimal
from typing import Any

import ccxt
import pytest

from tests.exchange import Exchange
from tests.exchange.ledger import Ledger
from tests.exchange.orders import Order, Trade, Wish
from tests.exchange.rejections import Rejection
from tests.exchange.streams import execution_report
from tests.exchange.symbols import SYMBOLS

D = Decimal
KEY, PAIR = "alice-key", "SOL/USDT"


def stop(name: str = "one", quantity: str = "1", price: str = "90", at: str = "95") -> Wish:
    return Wish("SOLUSDT", "SELL", "STOP_LOSS_LIMIT", name, D(quantity), D(price), stop_price=D(at))


class Heard:
    """Keeps the reports of orders, as the user's stream tells them."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, bool]] = []

    def reported(self, account: Any, order: Order, trade: Trade | None, execution: str) -> None:
        report = execution_report(order, trade, execution)
        assert report["P"] == "95.00000000"
        self.told.append((report["x"], report["X"], report["w"]))

    def deposited(self, *_: Any) -> None: ...
    def ticked(self, *_: Any) -> None: ...
    def quoted(self, *_: Any) -> None: ...


@pytest.fixture
def ledger() -> Ledger:
    """SOL at 100 USDT; bids stand a tick under the price."""
    ledger = Ledger(SYMBOLS, clock=lambda: 1)
    ledger.open_account(KEY, "secret", USDT=1_000, SOL=10)
    return ledger


def test_it_waits_with_its_coins_locked_and_stands_on_no_book(ledger: Ledger) -> None:
    order = ledger.place(KEY, stop())
    ledger.move("SOLUSDT", 120)
    ledger.move("SOLUSDT", "95.01")
    assert (order.status, order.waits, order.filled) == ("NEW", True, D(0))
    assert ledger.accounts[KEY].balances["SOL"].locked == 1


def test_a_trade_at_its_stop_price_has_it_take_what_the_book_holds(ledger: Ledger) -> None:
    order = ledger.place(KEY, stop())
    ledger.move("SOLUSDT", 95)
    (trade,) = ledger.trades
    assert (order.status, trade.price, trade.maker) == ("FILLED", D("94.99"), False)
    assert ledger.accounts[KEY].balances["SOL"].locked == 0


def test_a_trade_under_its_limit_leaves_it_on_the_book(ledger: Ledger) -> None:
    order = ledger.place(KEY, stop())
    ledger.move("SOLUSDT", 80)
    assert (order.status, order.waits, ledger.trades) == ("NEW", False, [])
    ledger.move("SOLUSDT", 92)
    assert [(trade.price, trade.maker) for trade in ledger.trades] == [(D(90), True)]


def test_the_stream_tells_that_it_was_taken_that_it_works_and_that_it_filled(ledger: Ledger) -> None:
    heard = Heard()
    ledger.listeners.append(heard)
    ledger.place(KEY, stop())
    ledger.move("SOLUSDT", 95)
    assert heard.told == [("NEW", "NEW", False), ("NEW", "NEW", True), ("TRADE", "FILLED", False)]


def test_one_that_is_cancelled_is_triggered_no_more(ledger: Ledger) -> None:
    order = ledger.place(KEY, stop())
    ledger.cancel(order)
    ledger.move("SOLUSDT", 95)
    assert (order.status, ledger.trades) == ("CANCELED", [])
    assert ledger.accounts[KEY].balances["SOL"].free == 10


def test_a_fill_by_hand_triggers_it(ledger: Ledger) -> None:
    order = ledger.place(KEY, stop())
    trade = ledger.fill(order, D("0.4"))
    assert (order.status, order.waits, trade.price, trade.maker) == ("PARTIALLY_FILLED", False, D(95), False)


@pytest.mark.parametrize(
    ("wish", "code", "message"),
    [
        (stop(at="100"), -2010, "Stop price would trigger immediately."),
        (stop(at="105"), -2010, "Stop price would trigger immediately."),
        (stop(at="95.005"), -1013, "Filter failure: PRICE_FILTER"),
        (stop(quantity="0.01"), -1013, "Filter failure: NOTIONAL"),
        (stop(quantity="11"), -2010, "Account has insufficient balance for requested action."),
    ],
)
def test_one_that_cannot_be_is_refused(ledger: Ledger, wish: Wish, code: int, message: str) -> None:
    with pytest.raises(Rejection) as refused:
        ledger.place(KEY, wish)
    assert (refused.value.code, refused.value.message) == (code, message)
    assert ledger.orders == []


def test_no_more_than_five_wait_at_a_time(ledger: Ledger) -> None:
    for name in "abcde":
        ledger.place(KEY, stop(name, quantity="0.1"))
    with pytest.raises(Rejection, match="MAX_NUM_ALGO_ORDERS"):
        ledger.place(KEY, stop("f", quantity="0.1"))
    ledger.move("SOLUSDT", 80)  # under all their limits: they are on the book now
    ledger.place(KEY, stop("f", quantity="0.1", price="70", at="75"))


def sent(client: ccxt.binance, **params: Any) -> Any:
    asked = {"clientOrderId": "one", "stopPrice": 95, "timeInForce": "GTC", **params}
    return client.create_order(PAIR, "limit", "sell", 0.5, 90, asked)


def test_a_client_places_it_finds_it_and_cancels_it(exchange: Exchange, client: ccxt.binance) -> None:
    exchange.ledger.deposit(KEY, "SOL", D(1))
    placed = sent(client)
    assert (placed["status"], placed["type"], placed["triggerPrice"]) == ("open", "limit", 95.0)
    found = client.fetch_order(None, PAIR, {"clientOrderId": "one"})
    assert (found["id"], found["status"], found["info"]["isWorking"]) == (placed["id"], "open", False)
    assert [order["id"] for order in client.fetch_open_orders(PAIR)] == [placed["id"]]
    assert client.cancel_order(placed["id"], PAIR)["status"] == "canceled"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"stopPrice": None}, "Param 'stopPrice' or 'trailingDelta' must be sent"),
        ({"stopPrice": "0"}, "Invalid stopPrice."),
        ({"timeInForce": None}, "Mandatory parameter 'timeInForce'"),
        ({"type": "LIMIT"}, "Parameter 'stopPrice' sent when not required."),
        ({"symbol": "ETHBTC"}, "Stop loss limit orders are not supported for this symbol."),
    ],
)
def test_what_it_is_asked_with_must_fit(
    exchange: Exchange, client: ccxt.binance, fields: dict[str, str | None], message: str
) -> None:
    whole: dict[str, str | None] = {
        "symbol": "SOLUSDT",
        "side": "SELL",
        "type": "STOP_LOSS_LIMIT",
        "timeInForce": "GTC",
    }
    whole |= {"quantity": "0.5", "price": "90", "stopPrice": "95", **fields}
    with pytest.raises(ccxt.BaseError, match=message):
        client.private_post_order({name: value for name, value in whole.items() if value is not None})
    assert exchange.ledger.orders == []
