"""Operators look at everything, change nothing that money depends on, and may stop bots."""

import re
from decimal import Decimal

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import AccountState, ExchangeAccount, User
from activity import journal
from activity.models import ActivityLog
from bots.models import Backtest, BacktestRows, Bot, BotStatus, KillSwitch, Level, Phase, Scope
from bots.services import Target, switch_press
from bots.states import BacktestStatus
from orders.models import Order
from tests import people
from tests.accounts import desk
from tests.people import NOW
from tradingbot.admin import LATEST_ROWS

pytestmark = pytest.mark.django_db

OWN_MODELS = [
    model
    for app in ("accounts", "activity", "bots", "orders")
    for model in apps.get_app_config(app).get_models()
]
EDITABLE = {User}
QUERIES_OF_A_LIST_MAX = 10
QUERIES_OF_A_BOT_MAX = 10
SECRET_WORDS = ("password", "secret", "key")


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("operator@example.org", "correct horse"))
    return client


@pytest.fixture
def busy_bot() -> Bot:
    """A bot with more orders and decisions than its page shows."""
    people.market()
    bot = people.bot(people.alice(), funds=Decimal(10_000))
    for number in range(LATEST_ROWS + 5):
        people.order(bot, slot=f"rung-{number}", amount=Decimal("0.1"))
    return bot


