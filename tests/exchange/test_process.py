"""The exchange as a process: the oracle outlives whoever trades on it."""

import ccxt

from tests.exchange.process import ExchangeProcess


def test_a_process_tells_its_books_and_does_as_it_is_told() -> None:
    with ExchangeProcess.running("--symbols", "BTCUSDT", "--seed", "7") as exchange:
        exchange.do("account", key="bob-key", secret="bob-secret", money={"USDT": "1000"})
        client = ccxt.binance({**exchange.overrides(), "apiKey": "bob-key", "secret": "bob-secret"})
        exchange.do("fault", effect="drop_answer", method="POST", path="/api/v3/order")
        try:
            client.create_order("BTC/USDT", "limit", "buy", 0.01, 49_000, {"clientOrderId": "one"})
        except ccxt.NetworkError:
            exchange.do("move", symbol="BTCUSDT", price="48000")
        client.session.close()
        state = exchange.state()
    (order,) = state["orders"]
    assert (order["orderId"], order["clientOrderId"], order["status"]) == (7, "one", "FILLED")
    assert [create["outcome"] for create in state["creates"]] == ["done"]
    assert state["sent_twice"] == []
    assert state["accounts"]["bob-key"]["USDT"] == {"free": "510.00000000", "locked": "0.00000000"}
    assert state["accounts"]["bob-key"]["BTC"]["free"] == "0.00999000"
