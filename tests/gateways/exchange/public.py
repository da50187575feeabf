"""The clients of a process that knows the test exchange as Binance, for tests that need no account."""

from typing import Any

from django.core.cache import cache

from orders.gateways.exchange.clients import ProcessClients
from tests.exchange import Exchange

NAME = "binance"


def options_of(exchange: Exchange) -> dict[str, Any]:
    """What an operator would write into EXCHANGE_OVERRIDES, and no waiting for anything."""
    return {**exchange.overrides(), "enableRateLimit": False, "timeout": 1_000}


def clients_of(exchange: Exchange, keys: tuple[str, ...] = (), accounts_max: int = 500) -> ProcessClients:
    """Fresh books, an empty cache, and clients that know nothing yet."""
    exchange.reset()
    cache.clear()
    return ProcessClients(overrides={NAME: options_of(exchange)}, keys=keys, accounts_max=accounts_max)
