"""What goes wrong, and when: a plan that a test fills.

    exchange.faults.add("drop_answer", method="POST", path="/api/v3/order")
    exchange.faults.add("lag", path="/api/v3/myTrades", times=None, seconds=30)
    exchange.faults.add("duplicate", method="EVENT", path="executionReport")

A fault strikes the requests its method, path (`*` and `?` allowed) and `where` (parameters) match: it
passes over the first `after` of them, then strikes `times` times (None: always). Several faults on one
request nest in the order they were added. Events of the streams are matched by the method EVENT and
their name.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

EVENT = "EVENT"
# The requests that faults mostly befall: `faults.add("drop_answer", **CREATE)`.
CREATE: dict[str, Any] = {"method": "POST", "path": "/api/v3/order"}
LOOKUP: dict[str, Any] = {"method": "GET", "path": "/api/v3/order"}
CANCEL: dict[str, Any] = {"method": "DELETE", "path": "/api/v3/order"}
TRADES: dict[str, Any] = {"method": "GET", "path": "/api/v3/myTrades"}
# What can befall an event of a stream; `rewrite` can too, when it is added with method=EVENT.
EVENT_EFFECTS = {
    "drop": frozenset[str](),
    "duplicate": frozenset({"copies"}),
    "shuffle": frozenset[str](),
    "hold": frozenset({"seconds"}),
    "disconnect": frozenset[str](),
}


@dataclass
class Fault:
    effect: str
    method: str = "*"
    path: str = "*"
    where: dict[str, str] = field(default_factory=dict)
    after: int = 0
    times: int | None = 1
    options: dict[str, Any] = field(default_factory=dict)
    met: int = 0
    struck: int = 0

    def matches(self, method: str, path: str, params: Mapping[str, str]) -> bool:
        return (
            (method == EVENT) == (self.method == EVENT)
            and fnmatchcase(method, self.method)
            and fnmatchcase(path, self.path)
            and all(params.get(name) == value for name, value in self.where.items())
        )

    def strikes(self) -> bool:
        """Counts a request it matches, and says whether this is one to spoil."""
        self.met += 1
        if self.met <= self.after or (self.times is not None and self.struck >= self.times):
            return False
        self.struck += 1
        return True


class Faults:
    """The plan. `release` lets everything go that was held back without an end."""

    def __init__(self, effects: Mapping[str, frozenset[str]]) -> None:
        """`effects` are the names there are, and the options of each."""
        self._effects = effects
        self._lock = threading.Lock()
        self.plan: list[Fault] = []
        self.released = threading.Event()
        self._waiting: list[Callable[[], None]] = []

    def add(
        self,
        effect: str,
        *,
        method: str = "*",
        path: str = "*",
        where: Mapping[str, str] | None = None,
        after: int = 0,
        times: int | None = 1,
        **options: Any,
    ) -> Fault:
        if effect not in self._effects:
            raise ValueError(f"{effect!r} is none of {sorted(self._effects)}")
        if strange := set(options) - self._effects[effect]:
            raise ValueError(f"{sorted(strange)} are no options of {effect}: {sorted(self._effects[effect])}")
        if effect in EVENT_EFFECTS:
            method = EVENT
        fault = Fault(effect, method, path, dict(where or {}), after, times, options)
        with self._lock:
            self.plan.append(fault)
        return fault

    def strike(self, method: str, path: str, params: Mapping[str, str]) -> list[Fault]:
        """The faults that befall this request, outermost first."""
        with self._lock:
            return [fault for fault in self.plan if fault.matches(method, path, params) and fault.strikes()]

    def clear(self) -> None:
        """Ends every fault; what is held back goes out."""
        with self._lock:
            self.plan.clear()
        self.release()

    def when_released(self, then: Callable[[], None]) -> None:
        """Calls back, once, in the thread that releases."""
        self._waiting.append(then)

    def release(self) -> None:
        """Lets go of every request and event held back without a time."""
        self.released.set()
        self.released = threading.Event()
        waiting, self._waiting = self._waiting, []
        for then in waiting:
            then()
