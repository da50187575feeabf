"""Ways for a process to die in the midst of a turn, or to lose its database, at a place a test names."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from accounts.models import Environment
from bots.engine.turn import run_turn
from bots.models import Bot
from orders.gateways.base import Gateway, Report
from orders.models import Order
from tests.engine.exchanges import Killed
from tests.gateways.exchange.conftest import NAME, Floor

Execute = Callable[..., Any]


@dataclass
class Death:
    """The process dies at the `nth` statement that has these `words` in it, before the database hears of it;
    after that it does nothing more, not even let go of what it holds. `met`: every such statement so far."""

    words: str = ""
    nth: int | None = 1
    met: list[str] = field(default_factory=list)
    dead: bool = False

    def __call__(self, execute: Execute, sql: str, params: Any, many: bool, context: Any) -> Any:
        if self.dead:
            raise Killed
        if self.words in sql:
            self.met.append(sql)
            if len(self.met) == self.nth:
                self.dead = True
                raise Killed
        return execute(sql, params, many, context)


@dataclass
class After:
    """Once the transaction of the `nth` statement with these `words` is committed, `then` happens in place of
    what follows, as when the connection breaks before the answer to COMMIT comes."""

    words: str
    then: Exception | type[BaseException]
    nth: int = 1
    met: int = 0

    def __call__(self, execute: Execute, sql: str, params: Any, many: bool, context: Any) -> Any:
        if self.words in sql:
            self.met += 1
            if self.met == self.nth:
                transaction.on_commit(self._happens)
        return execute(sql, params, many, context)

    def _happens(self) -> None:
        raise self.then


@contextmanager
def dies(death: Callable[..., Any]) -> Iterator[None]:
    """The process lives until `death` strikes; then the block is over."""
    try:
        with connection.execute_wrapper(death):
            yield
    except Killed:
        connection.close()


@dataclass
class Between:
    """A gateway that does something of a test's before an order leaves, and after its answer has come."""

    real: Gateway
    before: Callable[[Order], object]
    after: Callable[[Order], object]
    may_be_late: bool = True

    def wait_s(self, order: Order) -> float:
        return self.real.wait_s(order)

    def create(self, order: Order) -> Report:
        self.before(order)
        report = self.real.create(order)
        self.after(order)
        return report

    def lookup(self, order: Order) -> Report | None:
        return self.real.lookup(order)

    def cancel(self, order: Order) -> Report:
        return self.real.cancel(order)

    def news(self, orders: Sequence[Order]) -> Sequence[Report]:
        return self.real.news(orders)

    def surely_not_placed(self, order: Order, now: datetime) -> bool:
        return self.real.surely_not_placed(order, now)


def nothing(order: Order) -> None: ...


def turn_with(
    floor: Floor,
    bot: Bot,
    *,
    before: Callable[[Order], object] = nothing,
    after: Callable[[Order], object] = nothing,
) -> None:
    """A turn of the bot through such a gateway."""
    exchanges = floor.exchanges
    gateway = Between(exchanges.gateway(NAME, Environment.LIVE), before, after)
    slow = replace(exchanges, gateways={(NAME, Environment.LIVE): gateway})
    run_turn([bot.pk], exchanges=slow, now=floor.now)


def once(what: Callable[[Order], object]) -> Callable[[Order], None]:
    """The first time only."""
    done: list[bool] = []

    def happens(order: Order) -> None:
        if not done:
            done.append(True)
            what(order)

    return happens


def killed(order: Order) -> None:
    raise Killed
