"""From a price to an order on the wire: the whole engine against bare ccxt, on one local exchange.

The exchange is a process of its own (`tests/exchange`), and when an order has reached it is told by its own
record, in whole ms. The engine runs here, on SQLite as an installation has it.
"""

import argparse
import json
import os
import tempfile
from base64 import urlsafe_b64encode
from importlib import import_module

import django

from tests.exchange.process import ExchangeProcess

FAST = {"enableRateLimit": False}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ticks", type=int, default=100)
    parser.add_argument("--bots", type=int, default=100)
    asked = parser.parse_args()
    with ExchangeProcess.running("--seed", "7") as exchange, tempfile.TemporaryDirectory() as var:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "tradingbot.settings",
            "VAR_DIR": var,
            "LOG_LEVEL": "WARNING",
            "ENCRYPTION_KEYS": urlsafe_b64encode(os.urandom(32)).decode(),
            "EXCHANGE_OVERRIDES": json.dumps({"binance": {**exchange.overrides(), **FAST}}),
        }
        django.setup()
        # Its models need the set-up, which needs the exchange.
        import_module("benchmarks.live_engine").run(exchange, ticks=asked.ticks, bots=asked.bots)


if __name__ == "__main__":
    main()
