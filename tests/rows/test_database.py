"""The database is locked, full or read-only; a commit of which nobody knows (rows 25, 27, 29)."""

import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError, connection

from bots.engine.claims import LEASE_S
from bots.models import Bot, BotStatus
from orders.states import OrderStatus
from tests.gateways.exchange.books import agree, come_to_rest, statuses
from tests.gateways.exchange.conftest import Floor
from tests.rows.deaths import After

FILLED, OPEN = OrderStatus.FILLED, OrderStatus.OPEN
TROUBLE = (OperationalError, InterfaceError, InternalError)
WRITES = ("INSERT", "UPDATE", "DELETE")
PATIENCE_MS = 50
# Which write of a turn is the first to fail: the decision, the claim, the booking, the target's.
FIRST_WRITES = [1, 3, 6, 8, 10, 14, 20, 24]


@contextmanager
def told(*words: str, after: str) -> Iterator[None]:
    """Settings of the connection, for as long as the block."""
    with connection.cursor() as cursor:
        for word in words:
            cursor.execute(word)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(after)


@contextmanager
def read_only() -> Iterator[None]:
    if connection.vendor == "sqlite":
        with told("PRAGMA query_only = ON", after="PRAGMA query_only = OFF"):
            yield
    else:
        with told("SET default_transaction_read_only = on", after="RESET default_transaction_read_only"):
            yield


