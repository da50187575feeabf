"""What one bot's trouble, a second writer or a wish that comes in between must not do."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from bots.engine import claims
from bots.engine.compare import change_of
from bots.engine.look import look
from bots.engine.turn import decide
from bots.engine.write import write
from bots.models import Bot, BotSettings, BotStatus
from bots.services import ServiceRefused, bot_create, bot_delete, bot_edit, bot_start, bot_stop
from orders.gateways.base import Report
from orders.models import Order
from orders.money import LostRace
from orders.services import order_settle
from tests.engine.conftest import NOW, ONE_BUY, World

LADDER: dict[str, Any] = {
    "max_safety_orders": 3,
    "safety_order_volume": "100",
    "safety_order_step_pct": "2",
}


def resting_buy(world: World) -> Order:
    bot = world.bot(**LADDER)
    world.turn(bot)
    return next(order for order in world.orders(bot) if order.status == "open" and order.side == "buy")


@pytest.mark.row(58, 59)
def test_settings_that_are_refused_by_now_stop_their_own_bot_only(world: World) -> None:
    sick, well = world.bot("Sick"), world.bot("Well")
    BotSettings.objects.filter(bot=sick).update(values={"nonsense": 1})
    world.turn(sick, well)
    sick.refresh_from_db()
    assert sick.status == BotStatus.ERROR
    assert len(world.trades(well)) == 1
    assert bot_stop(bot=sick, now=NOW).status == BotStatus.STOPPED


def test_a_failed_bot_rests_before_it_tries_again(world: World) -> None:
    bot = world.bot()
    Bot.objects.filter(pk=bot.pk).update(memory={"nonsense": True})
    now = timezone.now()
    world.turn(bot, now=now)
    bot.refresh_from_db()
    assert (bot.status, bot.failures, bot.retry_at) == (BotStatus.ACTIVE, 1, now + timedelta(seconds=5))
    assert claims.due_ids() == []


def test_each_partial_fill_frees_its_own_part_of_the_reservation(world: World) -> None:
    order = resting_buy(world)
    reserved = order.reserved_quote
    for parts_left in (3, 2, 1):
        report = world.exchange.fill(order, amount=order.amount / 4)
        order_settle(order=order, report=report, now=NOW)
        assert order.reserved_quote == reserved * parts_left / 4


@pytest.mark.row(11)
def test_a_fill_told_to_several_at_once_is_booked_once(world: World) -> None:
    order = resting_buy(world)
    report = world.exchange.fill(order, amount=order.amount / 4)
    start = Barrier(3)
    with ThreadPoolExecutor(3) as people:
        told = [people.submit(_settle, order.pk, report, start) for _ in range(3)]
        for one in told:
            one.result()
    order.refresh_from_db()
    assert order.filled == order.amount / 4
    assert len(world.trades(order.bot)) == 2


def _settle(order_id: UUID, report: Report, start: Barrier) -> None:
    try:
        order = Order.objects.get(pk=order_id)
        start.wait(10)
        order_settle(order=order, report=report, now=NOW)
    finally:
        connection.close()


@pytest.mark.row(57)
def test_settings_saved_between_look_and_write_are_not_put_back(world: World) -> None:
    bot = resting_buy(world).bot
    Bot.objects.filter(pk=bot.pk).update(events=F("events") + 1)
    token, mine = claims.claim([bot.pk])
    decided = [change_of(one, decide(one), now=NOW) for one in look(token, mine, exchanges=world.exchanges)]
    wider = ONE_BUY | LADDER | {"take_profit_pct": "20"}
    bot_edit(bot=Bot.objects.get(pk=bot.pk), name="Wider", values=wider, this_deal_too=True, now=NOW)
    with pytest.raises(LostRace):
        write(decided, token=token, exchanges=world.exchanges, now=NOW)
    assert Bot.objects.get(pk=bot.pk).settings_in_use == 2


def test_orders_that_were_kept_can_be_cancelled_later(world: World) -> None:
    bot = resting_buy(world).bot
    bot_stop(bot=bot, now=NOW, how="keep_orders")
    with pytest.raises(ServiceRefused, match="still has orders"):
        bot_delete(bot=bot, exchanges=world.exchanges, now=NOW)
    bot_stop(bot=bot, now=NOW, how="cancel_orders")
    world.restart()
    assert {order.status for order in world.orders(bot)} == {"filled", "cancelled"}
    bot_delete(bot=bot, exchanges=world.exchanges, now=NOW)


def test_a_bot_started_in_another_window_is_not_deleted(world: World) -> None:
    bot = bot_create(
        user=world.user,
        account=world.account,
        name="Both",
        bot_type="dca",
        ticker="BTC/USDT",
        values=ONE_BUY,
        now=NOW,
    )
    bot_start(bot=Bot.objects.get(pk=bot.pk), exchanges=world.exchanges, now=NOW)
    with pytest.raises(ServiceRefused, match="is running"):
        bot_delete(bot=bot, exchanges=world.exchanges, now=NOW)
    bot.refresh_from_db()
    assert (bot.hidden_at, bot.cash) == (None, Decimal(1000))
