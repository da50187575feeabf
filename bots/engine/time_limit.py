"""How long a strategy may think. One that never ends is stopped where it stands, and only its bot fails.

It holds no lock and no row, so an exception may strike it anywhere. Nothing else may be run under the limit.
"""

import ctypes
import threading
from time import monotonic
from types import TracebackType
from typing import Self

THINKS_MAX_S = 5.0
LOOKS_EVERY_S = 0.25


class TookTooLong(Exception):
    """The strategy did not come to a decision in time."""


class Watch:
    """One thread looks after all that think; it sleeps while nobody does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thinking: dict[int, float] = {}
        self._somebody = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, ident: int, seconds: float) -> None:
        with self._lock:
            self._thinking[ident] = monotonic() + seconds
            if self._thread is None or not self._thread.is_alive():  # a fork takes no threads along
                self._thread = threading.Thread(target=self._look, name="time limit", daemon=True)
                self._thread.start()
        self._somebody.set()

    def end(self, ident: int) -> None:
        """After this the thread is not struck any more."""
        with self._lock:
            if self._thinking.pop(ident, None) is None:
                _strike(ident, None)

    def _look(self) -> None:
        while True:
            self._somebody.wait()
            threading.Event().wait(LOOKS_EVERY_S)
            with self._lock:
                for ident in [ident for ident, until in self._thinking.items() if until < monotonic()]:
                    del self._thinking[ident]
                    _strike(ident, TookTooLong)
                if not self._thinking:
                    self._somebody.clear()


def _strike(ident: int, error: type[Exception] | None) -> None:
    """Raise `error` in that thread at its next step; None takes back what has not struck yet."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(ident), None if error is None else ctypes.py_object(error)
    )


_watch = Watch()


class TimeLimit:
    """`with TimeLimit(seconds):` raises `TookTooLong` in the block when it takes longer."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._ident = seconds, threading.get_ident()

    def __enter__(self) -> Self:
        _watch.begin(self._ident, self._seconds)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _watch.end(self._ident)
