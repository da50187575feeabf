"""The candles a signal can be computed on."""

from enum import StrEnum

MINUTE_MS = 60_000


class Timeframe(StrEnum):
    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H4 = "4h"
    D1 = "1d"

    @property
    def period_ms(self) -> int:
        minutes = {"m": 1, "h": 60, "d": 1440}[self.value[-1]]
        return int(self.value[:-1]) * minutes * MINUTE_MS
