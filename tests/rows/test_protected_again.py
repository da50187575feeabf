"""A platform that is killed while a stop is due: within a minute of its next start the coins are sold
(rows 5–7, 54).

The platform as one process, the exchange as another; other bots trade all the while.
"""

import json
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.exchange import ExchangeProcess
from tests.exchange.faults import CANCEL
from tests.faults.conftest import MakePlatform, start_platform
from tests.faults.installation import RUN_LIMIT_S, TRADES, Installation, embedded_installation, says
from tests.faults.live import KEY, RESTING, SECRET, agree, done, swinging
from tests.processes import say, until

__all__ = ["start_platform"]

PROTECTED_WITHIN_S, TOLD_WITHIN_S = 60, 90
TRADES_MIN, MORE_TRADES = 20, 5
SYMBOL, FALLEN = "ETHUSDT", "2400"
GUARDS = "SELECT count(*) FROM orders_order WHERE ticker = 'ETH/USDT' AND role = 'exit' AND status = 'open'"
ENDING = GUARDS + " AND cancel_requested_at IS NOT NULL"
TOLD = "SELECT message FROM activity_activitylog WHERE message LIKE '%After the start%' ORDER BY id DESC"

pytestmark = pytest.mark.long


def sold(exchange: ExchangeProcess) -> list[dict[str, Any]]:
    """The target cannot fill at these prices: what is sold, the stop has sold."""
    orders = [order for order in exchange.state()["orders"] if order["symbol"] == SYMBOL]
    return [order for order in orders if (order["side"], order["status"]) == ("SELL", "FILLED")]


def dies_before_the_price_falls(exchange: ExchangeProcess, installation: Installation, platform: Any) -> None:
    platform.stop(signal.SIGKILL)
    exchange.do("move", symbol=SYMBOL, price=FALLEN)


def dies_amid_its_stop(exchange: ExchangeProcess, installation: Installation, platform: Any) -> None:
    """The target must be cancelled first, and no request to cancel it gets through."""
    exchange.do("fault", effect="drop_request", **CANCEL, where={"symbol": SYMBOL}, times=None)
    exchange.do("move", symbol=SYMBOL, price=FALLEN)
    until("the stop", says(lambda: installation.count(ENDING) == 1), RUN_LIMIT_S, pause_s=0)
    platform.stop(signal.SIGKILL)
    exchange.do("faults", clear=True)


@pytest.mark.row(5, 6, 7, 54)
@pytest.mark.parametrize("dies", [dies_before_the_price_falls, dies_amid_its_stop])
def test_coins_whose_stop_is_due_are_sold_within_a_minute_of_the_next_start(
    tmp_path: Path, start_platform: MakePlatform, dies: Any
) -> None:
    with ExchangeProcess.running("--seed", "3") as exchange, swinging(exchange):
        more = {"EXCHANGE_OVERRIDES": json.dumps({"binance": exchange.overrides()})}
        installation = embedded_installation(tmp_path / "var", **more)
        assert installation.python("manage.py", "migrate", "-v0").returncode == 0
        done(installation, "prepare", KEY, SECRET)
        done(installation, "guard")
        platform = start_platform(tmp_path / "var", "--no-demo", **more)
        until("the guard", says(lambda: installation.count(GUARDS) == 1), RUN_LIMIT_S)
        traded(installation, TRADES_MIN)
        dies(exchange, installation, platform)
        live = installation.count(RESTING)
        assert sold(exchange) == [], "it was faster than its death"

        began = time.monotonic()
        platform = start_platform(tmp_path / "var", "--no-demo", **more)
        until("the stop's sale", says(lambda: len(sold(exchange)) == 1), PROTECTED_WITHIN_S)
        say(f"sold {time.monotonic() - began:.1f} s after the start")
        until("the account's word", says(lambda: bool(said(tmp_path))), TOLD_WITHIN_S)
        told = said(tmp_path)
        assert f"After the start {live} orders were recovered, with " in told[0]
        # One order of the others may have died on its way.
        assert told[0].endswith(("; none is unknown.", "; 1 still unknown."))
        traded(installation, MORE_TRADES)
        done(installation, "stop")
        until("no order rests", says(lambda: installation.count(RESTING) == 0), RUN_LIMIT_S)
        platform.stop(signal.SIGTERM)
        agree(json.loads(done(installation, "books")), exchange.state())
        installation.is_sound()


def traded(installation: Installation, more: int) -> None:
    enough = installation.count(TRADES) + more
    until("trades", says(lambda: installation.count(TRADES) >= enough), RUN_LIMIT_S)


def said(folder: Path) -> list[str]:
    """What the account's log says of its recoveries, the newest first."""
    with closing(sqlite3.connect(folder / "var" / "tradingbot.sqlite3", timeout=10)) as connection:
        return [str(message) for (message,) in connection.execute(TOLD)]
