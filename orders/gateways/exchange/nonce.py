"""Where requests of one key must arrive in order: one at a time, of all threads and processes.

Such an exchange wants each number to be above the last. Two processes count by clocks of their own, and the
network may turn two requests around: the later one would be refused for nothing.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from django.core.cache import cache

from orders.gateways.base import RateLimited
from tradingbot.counting import shared_counts

EXCHANGES = frozenset({"kraken"})
# Longer than a request may take: whoever dies with the turn keeps it no longer.
TURN_S = 15
WAIT_S = 2.0
STEP_S = 0.005
KEPT_S = 24 * 3600


class Turns:
    """The turns of one key, in the cache."""

    def __init__(self, name: str, wait_s: float = WAIT_S) -> None:
        self._turn, self._last, self._wait_s = f"turn:{name}", f"nonce:{name}", wait_s

    @contextmanager
    def one(self, ccxt: Any) -> Iterator[None]:
        """Nobody else asks with this key meanwhile, and the next number is above all before. Raises
        `RateLimited` when others do not come to an end; nothing has left then."""
        mine, until = uuid4().hex, time.monotonic() + self._wait_s
        while not cache.add(self._turn, mine, timeout=TURN_S):
            if time.monotonic() > until:
                raise RateLimited("the key is being used by another process", WAIT_S)
            time.sleep(STEP_S)
        try:
            ccxt.last_nonce = max(ccxt.last_nonce, cache.get(self._last, 0))
            yield
        finally:
            shared_counts().raise_to(self._last, ccxt.last_nonce, KEPT_S)
            # A turn that took too long may be another's by now.
            if cache.get(self._turn) == mine:
                cache.delete(self._turn)
