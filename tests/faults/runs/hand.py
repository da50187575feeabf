"""The hand that ends a process, or holds it up, at one of the points it passes."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.engine.exchanges import Killed

WRITES = ("INSERT ", "UPDATE ", "DELETE ")


def nobody() -> None:
    """Nobody does anything."""


@dataclass
class Hand:
    """Lets a process die, or sleep, at a point that it passes: `left` more, and it happens. `meanwhile` is
    what others do while it sleeps, which it does only amid questions to an exchange.

    A dead process does nothing more, whatever its `finally` would like.
    """

    left: int | None = None
    sleeps: bool = False
    meanwhile: Callable[[], None] = nobody
    dead_at: str = ""
    asleep_at: str = ""

    def __call__(self, point: str) -> None:
        if self.dead_at:
            raise Killed(point)
        asks = point.startswith(("before_", "after_"))
        if self.left is None or not (asks or (point.startswith(WRITES) and not self.sleeps)):
            return
        self.left -= 1
        if self.left > 0:
            return
        self.left = None
        if self.sleeps:
            self.asleep_at = point
            self.meanwhile()
        else:
            self.dead_at = point
            raise Killed(point)