def page(model: type[Model], name: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_{name}", args=args)


def test_every_model_of_ours_is_registered() -> None:
    assert {model for model in OWN_MODELS if not admin.site.is_registered(model)} == set()


@pytest.mark.parametrize("model", OWN_MODELS, ids=lambda model: model.__name__)
def test_a_list_is_shown_with_few_queries(
    model: type[Model], operator: Client, busy_bot: Bot, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    people.trade(people.open_order(busy_bot))
    journal.say(user_id=busy_bot.user_id, bot_id=busy_bot.pk, message="Hello.", now=NOW)
    with django_assert_max_num_queries(QUERIES_OF_A_LIST_MAX):
        answer = operator.get(page(model, "changelist"), {"q": "alice"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "model", [model for model in OWN_MODELS if model not in EDITABLE], ids=lambda m: m.__name__
)
def test_nothing_is_added_edited_or_removed_by_hand(
    model: type[Model], operator: Client, busy_bot: Bot
) -> None:
    people.trade(people.open_order(busy_bot))
    row = model._default_manager.first()
    assert operator.get(page(model, "add")).status_code == 403
    if row is not None:
        assert operator.get(page(model, "change", row.pk)).status_code == 200
        assert operator.post(page(model, "change", row.pk), {"name": "other"}).status_code == 403
        assert operator.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", OWN_MODELS, ids=lambda model: model.__name__)
def test_no_secret_has_a_field(model: type[Model], operator: Client) -> None:
    request = operator.get(reverse("admin:index")).wsgi_request
    fields = admin.site.get_model_admin(model).get_fields(request, model())
    names = [getattr(field, "__name__", field) for field in fields]
    assert [name for name in names if any(word in str(name) for word in SECRET_WORDS)] == []


def test_a_bots_page_shows_its_latest_rows_with_few_queries(
    operator: Client, busy_bot: Bot, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(QUERIES_OF_A_BOT_MAX):
        answer = operator.get(page(Bot, "change", busy_bot.pk))
    text = answer.content.decode()
    shown = [int(number) for number in re.findall(r"decision (\d+)", text)]
    assert shown == list(range(LATEST_ROWS + 5, 5, -1))
    assert text.count("has_original") == 2 * LATEST_ROWS
    assert "10,000" in text
    assert "000000000000000000" not in text


def test_the_chosen_bots_are_stopped_and_others_are_not(operator: Client) -> None:
    alice = people.alice()
    chosen, other = (people.bot(alice, status=BotStatus.ACTIVE) for _ in range(2))
    answer = operator.post(
        page(Bot, "changelist"), {"action": "stop_chosen", "_selected_action": [str(chosen.pk)]}, follow=True
    )
    assert "1 bot was told to stop." in answer.content.decode()
    chosen.refresh_from_db()
    other.refresh_from_db()
    assert (chosen.phase, bool(chosen.stop_request)) == (Phase.CLOSING, True)
    assert (other.phase, other.stop_request) == (Phase.WAITING, "")
    assert ActivityLog.objects.filter(bot=chosen, message__contains="Told to stop").exists()


def test_whoever_may_only_look_cannot_stop_a_bot() -> None:
    looks = User.objects.create_user("looks@example.org", "correct horse", is_staff=True)
    looks.user_permissions.add(Permission.objects.get(codename="view_bot"))
    bot = people.bot(people.alice(), status=BotStatus.ACTIVE)
    client = Client()
    client.force_login(looks)
    assert "Stop the chosen bots" not in client.get(page(Bot, "changelist")).content.decode()
    client.post(page(Bot, "changelist"), {"action": "stop_chosen", "_selected_action": [str(bot.pk)]})
    assert not Bot.objects.get(pk=bot.pk).stop_request


def test_the_chosen_backtests_are_cancelled_and_others_are_not(operator: Client) -> None:
    chosen, other = (people.backtest(people.alice()) for _ in range(2))
    form = {"action": "cancel_chosen", "_selected_action": [str(chosen.pk)]}
    answer = operator.post(page(Backtest, "changelist"), form, follow=True)
    assert "1 backtest was told to end." in answer.content.decode()
    assert Backtest.objects.get(pk=chosen.pk).status == BacktestStatus.CANCELLED
    assert Backtest.objects.get(pk=other.pk).status == BacktestStatus.QUEUED


def test_a_backtest_and_its_rows_are_looked_at_only(operator: Client) -> None:
    backtest = people.backtest(people.alice())
    rows = BacktestRows.objects.create(
        user=backtest.user, backtest=backtest, kind="deals", number=0, packed=b"packed"
    )
    for row in (backtest, rows):
        answer = operator.get(page(type(row), "change", row.pk))
        assert answer.status_code == 200
        assert "packed" not in answer.content.decode()
        assert operator.post(page(type(row), "delete", row.pk), {"post": "yes"}).status_code == 403


def test_people_are_found_by_e_mail_and_can_be_shut_out(operator: Client) -> None:
    alice, bob = people.alice(), people.bob()
    found = operator.get(page(User, "changelist"), {"q": "alice@"}).content.decode()
    assert alice.email in found
    assert bob.email not in found
    form = {"timezone": "UTC", "reporting_currency": "USDT", "email": "other@example.org", "_save": "Save"}
    assert operator.post(page(User, "change", alice.pk), form).status_code == 302
    alice.refresh_from_db()
    assert (alice.is_active, alice.email) == (False, "alice@example.org")


def test_who_edits_people_cannot_make_operators() -> None:
    clerk = User.objects.create_user("clerk@example.org", "correct horse", is_staff=True)
    clerk.user_permissions.add(*Permission.objects.filter(codename__in=["view_user", "change_user"]))
    client = Client()
    client.force_login(clerk)
    form = {
        "timezone": "UTC",
        "reporting_currency": "USDT",
        "is_active": "on",
        "is_superuser": "on",
        "is_staff": "on",
    }
    assert client.post(page(User, "change", clerk.pk), form).status_code == 302
    clerk.refresh_from_db()
    assert (clerk.is_superuser, clerk.is_staff) == (False, True)


def test_operators_sign_in_where_everybody_does(client: Client) -> None:
    answer = client.get(reverse("admin:login"), follow=True)
    assert answer.redirect_chain[0][0].startswith(reverse("account_login"))
    client.force_login(people.bob())
    assert client.get(reverse("admin:login")).status_code == 403


def test_an_order_shows_its_fills(operator: Client, busy_bot: Bot) -> None:
    order = people.open_order(busy_bot)
    people.trade(order)
    text = operator.get(page(Order, "change", order.pk)).content.decode()
    assert text.count("has_original") == 1


def chosen(operator: Client, action: str, *accounts: ExchangeAccount) -> str:
    form = {"action": action, "_selected_action": [str(account.pk) for account in accounts]}
    return operator.post(page(ExchangeAccount, "changelist"), form, follow=True).content.decode()


def test_exchange_accounts_are_tested_suspended_and_resumed(operator: Client) -> None:
    account, paper = desk.account(people.alice()), people.paper_account(people.alice())
    assert "Main: its key works." in chosen(operator, "test_chosen", account)
    assert "there is nothing to test" in chosen(operator, "test_chosen", paper)
    assert "1 account was suspended." in chosen(operator, "suspend_chosen", account, paper)
    account.refresh_from_db()
    assert (account.state, account.held_at is not None) == (AccountState.SUSPENDED, True)
    assert ActivityLog.objects.filter(message="Main was suspended by an operator.").exists()
    assert "1 account was resumed." in chosen(operator, "resume_chosen", account, paper)
    account.refresh_from_db()
    assert account.state == AccountState.UNCHECKED


def test_an_exchange_accounts_page_shows_no_part_of_its_key(operator: Client) -> None:
    account = desk.account(people.alice())
    text = operator.get(page(ExchangeAccount, "change", account.pk)).content.decode()
    assert "Main" in text
    for hidden in (account.sealed_key, account.key_number, "canary", "…only"):
        assert hidden not in text


def test_whoever_may_only_look_cannot_suspend_an_account() -> None:
    looks = User.objects.create_user("looks@example.org", "correct horse", is_staff=True)
    looks.user_permissions.add(Permission.objects.get(codename="view_exchangeaccount"))
    account = desk.account(people.alice())
    client = Client()
    client.force_login(looks)
    chosen(client, "suspend_chosen", account)
    account.refresh_from_db()
    assert account.state == AccountState.WORKING


def test_the_chosen_kill_switches_are_released(operator: Client) -> None:
    alice = people.alice()
    mine, other = (
        switch_press(target=target, level=Level.BLOCK, by=None, now=NOW)
        for target in (Target(Scope.USER, alice), Target(Scope.SYSTEM))
    )
    form = {"action": "release_chosen", "_selected_action": [str(mine.pk)]}
    answer = operator.post(page(KillSwitch, "changelist"), form, follow=True)
    assert "1 kill switch was released." in answer.content.decode()
    mine.refresh_from_db()
    other.refresh_from_db()
    assert mine.released_by == User.objects.get(email="operator@example.org")
    assert other.released_at is None
    assert operator.get(page(KillSwitch, "change", mine.pk)).status_code == 200
