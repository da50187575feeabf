"""A test exchange: a server of Binance's spot protocol with books of its own and faults on demand.

The unmodified ccxt drives it through constructor options; the ledger is the oracle.

    with Exchange.running() as exchange:
        client = ccxt.binance(exchange.config())
        exchange.faults.add("drop_answer", method="POST", path="/api/v3/order")
        with pytest.raises(ccxt.ExchangeNotAvailable):
            client.create_order("BTC/USDT", "limit", "buy", 0.01, 49_000, {"clientOrderId": "one"})
        exchange.ledger.move("BTCUSDT", 48_500)
        assert client.fetch_order(None, "BTC/USDT", {"clientOrderId": "one"})["status"] == "closed"
        assert exchange.oracle.sent_twice() == []

`exchange.reset()` gives fresh books, so one server can serve a module. `ExchangeProcess.running()` is the
same as a process with a control address (`control.py`). What faults do is described in `effects.py`, and for
the events of streams in `hub.py`. Behind `doorway.py` ccxt needs no overrides at all.
"""

from tests.exchange.process import ExchangeProcess
from tests.exchange.running import Exchange

__all__ = ["Exchange", "ExchangeProcess"]
