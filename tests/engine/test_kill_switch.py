"""The cut: once a kill switch is pressed no order goes out against it, whatever state a worker is in."""

from datetime import timedelta
from typing import Any

import pytest

from bots.engine import claims
from bots.engine.compare import change_of
from bots.engine.look import look
from bots.engine.turn import decide
from bots.engine.write import write
from bots.models import Bot, BotStatus, KillSwitch, Level, Scope
from bots.services import switch_release, switches_sweep
from orders.models import Order
from orders.services import order_claim
from orders.states import OrderStatus
from orders.switches import SwitchedOff
from tests.engine.conftest import NOW, World
from tests.engine.exchanges import Killed
from tests.engine.switches import planned, press, statuses

LATER = NOW + timedelta(minutes=5)
LADDER: dict[str, Any] = {"max_safety_orders": 2, "safety_order_volume": "100", "safety_order_step_pct": "2"}


@pytest.mark.parametrize("level", list(Level))
def test_a_claim_after_the_press_gets_nothing_and_names_the_switch(world: World, level: Level) -> None:
    order, token = planned(world, world.bot())
    KillSwitch.objects.create(
        scope=Scope.USER, user=world.user, level=level, why="Storm", pressed_by=world.user, pressed_at=NOW
    )
    with pytest.raises(SwitchedOff, match=r"all your bots is on.*Why: Storm"):
        order_claim(order=order, token=token)
    stored = Order.objects.get(pk=order.pk)
    assert (stored.status, stored.send_count, stored.claimed_at) == (OrderStatus.PLANNED, 0, None)


def test_what_is_planned_at_the_press_is_abandoned_with_a_sentence(world: World) -> None:
    bot = world.bot()
    planned(world, bot)
    press(world, Level.BLOCK)
    (order,) = world.orders(bot)
    assert order.status == OrderStatus.ABANDONED
    assert order.refusal == "The kill switch for all your bots is on: no new buys. Why: Storm"


def test_what_is_planned_during_the_press_is_abandoned_by_its_sender(world: World) -> None:
    """Its worker looked before the press and wrote after it."""
    bot = world.bot()
    token, mine = claims.claim([bot.pk])
    changes = [change_of(one, decide(one), now=NOW) for one in look(token, mine, exchanges=world.exchanges)]
    press(world)
    write(changes, token=token, exchanges=world.exchanges, now=NOW)
    claims.release(token)
    world.restart()
    (order,) = world.orders(bot)
    assert (order.status, world.exchange.creates) == (OrderStatus.ABANDONED, [])
    assert "kill switch" in order.refusal
    for _ in range(3):
        world.turn(bot)
    assert len(world.orders(bot)) == 1, "what would be stopped is not planned again"


def test_block_lets_exits_go_on_and_stops_every_buy(world: World) -> None:
    bot, late = world.bot(**LADDER), world.bot("Late")
    world.exchange.then = ["fills_later"]
    world.turn(bot)
    press(world, Level.BLOCK)
    world.turn(bot, now=LATER)
    world.turn(bot, now=LATER)
    world.turn(late)
    assert [(one.side, one.status) for one in world.orders(bot)] == [("buy", "filled"), ("sell", "open")]
    assert world.orders(late) == []


def test_cancel_cancels_what_rests_and_nothing_comes_back(world: World) -> None:
    bot = world.bot(**LADDER)
    world.turn(bot)
    assert statuses(world, bot) == ["filled", "open", "open"]
    press(world)
    for _ in range(3):
        world.restart()
        switches_sweep(now=LATER)
    assert statuses(world, bot) == ["filled", "cancelled", "cancelled"]
    assert len(world.exchange.creates) == 3
    assert {report.status for report in world.exchange.books.values()} == {"filled", "cancelled"}
    assert KillSwitch.objects.get().verified_at == LATER


def test_an_order_on_its_way_at_the_press_is_cancelled_when_it_is_found(world: World) -> None:
    bot = world.bot(**LADDER)
    world.exchange.then = ["answer", "lose_answer"]
    world.exchange.lookup_fails = True
    world.turn(bot)
    assert OrderStatus.UNKNOWN in statuses(world, bot)
    press(world)
    world.restart()
    switches_sweep(now=NOW)
    assert KillSwitch.objects.get().verified_at is None, "nobody knows yet whether it rests"
    world.exchange.lookup_fails = False
    for _ in range(3):
        world.turn(bot, now=LATER)
    switches_sweep(now=LATER)
    assert set(statuses(world, bot)) == {"filled", "cancelled"}
    assert KillSwitch.objects.get().verified_at == LATER


def test_the_orders_of_a_bot_that_was_stopped_with_its_orders_kept_are_cancelled(world: World) -> None:
    bot = world.bot(**LADDER)
    world.turn(bot)
    Bot.objects.filter(pk=bot.pk).update(status=BotStatus.STOPPED)
    press(world)
    world.restart()
    assert "open" not in statuses(world, bot)


def test_a_death_right_after_the_cut_changes_nothing(world: World) -> None:
    """The press is committed and its presser dead: the sweep of the next process does the rest."""
    bot = world.bot(**LADDER)
    world.turn(bot)
    KillSwitch.objects.create(scope=Scope.SYSTEM, level=Level.CANCEL, pressed_at=NOW)
    claims.release_all_leases()
    switches_sweep(now=NOW)
    world.restart()
    switches_sweep(now=LATER)
    assert "open" not in statuses(world, bot)
    switch = KillSwitch.objects.get()
    assert (switch.carried_out_at, switch.verified_at) == (NOW, LATER)


def test_a_sender_that_dies_and_rises_after_the_press_sends_nothing(world: World) -> None:
    bot = world.bot()
    prices = world.exchange.prices
    prices.kill_at = prices.looks + 2  # the second look of the turn is the sender's
    with pytest.raises(Killed):
        world.turn(bot)
    press(world)
    world.restart()
    assert (statuses(world, bot), world.exchange.creates) == ([OrderStatus.ABANDONED], [])


def test_a_switch_over_one_bot_leaves_the_others_alone(world: World) -> None:
    first, second = world.bot("First"), world.bot("Second")
    press(world, Level.CANCEL, first)
    world.turn(first, second)
    assert (statuses(world, first), statuses(world, second)) == ([], ["filled", "open"])


def test_after_its_release_the_bot_goes_on(world: World) -> None:
    bot = world.bot()
    switch = press(world)
    world.turn(bot)
    assert claims.due_ids() == [], "under the switch it waits and costs nothing"
    switch_release(switch=switch, by=world.user, now=NOW)
    world.restart()
    assert statuses(world, bot) == ["filled", "open"]
