"""Request weight by the minute and orders by ten seconds and by day; then 429, and for who goes on, 418."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.exchange.rejections import Rejection

MINUTE_MS = 60_000
TEN_SECONDS_MS = 10_000
DAY_MS = 86_400_000


@dataclass
class Limits:
    """Counts for the one address all clients come from; orders count for each account."""

    clock: Callable[[], int]
    weight_max: int = 6_000
    orders_max: int = 100
    orders_day_max: int = 200_000
    # After so many requests in spite of 429 the address is banned.
    patience: int = 10
    ban_ms: int = 120_000
    banned_until: int = 0
    _used: dict[int, int] = field(default_factory=dict)
    _ignored: int = 0
    _orders: defaultdict[tuple[str, int, int], int] = field(default_factory=lambda: defaultdict(int))

    def used(self) -> int:
        return self._used.get(self.clock() // MINUTE_MS, 0)

    def spend(self, weight: int) -> None:
        """Counts a request; raises 429 above the limit and 418 for who does not listen."""
        now = self.clock()
        if now < self.banned_until:
            raise self._banned(now)
        minute = now // MINUTE_MS
        if minute not in self._used:
            self._used, self._ignored = {minute: 0}, 0
        self._used[minute] += weight
        if self._used[minute] <= self.weight_max:
            return
        self._ignored += 1
        if self._ignored > self.patience:
            self.banned_until = now + self.ban_ms
            raise self._banned(now)
        wait = max(1, (MINUTE_MS - now % MINUTE_MS) // 1000)
        raise Rejection(
            -1003,
            f"Too much request weight used; current limit is {self.weight_max} request weight per 1 MINUTE. "
            "Please use WebSocket Streams for live updates to avoid polling the API.",
            status=429,
            headers={"Retry-After": str(wait)},
        )

    def _banned(self, now: int) -> Rejection:
        return Rejection(
            -1003,
            f"Way too much request weight used; IP banned until {self.banned_until}. "
            "Please use WebSocket Streams for live updates to avoid bans.",
            status=418,
            headers={"Retry-After": str(max(1, (self.banned_until - now) // 1000))},
        )

    def order(self, key: str) -> dict[str, str]:
        """Counts an order; returns the headers that tell the counts."""
        now = self.clock()
        windows = {
            "10S": (TEN_SECONDS_MS, self.orders_max, "10 SECOND"),
            "1D": (DAY_MS, self.orders_day_max, "1 DAY"),
        }
        told = {}
        for name, (length, most, words) in windows.items():
            slot = (key, length, now // length)
            if self._orders[slot] >= most:
                raise Rejection(
                    -1015, f"Too many new orders; current limit is {most} orders per {words}.", status=429
                )
            self._orders[slot] += 1
            told[f"X-MBX-ORDER-COUNT-{name}"] = str(self._orders[slot])
        return told

    def headers(self) -> dict[str, str]:
        used = str(self.used())
        return {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used}

    def told(self) -> list[dict[str, Any]]:
        """The rules as exchangeInfo tells them."""
        rules = (
            ("REQUEST_WEIGHT", "MINUTE", 1, self.weight_max),
            ("ORDERS", "SECOND", 10, self.orders_max),
            ("ORDERS", "DAY", 1, self.orders_day_max),
            ("RAW_REQUESTS", "MINUTE", 5, 61_000),
        )
        return [
            {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": most}
            for kind, interval, number, most in rules
        ]
