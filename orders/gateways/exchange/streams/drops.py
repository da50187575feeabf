"""Messages that cannot be: dropped, counted, and told of in the log once a minute."""

import logging
from collections import Counter
from collections.abc import Mapping
from threading import Lock
from time import monotonic

SAY_EVERY_S = 60.0

log = logging.getLogger(__name__)


class Drops:
    """Of one exchange, from several threads. The first is told at once, those after it together."""

    def __init__(self, exchange: str) -> None:
        self.exchange = exchange
        self._lock = Lock()
        self._total: Counter[str] = Counter()
        self._unsaid: Counter[str] = Counter()
        self._say_at_s = 0.0

    @property
    def total(self) -> Mapping[str, int]:
        with self._lock:
            return dict(self._total)

    def count(self, why: str, number: int = 1) -> None:
        if number:
            with self._lock:
                self._total[why] += number
                self._unsaid[why] += number
            self.say()

    def say(self) -> None:
        """Tell what has not been told of yet, unless something was a moment ago."""
        with self._lock:
            if not self._unsaid or monotonic() < self._say_at_s:
                return
            dropped = dict(self._unsaid)
            self._unsaid.clear()
            self._say_at_s = monotonic() + SAY_EVERY_S
        log.warning("streams.dropped", extra={"exchange": self.exchange, "dropped": dropped})
