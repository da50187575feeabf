"""Bots at a terminal: from the first word to the last, and one sentence for what cannot be."""

import json
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import ExchangeAccount
from bots.models import Bot, BotStatus
from bots.services import paper_account
from orders.gateways.simulated import open_exchange
from orders.money import free_of
from tests import people
from tests.people import NOW

pytestmark = pytest.mark.django_db
DCA = ("--set", "investment=1000", "--set", "base_order_volume=100")


@pytest.fixture
def account() -> ExchangeAccount:
    open_exchange(now=NOW)
    return paper_account(user=people.alice(), now=timezone.now())


def told(*words: str) -> str:
    out = StringIO()
    call_command("bot", *words, stdout=out)
    return out.getvalue()


def refused(*words: str) -> str:
    with pytest.raises(CommandError) as wrong:
        told(*words)
    assert wrong.value.returncode == 2
    return str(wrong.value)


def added(account: ExchangeAccount, name: str = "Buyer", *more: str) -> str:
    words = ("add", "dca", "--account", str(account.pk), "--ticker", "BTC/USDT", "--name", name)
    return told(*words, *DCA, *more).split()[0]


def test_a_bot_is_made_started_stopped_and_deleted(account: ExchangeAccount) -> None:
    number = added(account)
    assert "stopped" in told("list").casefold()
    assert "Waiting" in told("start", number)
    row = Bot.objects.get(pk=number)
    assert (row.status, row.cash) == (BotStatus.ACTIVE, 1000)
    (listed,) = json.loads(told("list", "--json", "--user", "alice@example.org"))
    assert (listed["id"], listed["cash"], listed["status"]) == (number, "1000", "active")
    told("stop", number, "--how", "keep_orders")
    assert told("delete", number) == "Buyer was deleted.\n"
    assert told("list") == "No bots.\n"
    assert free_of(account_id=account.pk, currency="USDT") == 10_000


def test_what_cannot_be_is_told_in_one_sentence(account: ExchangeAccount) -> None:
    number = added(account, "Too dear", "--set", "investment=10001")
    assert refused("start", number).startswith("Investment 10001 USDT is more than the 10000 USDT free")
    assert Bot.objects.get(pk=number).status == BotStatus.STOPPED
    strange = str(uuid4())
    assert refused("start", strange) == "There is no such bot; list shows their ids."
    assert refused("list", "--user", "nobody@example.org").startswith("User: nobody here")
    words = ("add", "dca", "--ticker", "BTC/USDT", "--name", "N", "--account")
    assert refused(*words, strange).startswith("--account: there is no such")
    nothing = ("--set", "base_order_volume=0")
    assert "Base order should be greater than 0" in refused(*words, str(account.pk), *nothing)
    assert Bot.objects.count() == 1
