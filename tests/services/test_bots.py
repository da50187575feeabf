"""What may be done with a bot, by whom, and what is refused with which sentence."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import ExchangeAccount
from bots.models import Bot, BotSettings, BotStatus
from bots.services import (
    ServiceRefused,
    bot_command,
    bot_edit,
    bot_start,
    preflight,
)
from bots.strategies.base import CommandKind
from orders.gateways.installed import installed
from orders.models import LedgerEntry, Order, SimulatedMarket
from orders.money import free_of
from tests.services.desk import DCA, NOW, a_bot, grid_around, started, turn

pytestmark = pytest.mark.django_db


def test_a_started_bot_takes_its_investment_from_the_account(account: ExchangeAccount) -> None:
    bot = bot_start(bot=a_bot(account), exchanges=installed(), now=NOW)
    assert (bot.status, bot.cash) == (BotStatus.ACTIVE, Decimal(250))
    assert free_of(account_id=account.pk, currency="USDT") == Decimal(9750)


def test_starting_twice_funds_once(account: ExchangeAccount) -> None:
    bot = a_bot(account)
    for _ in range(2):
        bot_start(bot=Bot.objects.get(pk=bot.pk), exchanges=installed(), now=NOW)
    bot_start(bot=bot, exchanges=installed(), now=NOW)  # a stale copy says stopped
    assert free_of(account_id=account.pk, currency="USDT") == Decimal(9750)


def test_two_bots_do_not_spend_the_same_money(account: ExchangeAccount) -> None:
    first = a_bot(account, values={"investment": "6000"})
    second = a_bot(account, values={"investment": "6000"})
    bot_start(bot=first, exchanges=installed(), now=NOW)
    with pytest.raises(ServiceRefused) as refusal:
        bot_start(bot=second, exchanges=installed(), now=NOW)
    problem = refusal.value.problems[0]
    assert (problem.code, problem.field, problem.fix) == ("over_balance", "investment", "4000")
    assert Bot.objects.get(pk=second.pk).status == BotStatus.STOPPED
    assert free_of(account_id=account.pk, currency="USDT") == Decimal(4000)
    assert LedgerEntry.objects.filter(bot=second).count() == 0


@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        ({"investment": "-1"}, "investment", "greater than 0"),
        ({"investment": "NaN"}, "investment", "finite"),
        ({"investment": "many"}, "investment", "decimal"),
        ({}, "investment", "required"),
        ({"investment": "250", "max_safety_orders": 900}, "max_safety_orders", "200"),
        ({"investment": "250", "safety_order_step": "1"}, "safety_order_step", "safety_order_step_pct"),
        ({"investment": "250", "min_price": "5", "max_price": "4"}, "max_price", "price"),
    ],
)
def test_settings_that_can_not_be_are_refused_by_name(
    account: ExchangeAccount, values: dict[str, Any], field: str, sentence: str
) -> None:
    with pytest.raises(ServiceRefused) as refusal:
        a_bot(account, values=values)
    problem = refusal.value.problems[0]
    assert problem.field == field
    assert sentence in problem.message
    assert Bot.objects.count() == 0
    assert BotSettings.objects.count() == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [({"ticker": "NOPE/USDT"}, "ticker"), ({"bot_type": "oracle"}, "bot_type"), ({"name": "  "}, "name")],
)
def test_an_unknown_market_type_or_an_empty_name_is_refused(
    account: ExchangeAccount, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(ServiceRefused) as refusal:
        a_bot(account, **change)
    assert refusal.value.problems[0].field == field
    assert Bot.objects.count() == 0


def test_an_order_too_small_at_any_level_is_refused_before_the_start(account: ExchangeAccount) -> None:
    bot = a_bot(account, values={"investment": "250", "safety_order_volume": "3"})
    with pytest.raises(ServiceRefused) as refusal:
        bot_start(bot=bot, exchanges=installed(), now=NOW)
    assert refusal.value.problems[0].field == "safety_order_volume"
    assert free_of(account_id=account.pk, currency="USDT") == Decimal(10_000)


def test_a_preflight_says_what_the_account_can_not_pay(account: ExchangeAccount) -> None:
    price = SimulatedMarket.objects.get(ticker="BTC/USDT").price
    found = preflight(
        account=account,
        bot_type="grid",
        ticker="BTC/USDT",
        values=grid_around(price, investment="20000"),
        exchanges=installed(),
    )
    assert [problem.code for problem in found.problems if not problem.warning] == ["over_balance"]
    assert not found.ok


def test_an_edit_waits_for_the_next_deal(account: ExchangeAccount) -> None:
    bot = started(a_bot(account))
    bot = bot_edit(
        bot=bot, name="Renamed", values=DCA | {"take_profit_pct": "9"}, this_deal_too=False, now=NOW
    )
    turn()
    bot.refresh_from_db()
    assert (bot.name, bot.settings_version, bot.settings_in_use) == ("Renamed", 2, 1)


def test_an_edit_for_this_deal_too_moves_its_target(account: ExchangeAccount) -> None:
    bot = started(a_bot(account))
    before = Order.objects.get(bot=bot, side="sell", status="open").price
    bot_edit(bot=bot, name="Bot", values=DCA | {"take_profit_pct": "9"}, this_deal_too=True, now=NOW)
    for _ in range(3):
        turn()
    after = Order.objects.get(bot=bot, side="sell", status="open").price
    assert before is not None
    assert after is not None
    assert after > before * Decimal("1.05")


def test_of_two_edits_at_once_one_is_told_to_look_again(account: ExchangeAccount) -> None:
    bot = a_bot(account)
    bot_edit(bot=bot, name="One", values=DCA, this_deal_too=False, now=NOW)
    with pytest.raises(ServiceRefused, match="load the page again"):
        bot_edit(bot=bot, name="Two", values=DCA, this_deal_too=False, now=NOW)


def test_funds_beyond_the_pocket_are_refused(account: ExchangeAccount) -> None:
    bot = started(a_bot(account))
    with pytest.raises(ServiceRefused) as refusal:
        bot_command(bot=bot, kind=CommandKind.ADD_FUNDS, quote=Decimal(5000), now=NOW)
    assert refusal.value.problems[0].field == "quote"
