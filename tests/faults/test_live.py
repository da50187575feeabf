"""Live bots on the test exchange, the platform killed again and again: the exchange's books agree with ours.

The exchange is another process, which remembers every request that reached it. The price swings.
"""

import json
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.exchange import ExchangeProcess
from tests.exchange.faults import CANCEL, CREATE
from tests.faults.conftest import MakePlatform
from tests.faults.installation import (
    MID_TURN,
    RUN_LIMIT_S,
    TRADES,
    UNSETTLED,
    embedded_installation,
    says,
)
from tests.faults.live import KEY, RESTING, SECRET, agree, done, swinging
from tests.processes import say, until

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
SEED = 11
RECOVERED = "SELECT count(*) FROM orders_recovery WHERE finished_at IS NOT NULL"

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
