"""Ways for a process to die in the midst of a turn, or to lose its database, at a place a test names."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import connection, transaction

from accounts.models import Environment
from bots.engine.turn import run_turn
from bots.models import Bot
from tests.engine.exchanges import Killed
from tests.faults.points import WatchedGateway
from tests.gateways.exchange.conftest import Floor
from tests.gateways.exchange.public import NAME

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


def nothing() -> None: ...


def turn_with(
    floor: Floor,
    bot: Bot,
    *,
    before: Callable[[], object] = nothing,
    after: Callable[[], object] = nothing,
) -> None:
    """A turn of the bot in which something of a test's happens before an order leaves, and after its answer
    has come."""
    happens, place = {"before_create": before, "after_create": after}, (NAME, Environment.LIVE)
    watched = WatchedGateway(floor.exchanges.gateways[place], lambda point: happens.get(point, nothing)())
    run_turn([bot.pk], exchanges=replace(floor.exchanges, gateways={place: watched}), now=floor.now)


def once(what: Callable[[], object]) -> Callable[[], None]:
    """The first time only."""
    done: list[bool] = []

    def happens() -> None:
        if not done:
            done.append(True)
            what()

    return happens


def killed() -> None:
    raise Killed
