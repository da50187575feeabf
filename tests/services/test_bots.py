"""What may be done with a bot, by whom, and what is refused with which sentence."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import ExchangeAccount, User
from bots.engine import claims
from bots.engine.replay import replay_breaches
from bots.engine.turn import run_turn
from bots.models import Bot, BotSettings, BotStatus
from bots.services import (
    ServiceRefused,
    bot_command,
    bot_create,
    bot_delete,
    bot_edit,
    bot_start,
    bot_stop,
    paper_account,
    preflight,
)
from bots.strategies.base import CommandKind
from orders.gateways.installed import installed
from orders.gateways.simulated import open_exchange
from orders.models import Balance, LedgerEntry, Order, SimulatedMarket
from orders.money import free_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 5, tzinfo=UTC)
DCA: dict[str, Any] = {"investment": "250"}


@pytest.fixture
def account() -> ExchangeAccount:
    open_exchange(now=NOW)
    return paper_account(user=User.objects.create_user("alice@example.com"), now=NOW)


def a_bot(account: ExchangeAccount, **changes: Any) -> Bot:
    asked: dict[str, Any] = {"name": "Bot", "bot_type": "dca", "ticker": "BTC/USDT", "values": DCA}
    return bot_create(user=account.user, account=account, now=NOW, **asked | changes)


def started(bot: Bot) -> Bot:
    bot = bot_start(bot=bot, exchanges=installed(), now=NOW)
    turn()
    return Bot.objects.get(pk=bot.pk)


def turn() -> None:
    run_turn(claims.due_ids(), exchanges=installed(), now=NOW)


def grid_around(price: Decimal, **changes: Any) -> dict[str, Any]:
    ends = {"lower_price": str(int(price * 9 / 10)), "upper_price": str(int(price * 11 / 10))}
    return {"investment": "1000", "lines": 11} | ends | changes


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


def test_a_stopped_bot_gives_its_money_back_and_keeps_its_coins(account: ExchangeAccount) -> None:
    bot = started(a_bot(account))
    assert bot.position_amount > 0
    bot_stop(bot=bot, now=NOW)
    turn()
    bot.refresh_from_db()
    assert (bot.status, bot.cash) == (BotStatus.STOPPED, 0)
    assert bot.position_amount > 0
    assert not Order.objects.filter(bot=bot, status="open").exists()


def test_a_bot_stopped_and_started_goes_on_with_its_deal(account: ExchangeAccount) -> None:
    bot = started(a_bot(account))
    held, memory = bot.position_amount, bot.memory
    bot_stop(bot=bot, now=NOW)
    turn()
    bot = started(Bot.objects.get(pk=bot.pk))
    assert bot.position_amount == held
    assert memory is not None
    assert bot.memory is not None
    assert bot.memory["inner"]["deal"] == memory["inner"]["deal"]
    assert Order.objects.filter(bot=bot, status="open").count() == 2, "its target and a safety order"


def test_cancel_and_sell_leaves_nothing_but_money(account: ExchangeAccount) -> None:
    bot = started(a_bot(account))
    bot_stop(bot=bot, now=NOW, how="cancel_and_sell")
    for _ in range(4):
        turn()
    bot.refresh_from_db()
    assert (bot.status, bot.position_amount, bot.cash) == (BotStatus.STOPPED, 0, 0)
    assert free_of(account_id=account.pk, currency="USDT") == Decimal(10_000) + bot.pnl


def test_a_grid_that_sold_all_is_laid_anew_at_its_next_start(account: ExchangeAccount) -> None:
    price = SimulatedMarket.objects.get(ticker="BTC/USDT").price
    bot = started(a_bot(account, bot_type="grid", values=grid_around(price)))
    assert Order.objects.filter(bot=bot, status="open").count() == 10
    bot_stop(bot=bot, now=NOW, how="cancel_and_sell")
    for _ in range(4):
        turn()
    bot = Bot.objects.get(pk=bot.pk)
    assert (bot.status, bot.position_amount) == (BotStatus.STOPPED, 0)
    bot = started(bot)
    assert Order.objects.filter(bot=bot, status="open").count() == 10
    assert list(replay_breaches(bot)) == []


def test_a_bot_that_drew_down_too_far_keeps_its_coins_in_mind(account: ExchangeAccount) -> None:
    values = DCA | {"max_drawdown_pct": "1", "on_drawdown": "cancel_orders"}
    bot = started(a_bot(account, values=values))
    held = bot.position_amount
    row = SimulatedMarket.objects.get(ticker="BTC/USDT")
    SimulatedMarket.objects.filter(pk=row.pk).update(price=row.price / 2)
    Bot.objects.filter(pk=bot.pk).update(events=bot.events + 1)
    for _ in range(3):
        turn()
    bot.refresh_from_db()
    assert (bot.status, bot.position_amount >= held) == (BotStatus.STOPPED, True)
    bot = started(bot)
    assert Order.objects.filter(bot=bot, slot__endswith="/base").count() == 1, "its deal goes on"
    assert list(replay_breaches(bot)) == []


def test_a_drawdown_that_keeps_orders_leaves_them_resting(account: ExchangeAccount) -> None:
    values = DCA | {"max_drawdown_pct": "1", "on_drawdown": "keep_orders"}
    bot = started(a_bot(account, values=values))
    row = SimulatedMarket.objects.get(ticker="BTC/USDT")
    SimulatedMarket.objects.filter(pk=row.pk).update(price=row.price * Decimal("0.7"))
    Bot.objects.filter(pk=bot.pk).update(events=bot.events + 1)
    for _ in range(3):
        turn()
    bot.refresh_from_db()
    assert bot.status == BotStatus.STOPPED
    assert Order.objects.filter(bot=bot, status="open").count() == 2
    assert bot.cash > 0, "a resting buy is still covered"


def test_the_money_of_a_bot_in_error_comes_back_when_it_is_stopped(account: ExchangeAccount) -> None:
    bot = started(a_bot(account))
    Bot.objects.filter(pk=bot.pk).update(status=BotStatus.ERROR)
    bot_stop(bot=Bot.objects.get(pk=bot.pk), now=NOW)
    turn()
    bot.refresh_from_db()
    assert (bot.status, bot.cash) == (BotStatus.STOPPED, 0)


def test_keep_orders_stops_the_bot_and_leaves_its_orders(account: ExchangeAccount) -> None:
    bot = started(a_bot(account))
    bot = bot_stop(bot=bot, now=NOW, how="keep_orders")
    assert bot.status == BotStatus.STOPPED
    assert Order.objects.filter(bot=bot, status="open").count() == 2


def test_a_deleted_bot_returns_coins_and_money_and_is_hidden(account: ExchangeAccount) -> None:
    bot = started(a_bot(account))
    bot_stop(bot=bot, now=NOW)
    turn()
    bot = Bot.objects.get(pk=bot.pk)
    bot_delete(bot=bot, exchanges=installed(), now=NOW)
    assert free_of(account_id=account.pk, currency="BTC") == bot.position_amount
    assert Bot.objects.get(pk=bot.pk).hidden_at == NOW


def test_a_running_bot_is_not_deleted(account: ExchangeAccount) -> None:
    bot = started(a_bot(account))
    with pytest.raises(ServiceRefused, match="stop it before you delete it"):
        bot_delete(bot=bot, exchanges=installed(), now=NOW)


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


def test_the_database_itself_keeps_a_balance_from_going_under_nothing(account: ExchangeAccount) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Balance.objects.filter(account=account).update(free=Decimal(-1))


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


def test_close_now_sells_the_open_deal(account: ExchangeAccount) -> None:
    bot = started(a_bot(account, values=DCA | {"max_deals": 1}))
    bot_command(bot=bot, kind=CommandKind.CLOSE_NOW, now=NOW)
    for _ in range(4):
        turn()
    bot.refresh_from_db()
    assert bot.position_amount == 0


def test_funds_beyond_the_pocket_are_refused(account: ExchangeAccount) -> None:
    bot = started(a_bot(account))
    with pytest.raises(ServiceRefused) as refusal:
        bot_command(bot=bot, kind=CommandKind.ADD_FUNDS, quote=Decimal(5000), now=NOW)
    assert refusal.value.problems[0].field == "quote"
