"""What tests of live trading by processes share: a price that swings, words to the installation, and the
comparison of both books."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import count
from threading import Event, Thread
from typing import Any

from tests.exchange import ExchangeProcess
from tests.exchange.venue import MONEY
from tests.faults.installation import Installation

KEY, SECRET = "alice-key", "alice-secret"
RESTING = "SELECT count(*) FROM orders_order WHERE status IN ('planned', 'sending', 'unknown', 'open')"
MIDDLE, SWING, STEP_S, STEPS_PER_RADIAN = 50_000, 700, 0.2, 6
# A step of the price waits for the exchange's answer, which may lag by some seconds.
STOP_TIMEOUT_S = 20


@contextmanager
def swinging(exchange: ExchangeProcess) -> Iterator[None]:
    """The price goes up and down through the bots' orders until the block ends."""
    over = Event()

    def swing() -> None:
        for step in count():
            if over.wait(STEP_S):
                return
            away = round(SWING * math.sin(step / STEPS_PER_RADIAN))
            exchange.do("move", symbol="BTCUSDT", price=str(MIDDLE + away))

    thread = Thread(target=swing, name="swing", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(STOP_TIMEOUT_S)
        assert not thread.is_alive(), f"the price still swings {STOP_TIMEOUT_S} s after its end"


def done(installation: Installation, *words: str) -> str:
    ran = installation.python("-m", "tests.faults.program", "live_trading", *words)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def agree(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Each order was sent once and each trade is booked once, nothing rests, the coins are those that were
    bought, and no invariant is broken. `ours` is what `traded` tells, `theirs` the exchange's state."""
    assert theirs["sent_twice"] == []
    orders = {f"{order['symbol']} {order['orderId']}": order for order in theirs["orders"]}
    assert orders, "the bots never traded"
    assert ours["orders"].keys() == orders.keys()
    for name, (_, filled) in ours["orders"].items():
        assert Decimal(filled) == Decimal(orders[name]["executedQty"]), name
    assert not {order["status"] for order in theirs["orders"]} & {"NEW", "PARTIALLY_FILLED"}
    assert ours["trades"] == sorted(f"{trade['symbol']} {trade['id']}" for trade in theirs["trades"])
    for coin, amount in ours["positions"].items():
        balance = theirs["accounts"][KEY][coin]
        assert Decimal(amount) == Decimal(balance["free"]) + Decimal(balance["locked"]) - MONEY[coin]
    assert ours["breaches"] == []
