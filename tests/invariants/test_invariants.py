"""Every invariant: a sound database keeps them all, and each way of tampering is found out."""

from collections.abc import Iterator
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from activity.models import ActivityLog
from bots.models import Bot
from orders import money
from orders.invariants import breaches, examine
from orders.models import Order
from orders.rules import FeeIn, Side
from tests import people
from tests.invariants.books import traded
from tests.invariants.tampering import TAMPERINGS, Tampering

pytestmark = pytest.mark.django_db

READS = 27


@pytest.fixture(autouse=True)
def checks_return() -> Iterator[None]:
    yield
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA ignore_check_constraints = OFF")


def codes() -> set[str]:
    return {breach.code for breach in breaches()}


def test_a_sound_database_has_no_breach() -> None:
    traded()
    people.open_order(people.bot(people.bob()))
    examined = examine()
    assert examined.breaches == []
    assert {noun: examined.counted[noun] for noun in ("bots", "orders", "trades")} == {
        "bots": 2,
        "orders": 6,
        "trades": 3,
    }


def test_an_empty_database_has_no_breach() -> None:
    assert breaches() == []


def test_fees_in_base_and_coins_that_come_and_go_keep_the_books_whole() -> None:
    people.market(fee_in=FeeIn.RECEIVED)
    account = people.paper_account(people.alice(), USDT=Decimal(5000), BTC=Decimal(3))
    bot = people.bot(people.alice(), account)
    people.trade(people.open_order(bot, amount=Decimal(2)))
    bot.refresh_from_db()
    money.fund_coins(bot=bot, base=Decimal("1.5"), price=Decimal(104), now=people.NOW)
    people.trade(people.open_order(bot, Side.SELL, amount=Decimal("3.2"), price=Decimal(107)))
    assert breaches() == []
    bot.refresh_from_db()
    money.release_coins(bot=bot, base=bot.position_amount, price=Decimal(99), now=people.NOW)
    bot.refresh_from_db()
    money.release(bot=bot, quote=bot.cash, now=people.NOW)
    assert breaches() == []


@pytest.mark.parametrize(
    ("expected", "tamper"),
    [(codes, act) for _, codes, act in TAMPERINGS],
    ids=[name for name, _, _ in TAMPERINGS],
)
def test_tampering_is_found_out(expected: set[str], tamper: Tampering) -> None:
    books = traded()
    tamper(books)
    assert codes() == expected


def test_a_row_of_another_user_is_found_out() -> None:
    """The database holds the two together, but only at the transaction's end."""
    bot, stranger = people.bot(people.alice()), people.bob()
    row = ActivityLog.objects.create(user=bot.user, bot=bot, message="Hello.", timestamp=people.NOW)
    ActivityLog.objects.filter(pk=row.pk).update(user=stranger)
    found = breaches()
    ActivityLog.objects.filter(pk=row.pk).update(user=bot.user)
    assert [str(breach) for breach in found] == [
        f"S1 activity log {row.pk}: belongs to another user than its bot"
    ]


def test_a_breach_reads_as_a_sentence() -> None:
    order = traded().bought
    Order.objects.filter(pk=order.pk).update(filled=Decimal("0.3"), status="cancelled")
    assert [str(breach) for breach in breaches()] == [
        f'I10 order {order.pk} of bot {order.bot_id} "Demo grid": filled 0.3, its trades sum to 2'
    ]


def test_more_bots_need_no_more_reads(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    people.bot(people.alice())
    with django_assert_num_queries(READS):
        breaches()
    for _ in range(4):
        people.trade(people.open_order(people.bot(people.bob())))
    with django_assert_num_queries(READS):
        breaches()


@pytest.mark.django_db(transaction=True)
def test_it_reads_in_transactions_of_its_own_and_leaves_none_open() -> None:
    bot = people.bot(people.alice())
    people.trade(people.open_order(bot))
    assert breaches() == []
    assert not connection.in_atomic_block
    Bot.objects.filter(pk=bot.pk).update(name="Renamed")


def test_the_command_names_each_breach_and_fails() -> None:
    """No decision here was made by a strategy, so there is nothing to replay."""
    bot = people.bot(people.alice())
    said = StringIO()
    call_command("check_invariants", stdout=said)
    assert said.getvalue().startswith("Checked 1 balances, 1 bots")
    Bot.objects.filter(pk=bot.pk).update(deal_number=1)
    said = StringIO()
    with pytest.raises(CommandError, match="1 invariant does not hold") as failed:
        call_command("check_invariants", stdout=said)
    assert failed.value.returncode == 1
    assert said.getvalue().startswith(f'DEAL bot {bot.pk} "Demo grid": ')
