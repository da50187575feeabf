"""Questions that may take long, each exchange's in a thread of its own: a silent one delays no other."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue

# More than there are exchanges; beyond, one is not asked until another is not needed any more.
THREADS_MAX = 128

log = logging.getLogger(__name__)

Question = Callable[[], None]


@dataclass(slots=True)
class Askers:
    """Threads that stay, since each would else open its own connection to the cache every time."""

    threads_max: int = THREADS_MAX
    _asked: dict[str, "SimpleQueue[Question | None]"] = field(default_factory=dict)

    def ask(self, exchange: str, question: Question) -> bool:
        """Put a question; False when there are too many exchanges, and it was not put."""
        asked = self._asked.get(exchange)
        if asked is None:
            if len(self._asked) >= self.threads_max:
                return False
            asked = self._asked[exchange] = SimpleQueue()
            # Nobody waits at an end for an exchange that is silent.
            threading.Thread(target=_answer, args=(asked,), name=f"asks {exchange}", daemon=True).start()
        asked.put(question)
        return True

    def only(self, exchanges: set[str]) -> None:
        """Let those of other exchanges end."""
        for exchange in set(self._asked) - exchanges:
            self._asked.pop(exchange).put(None)


def _answer(asked: "SimpleQueue[Question | None]") -> None:
    while (question := asked.get()) is not None:
        try:
            question()
        except Exception:  # the outermost loop of a thread that has to stay
            log.exception("asking.failed")
