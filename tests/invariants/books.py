"""A bot that has traded, and ways around the database's guards to tamper with its rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection, models
from django.db.backends.utils import CursorWrapper

from bots.models import Bot
from orders.models import Order, Trade
from orders.rules import Side
from tests import people


@dataclass(frozen=True)
class Traded:
    """A bot that bought 2 in two fills, sold 1 of them, has orders resting and one cancelled."""

    bot: Bot
    bought: Order
    sold: Order
    buying: Order
    selling: Order
    ended: Order
    trades: list[Trade]


def traded() -> Traded:
    bot = people.bot(people.alice())
    bought = people.open_order(bot, amount=Decimal(2), price=Decimal(100), slot="line-1")
    trades = [people.trade(bought, Decimal("0.5"))]
    bought.refresh_from_db()
    trades.append(people.trade(bought))
    sold = people.open_order(bot, Side.SELL, amount=Decimal(1), price=Decimal(110), slot="line-2")
    trades.append(people.trade(sold))
    buying = people.open_order(bot, amount=Decimal(1), price=Decimal("95.5"), slot="line-3")
    selling = people.open_order(bot, Side.SELL, amount=Decimal(1), price=Decimal(120), slot="line-4")
    ended = people.cancelled(people.open_order(bot, price=Decimal(90), slot="line-5"))
    for row in (bot, bought, sold, buying, selling):
        row.refresh_from_db()
    return Traded(bot, bought, sold, buying, selling, ended, trades)


def delete(row: models.Model) -> None:
    """Take one row away, as nothing in the program does."""
    type(row)._default_manager.filter(pk=row.pk)._raw_delete("default")


@contextmanager
def without_trigger(model: type[models.Model], name: str) -> Iterator[None]:
    """The table's rows can be changed while its guard is away. It is put back as it was."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = %s", [name])
            (made,) = cursor.fetchone()
            cursor.execute(f'DROP TRIGGER "{name}"')
            yield
            cursor.execute(made)
        else:
            _judge_now(cursor)
            cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER "{name}"')
            yield
            _judge_now(cursor)
            cursor.execute(f'ALTER TABLE "{table}" ENABLE TRIGGER "{name}"')


def _judge_now(cursor: CursorWrapper) -> None:
    """PostgreSQL alters no table that still waits for its deferred constraints."""
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def without_check(model: type[models.Model], name: str) -> None:
    """The table takes any value until the test's transaction ends."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = ON")
        else:
            _judge_now(cursor)
            cursor.execute(f'ALTER TABLE "{model._meta.db_table}" DROP CONSTRAINT "{name}"')


def without_index(name: str) -> None:
    """A partial unique index is gone until the test's transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(f'DROP INDEX "{name}"')
