"""How a bot ends, what then becomes of its orders, coins and money, and how it starts again."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from accounts.models import ExchangeAccount
from bots.engine.replay import replay_breaches
from bots.models import Bot, BotStatus
from bots.services import (
    ServiceRefused,
    bot_command,
    bot_delete,
    bot_stop,
)
from bots.strategies.base import CommandKind
from orders.gateways.installed import installed
from orders.models import Balance, Order, SimulatedMarket
from orders.money import free_of
from tests.services.desk import DCA, NOW, a_bot, grid_around, started, turn

pytestmark = pytest.mark.django_db


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


@pytest.mark.parametrize(
    ("on_stop", "resting", "keeps"),
    [("keep_orders", True, True), ("cancel_orders", False, True), ("cancel_and_sell", False, False)],
)
def test_a_bot_stops_as_its_setting_says(
    account: ExchangeAccount, on_stop: str, resting: bool, keeps: bool
) -> None:
    bot = started(a_bot(account, values=DCA | {"on_stop": on_stop}))
    bot_stop(bot=bot, now=NOW)
    for _ in range(4):
        turn()
    bot.refresh_from_db()
    assert bot.status == BotStatus.STOPPED
    assert Order.objects.filter(bot=bot, status="open").exists() is resting
    assert (bot.position_amount > 0) is keeps


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


def test_the_database_itself_keeps_a_balance_from_going_under_nothing(account: ExchangeAccount) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Balance.objects.filter(account=account).update(free=Decimal(-1))


def test_close_now_sells_the_open_deal(account: ExchangeAccount) -> None:
    bot = started(a_bot(account, values=DCA | {"max_deals": 1}))
    bot_command(bot=bot, kind=CommandKind.CLOSE_NOW, now=NOW)
    for _ in range(4):
        turn()
    bot.refresh_from_db()
    assert bot.position_amount == 0
