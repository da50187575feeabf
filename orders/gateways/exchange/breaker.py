"""Whether an exchange may be spoken to now: what one process is told, all of them obey.

A ban for too many requests counts for an address or for an account, as the exchange counts it; so one
person's storm stops that person where it can.
"""

from dataclasses import dataclass, field
from math import ceil

from tradingbot.counting import Counts, shared_counts

MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class SharedBreaker:
    """In the cache, which all processes share when there is more than one."""

    name: str
    counts: Counts = field(default_factory=shared_counts)

    def wait_s(self, now_s: float) -> float:
        """For how many seconds nothing may be sent; 0: speak."""
        until_us = self.counts.count({self._key: (0, 0)})[self._key]
        return max(until_us / MICRO - now_s, 0.0)

    def trip(self, seconds: float, now_s: float) -> None:
        """Send nothing for so long."""
        # The cache keeps whole seconds: it must not forget before the time has come.
        self.counts.raise_to(self._key, ceil((now_s + seconds) * MICRO), ceil(seconds) + 1)

    @property
    def _key(self) -> str:
        return f"breaker:{self.name}"
