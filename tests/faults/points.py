"""Named points at which a process may die: around each question to an exchange, and before each statement
to the database.

Nothing of this is in the product: a gateway is handed in wrapped, and the connection is watched from outside.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from orders.gateways.base import Gateway, Report
from orders.models import Order

# Told the name of each point that is passed; it returns, or the process is dead.
At = Callable[[str], object]


@dataclass
class WatchedGateway:
    """The gateway within, each call between two points: before_create, after_create, before_cancel, …"""

    within: Gateway
    at: At

    @property
    def may_be_late(self) -> bool:
        return self.within.may_be_late

    def wait_s(self, order: Order) -> float:
        return self.within.wait_s(order)

    def create(self, order: Order) -> Report:
        with self._between("create"):
            return self.within.create(order)

    def lookup(self, order: Order) -> Report | None:
        with self._between("lookup"):
            return self.within.lookup(order)

    def cancel(self, order: Order) -> Report:
        with self._between("cancel"):
            return self.within.cancel(order)

    def news(self, orders: Sequence[Order]) -> Sequence[Report]:
        with self._between("news"):
            return self.within.news(orders)

    def surely_not_placed(self, order: Order, now: datetime) -> bool:
        return self.within.surely_not_placed(order, now)

    @contextmanager
    def _between(self, word: str) -> Iterator[None]:
        """After an error nothing is passed: it travels on, as it would."""
        self.at(f"before_{word}")
        yield
        self.at(f"after_{word}")


@contextmanager
def statements_watched(at: At) -> Iterator[None]:
    """Until the block ends `at` is told of each statement before it runs: "UPDATE orders_order"."""

    def watched(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        at(named(sql))
        return run(sql, params, many, context)

    with connection.execute_wrapper(watched):
        yield


def named(sql: str) -> str:
    """The verb and the table of a statement."""
    words = sql.replace('"', " ").split(maxsplit=12)
    verb = words[0].upper()
    before = {"INSERT": "INTO", "UPDATE": "UPDATE", "DELETE": "FROM"}.get(verb)
    upper = [word.upper() for word in words]
    if before is None or before not in upper[:-1]:
        return verb
    return f"{verb} {words[upper.index(before) + 1]}"