@contextmanager
def locked() -> Iterator[None]:
    """Somebody else holds what a turn needs, for longer than it waits."""
    name = connection.settings_dict["NAME"]
    other: Any
    if connection.vendor == "sqlite":
        other = sqlite3.connect(name, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        patience, usual = f"PRAGMA busy_timeout = {PATIENCE_MS}", "PRAGMA busy_timeout = 20000"
    else:
        other = another()
        other.execute("LOCK TABLE bots_bot, orders_order IN EXCLUSIVE MODE")
        patience, usual = f"SET lock_timeout = {PATIENCE_MS}", "RESET lock_timeout"
    try:
        with told(patience, after=usual):
            yield
    finally:
        other.rollback()
        other.close()


def another() -> Any:
    """A connection to the tests' PostgreSQL that Django knows nothing of."""
    database = settings.DATABASES["default"]
    parts = {"host": database["HOST"], "port": database["PORT"], "user": database["USER"]}
    name = connection.settings_dict["NAME"]
    return psycopg.connect(dbname=name, password=database["PASSWORD"], **parts)


@contextmanager
def full() -> Iterator[None]:
    """SQLite may not grow by a page; a server has no such setting, so its word is said in its place."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA page_count")
            (pages,) = cursor.fetchone()
        with told(f"PRAGMA max_page_count = {pages}", after="PRAGMA max_page_count = 1073741823"):
            yield
    else:
        with connection.execute_wrapper(FullFrom(1)):
            yield


class FullFrom:
    """From the nth write on the disk is full."""

    def __init__(self, nth: int) -> None:
        self.left = nth

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(WRITES):
            self.left -= 1
            if self.left <= 0:
                raise OperationalError("database or disk is full")
        return execute(sql, params, many, context)


FAULTS: list[Callable[[], AbstractContextManager[None]]] = [read_only, locked, full]


@pytest.mark.row(29)
@pytest.mark.parametrize("fault", FAULTS)
def test_while_nothing_can_be_written_nothing_is_sent_and_what_rests_stays(
    floor: Floor, fault: Callable[[], AbstractContextManager[None]]
) -> None:
    holding, entering = floor.bot("Holding"), floor.bot("Entering")
    floor.turn(holding)
    sent = len(floor.exchange.oracle.creates)
    with fault():
        for _ in range(2):
            with suppress(*TROUBLE):
                floor.turn(holding, entering)
    assert len(floor.exchange.oracle.creates) == sent
    assert floor.exchange.ledger.orders[-1].open, "its target protects the position"
    come_to_rest(floor)
    assert statuses(floor, entering) == [FILLED, OPEN]
    agree(floor)


@pytest.mark.row(29)
@pytest.mark.parametrize("nth", FIRST_WRITES)
def test_a_disk_that_is_full_in_the_midst_of_a_turn_is_no_fault_of_the_bots(floor: Floor, nth: int) -> None:
    bot = floor.bot()
    disk = FullFrom(nth)
    with connection.execute_wrapper(disk), suppress(*TROUBLE):
        floor.turn(bot)
    assert disk.left <= 0, "a turn has fewer writes, and the disk was never full"
    row = Bot.objects.get(pk=bot.pk)
    assert (row.status, row.failures) == (BotStatus.ACTIVE, 0)
    come_to_rest(floor)
    told_of = statuses(floor, bot)
    assert (told_of.count(FILLED), told_of.count(OPEN)) == (1, 1)
    agree(floor)


@contextmanager
def files_may_not_grow_over(size: int) -> Iterator[None]:
    """For this process: SQLite's log of changes is written anew from its beginning."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.row(29)
@pytest.mark.sqlite_only  # a server's files are its own
@pytest.mark.parametrize("kib", [16, 64, 96, 128, 192])
def test_a_file_that_cannot_grow_any_more_stops_a_turn_and_loses_nothing(
    floor: Floor, kib: int, caplog: pytest.LogCaptureFixture
) -> None:
    bot = floor.bot()
    with files_may_not_grow_over(kib * 1024), suppress(*TROUBLE):
        floor.turn(bot)
    assert "turn.away" in caplog.text, "it has found room for all that it wrote"
    row = Bot.objects.get(pk=bot.pk)
    assert (row.status, row.failures) == (BotStatus.ACTIVE, 0)
    come_to_rest(floor)
    told_of = statuses(floor, bot)
    assert (told_of.count(FILLED), told_of.count(OPEN)) == (1, 1)
    agree(floor)


COMMITS = [
    'INSERT INTO "bots_decision"',
    'UPDATE "orders_order" SET "status"',
    'INSERT INTO "orders_trade"',
    'INSERT INTO "bots_deal"',
]


@pytest.mark.row(27)
@pytest.mark.parametrize("words", COMMITS)
def test_a_commit_whose_answer_is_lost_is_not_made_twice(floor: Floor, words: str) -> None:
    """It was made; its writer hears only that the connection is gone, and somebody begins again."""
    bot = floor.bot()
    lost = After(words, OperationalError("server closed the connection unexpectedly"))
    with connection.execute_wrapper(lost), suppress(*TROUBLE):
        floor.turn(bot)
    assert lost.met, "there is such a statement"
    assert Bot.objects.get(pk=bot.pk).failures == 0
    come_to_rest(floor)
    told_of = statuses(floor, bot)
    assert (told_of.count(FILLED), told_of.count(OPEN)) == (1, 1)
    agree(floor)


@pytest.mark.row(25)
@pytest.mark.postgres_only
@pytest.mark.parametrize("words", COMMITS)
def test_a_connection_that_dies_in_the_midst_of_a_transaction_takes_it_along(
    floor: Floor, words: str
) -> None:
    bot = floor.bot()
    cut = Cut(words)
    with connection.execute_wrapper(cut), suppress(*TROUBLE):
        floor.turn(bot)
    assert cut.done
    connection.close()
    come_to_rest(floor)
    told_of = statuses(floor, bot)
    assert (told_of.count(FILLED), told_of.count(OPEN)) == (1, 1)
    assert Bot.objects.get(pk=bot.pk).status == BotStatus.ACTIVE
    agree(floor)


class Cut:
    """The server ends our connection right after the first statement with these words."""

    def __init__(self, words: str) -> None:
        self.words, self.done = words, False

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        done = execute(sql, params, many, context)
        if self.words in sql and not self.done:
            self.done = True
            with connection.cursor() as cursor, suppress(OperationalError):
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return done


@pytest.mark.row(19)
@pytest.mark.postgres_only
def test_a_process_that_stands_still_in_a_transaction_holds_no_row_for_long(floor: Floor) -> None:
    """The server ends it, sooner than a lease: else the next worker would wait for it without end."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setting::int FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'"
        )
        assert 0 < cursor.fetchone()[0] < LEASE_S * 1000
    bot, sleeper = floor.bot(), another()
    sleeper.execute(f"SET idle_in_transaction_session_timeout = {PATIENCE_MS}")
    sleeper.execute("UPDATE bots_bot SET updated_at = now()")
    floor.turn(bot)
    assert statuses(floor, bot) == [FILLED, OPEN]
    with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
        sleeper.commit()
    sleeper.close()
    agree(floor)
