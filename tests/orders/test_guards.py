"""The database's own guards: each is there after migrating, and none lets a row into another's tenancy."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.models import Model

from accounts.models import ExchangeAccount
from activity.models import ActivityLog, Delivery
from bots.models import (
    Backtest,
    BacktestRows,
    Bot,
    BotCommand,
    BotSettings,
    Deal,
    Decision,
    EquityPoint,
    KillSwitch,
)
from orders.models import Balance, LedgerEntry, Order, Trade
from tests import people
from tradingbot.db import Immutable, SameOwner

OURS = ("accounts", "bots", "orders", "activity")
CATALOGUE = {
    "sqlite": "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL",
    "postgresql": """
        SELECT conname FROM pg_constraint UNION SELECT indexname FROM pg_indexes
        UNION SELECT tgname FROM pg_trigger
    """,
}


def guards() -> list[tuple[type[Model], Any]]:
    models = [model for label in OURS for model in apps.get_app_config(label).get_models()]
    return [(model, guard) for model in models for guard in model._meta.constraints]


def written_in_the_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute(CATALOGUE[connection.vendor])
        return "\n".join(f'"{text}"' for (text,) in cursor.fetchall())


def refused(act: Callable[[], object]) -> bool:
    try:
        with transaction.atomic():
            act()
            connection.check_constraints()
    except IntegrityError:
        return True
    return False


@pytest.mark.django_db
def test_every_guard_stands_in_the_migrated_database() -> None:
    text = written_in_the_database()
    missing = [guard.name for _, guard in guards() if f'"{guard.name}"' not in text]
    assert missing == []
    assert len(guards()) > 50


@pytest.mark.django_db
def test_every_table_that_points_to_owned_rows_says_whose_they_are() -> None:
    owned = {ExchangeAccount, Backtest, Bot, Order, Trade}
    unguarded = [
        f"{model.__name__}.{field.name}"
        for label in OURS
        for model in apps.get_app_config(label).get_models()
        for field in model._meta.concrete_fields
        if field.related_model in owned
        and field.column
        not in {guard.column for guard in model._meta.constraints if isinstance(guard, SameOwner)}
    ]
    assert unguarded == []


@pytest.mark.django_db(transaction=True)
def test_no_row_can_point_into_anothers_tenancy() -> None:
    """Each row of Alice's that names an owned row is given to Bob, and refused for that alone."""
    bot = people.bot(people.alice())
    stranger = people.bob()
    people.trade(people.open_order(bot))
    of_bot: dict[str, Any] = {"user": people.alice(), "bot": bot}
    BotCommand.objects.create(**of_bot, kind="close_now", made_at=people.NOW)
    Deal.objects.create(**of_bot, number=1, settings_version=1, opened_at=people.NOW)
    EquityPoint.objects.create(**of_bot, at=people.NOW, equity=1, price=1, funded=1)
    ActivityLog.objects.create(**of_bot, message="Bought.", timestamp=people.NOW)
    Delivery.objects.create(**of_bot, topic="bot", made_at=people.NOW)
    KillSwitch.objects.create(**of_bot, scope="bot", level="block", pressed_at=people.NOW)
    backtest = people.backtest(people.alice(), bot=bot)
    BacktestRows.objects.create(user=people.alice(), backtest=backtest, kind="deals", number=0, packed=b"")
    kinds = (Bot, BotSettings, Decision, BotCommand, Deal, EquityPoint, Order, Balance, ActivityLog, Delivery)
    for kind in (*kinds, KillSwitch, Backtest, BacktestRows):
        rows = kind._default_manager.filter(user=people.alice())
        assert rows.exists(), kind
        assert refused(partial(rows.update, user=stranger)), kind
        assert rows.exists(), kind


@pytest.mark.django_db(transaction=True)
def test_a_new_row_cannot_name_anothers_bot_account_or_order() -> None:
    mine, theirs = people.bot(people.alice()), people.bot(people.bob())
    order = people.open_order(theirs)
    trade = people.trade(order)
    entry = LedgerEntry.objects.filter(trade=trade).earliest("pk")
    assert not refused(lambda: copied(order, client_id="own", exchange_order_id="own", slot="own"))
    forged: list[Callable[[], object]] = [
        lambda: copied(mine, account=theirs.account),
        lambda: copied(order, client_id="a", exchange_order_id="a", slot="a", bot=mine),
        lambda: copied(order, client_id="b", exchange_order_id="b", slot="b", account=mine.account),
        lambda: copied(trade, exchange_trade_id="c", number=99, user=mine.user, bot=mine),
        lambda: copied(trade, exchange_trade_id="d", number=99, user=mine.user),
        lambda: copied(entry, trade=None, account=mine.account),
        lambda: copied(entry, trade=None, bot=mine),
        lambda: copied(entry, user=mine.user, account=mine.account, bot=mine),
    ]
    assert [number for number, forge in enumerate(forged) if not refused(forge)] == []


def copied(row: Any, **changes: Any) -> Any:
    """A second row like this one, but for `changes`."""
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    values.pop(row._meta.pk.attname)
    for name, value in changes.items():
        values[name] = value
        values.pop(f"{name}_id", None)
    return type(row)._default_manager.create(**values)


@pytest.mark.django_db(transaction=True)
def test_what_is_immutable_is_never_updated() -> None:
    people.trade(people.open_order(people.bot(people.alice())))
    immutable = [model for model, guard in guards() if isinstance(guard, Immutable)]
    assert {Trade, LedgerEntry} <= set(immutable)
    for model in immutable:
        rows = model._default_manager.all()
        assert rows.exists(), model
        assert refused(partial(rows.update, user=people.alice())), model
