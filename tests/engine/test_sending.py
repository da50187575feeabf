"""Between a decision and its orders: what others do meanwhile counts, and the lease lasts."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from bots.engine import claims
from bots.engine.claims import LEASE_S, Hold
from bots.engine.send import send
from bots.models import Bot, BotStatus
from orders.models import Order
from orders.states import OrderStatus
from tests.engine.conftest import NOW, World
from tests.engine.switches import statuses, written


def sent(world: World, bot: Bot, orders: list[Order], token: UUID, held_s: float = 0.0) -> list[str]:
    hold = Hold(token, 0.0, clock=lambda: held_s)
    send([bot.pk], orders, hold=hold, exchanges=world.exchanges, now=NOW)
    return statuses(world, bot)


def lease_until(bot: Bot) -> datetime:
    until = Bot.objects.get(pk=bot.pk).lease_until
    assert until is not None
    return until


def test_what_was_just_written_is_sent(world: World) -> None:
    bot = world.bot()
    assert sent(world, bot, *written(bot, world.exchanges)) == [OrderStatus.FILLED]
    assert len(world.exchange.creates) == 1


def test_what_an_earlier_turn_has_left_planned_is_sent_with_it(world: World) -> None:
    bot = world.bot()
    _, token = written(bot, world.exchanges)
    assert sent(world, bot, [], token) == [OrderStatus.FILLED]


@pytest.mark.parametrize(
    ("meanwhile", "becomes"),
    [
        ({"cancel_requested_at": NOW}, OrderStatus.ABANDONED),
        ({"status": OrderStatus.ABANDONED, "finished_at": NOW}, OrderStatus.ABANDONED),
    ],
)
def test_an_order_that_others_have_ended_since_is_not_sent(
    world: World, meanwhile: dict[str, Any], becomes: OrderStatus
) -> None:
    bot = world.bot()
    orders, token = written(bot, world.exchanges)
    Order.objects.filter(bot=bot).update(**meanwhile)
    assert (sent(world, bot, orders, token), world.exchange.creates) == ([becomes], [])


def test_nothing_is_sent_for_a_bot_that_has_been_stopped_since(world: World) -> None:
    bot = world.bot()
    orders, token = written(bot, world.exchanges)
    Bot.objects.filter(pk=bot.pk).update(status=BotStatus.ERROR)
    assert (sent(world, bot, orders, token), world.exchange.creates) == ([OrderStatus.ABANDONED], [])


@pytest.mark.parametrize(("held_s", "renewed"), [(LEASE_S / 2, False), (LEASE_S / 2 + 1, True)])
def test_a_lease_is_renewed_once_half_of_it_is_over(world: World, held_s: float, renewed: bool) -> None:
    bot = world.bot()
    token, _ = claims.claim([bot.pk])
    before = timezone.now() + timedelta(seconds=10)
    Bot.objects.filter(pk=bot.pk).update(lease_until=before)
    Hold(token, 100.0, clock=lambda: 100.0 + held_s).keep()
    assert (lease_until(bot) != before) is renewed


def test_who_sends_for_long_holds_the_lease_on(world: World) -> None:
    bot = world.bot()
    orders, token = written(bot, world.exchanges)
    Bot.objects.filter(pk=bot.pk).update(lease_until=timezone.now() + timedelta(seconds=10))
    assert sent(world, bot, orders, token, held_s=20.0) == [OrderStatus.FILLED]
    assert lease_until(bot) > timezone.now() + timedelta(seconds=20)


def test_a_lease_that_another_has_is_not_lengthened_for_who_lost_it(world: World) -> None:
    bot = world.bot()
    token, _ = claims.claim([bot.pk])
    claims.release(token)
    claims.claim([bot.pk])
    theirs = lease_until(bot)
    Hold(token, 0.0, clock=lambda: 20.0).keep()
    assert lease_until(bot) == theirs
