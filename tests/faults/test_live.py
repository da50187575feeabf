"""Live bots on the test exchange, the platform killed again and again: the exchange's books agree with ours.

The exchange is another process, which remembers every request that reached it. The price swings.
"""

import json
import math
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from tests.exchange import ExchangeProcess
from tests.faults.conftest import MakePlatform
from tests.faults.installation import (
    MID_TURN,
    RUN_LIMIT_S,
    UNSETTLED,
    Installation,
    embedded_installation,
    says,
)
from tests.processes import say, until

CREATE, CANCEL = ({"method": method, "path": "/api/v3/order"} for method in ("POST", "DELETE"))
# One for each life of the platform, beside its death.
FAULTS: list[dict[str, Any]] = [
    {"effect": "drop_answer", **CREATE},
    {"effect": "body", "text": "<html>try later</html>", **CREATE},
    {"effect": "drop_request", **CREATE},
    {"effect": "drop_answer", **CANCEL},
    {"effect": "lag", "seconds": 3, "path": "/api/v3/*"},
    {"effect": "status", "status": 502, **CREATE},
]
LIVES_MAX_S = 4.0
TRADES_MIN = 60
MIDDLE, SWING, STEP_S, STEPS_PER_RADIAN = 50_000, 700, 0.2, 6
SEED = 11
TRADES = "SELECT count(*) FROM orders_trade"
RESTING = "SELECT count(*) FROM orders_order WHERE status IN ('planned', 'sending', 'unknown', 'open')"
RECOVERED = "SELECT count(*) FROM orders_recovery WHERE finished_at IS NOT NULL"
KEY, SECRET = "alice-key", "alice-secret"

pytestmark = pytest.mark.long


def test_a_platform_that_is_killed_again_and_again_neither_doubles_nor_loses_a_live_order(
    tmp_path: Path, start_platform: MakePlatform
) -> None:
    with ExchangeProcess.running("--seed", str(SEED)) as exchange, swinging(exchange):
        more = {"EXCHANGE_OVERRIDES": json.dumps({"binance": exchange.overrides()})}
        installation = embedded_installation(tmp_path / "var", **more)
        assert installation.python("manage.py", "migrate", "-v0").returncode == 0
        done(installation, "prepare", KEY, SECRET)
        chance = random.Random(SEED)
        interrupted = 0
        for fault in FAULTS:
            exchange.do("fault", times=2, **fault)
            platform = start_platform(tmp_path / "var", "--no-demo", **more)
            platform.wait_until_it_answers()
            time.sleep(chance.uniform(0, LIVES_MAX_S))
            platform.stop(signal.SIGKILL)
            interrupted += installation.count(MID_TURN) + installation.count(UNSETTLED) > 0
        platform = start_platform(tmp_path / "var", "--no-demo", **more)
        until("trades", says(lambda: installation.count(TRADES) >= TRADES_MIN), RUN_LIMIT_S)
        done(installation, "stop")
        until("no order rests", says(lambda: installation.count(RESTING) == 0), RUN_LIMIT_S)
        platform.stop(signal.SIGTERM)
        say(f"{interrupted} of {len(FAULTS)} kills in the midst, {installation.count(TRADES)} trades")
        assert interrupted >= 2, "the kills hit nothing"
        assert installation.count(RECOVERED) >= 1, "no account told how it was found"
        agree(json.loads(done(installation, "books")), exchange.state())
        installation.is_sound()


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
        thread.join()


def done(installation: Installation, *words: str) -> str:
    ran = installation.python("-m", "tests.faults.program", "live_trading", *words)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def agree(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Each order was sent once and each trade is booked once; the coins are those that were bought."""
    assert theirs["sent_twice"] == []
    orders = {str(order["orderId"]): order for order in theirs["orders"]}
    assert ours["orders"].keys() == orders.keys()
    for number, (_, filled) in ours["orders"].items():
        assert Decimal(filled) == Decimal(orders[number]["executedQty"]), number
    assert ours["trades"] == sorted(str(trade["id"]) for trade in theirs["trades"])
