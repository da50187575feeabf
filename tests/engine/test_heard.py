"""What a stream tells of orders makes them due, and nothing else of them changes."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from bots.models import Bot
from orders.gateways.streaming import Told
from orders.heard import TOLD_WITHIN, fill_untold, orders_heard, orders_missed
from orders.models import Order, Trade
from orders.states import OrderStatus
from tests.engine.conftest import NOW, World

D = Decimal
LATER = NOW + timedelta(minutes=10)


@pytest.fixture
def bot(world: World) -> Bot:
    """It has bought, and its target rests; nobody asks about it for a while."""
    bot = world.bot()
    world.turn(bot)
    Order.objects.filter(status=OrderStatus.OPEN).update(look_again_at=LATER)
    return bot


def resting(world: World, bot: Bot) -> Order:
    return world.orders(bot)[1]


def told(order: Order, **changes: object) -> Told:
    word = Told(order.ticker, order.exchange_order_id or "", "", ended=False, filled=D(0))
    return replace(word, **changes)  # type: ignore[arg-type]  # a test names what it changes


def due_at(order: Order) -> datetime | None:
    return Order.objects.get(pk=order.pk).look_again_at


@pytest.mark.parametrize("changes", [{"filled": D("0.1")}, {"ended": True}])
def test_a_fill_or_an_end_makes_an_order_due(world: World, bot: Bot, changes: dict[str, object]) -> None:
    order = resting(world, bot)
    hurried = orders_heard(account_id=world.account.pk, told=[told(order, **changes)], now=NOW)
    assert (hurried.bots, hurried.early, due_at(order)) == ([bot.pk], [], NOW)
    order.refresh_from_db()
    assert (order.status, order.filled) == (OrderStatus.OPEN, 0)


def test_our_own_id_names_an_order_as_well(world: World, bot: Bot) -> None:
    order = resting(world, bot)
    word = told(order, order_id="unknown yet", client_id=order.client_id, ended=True)
    assert orders_heard(account_id=world.account.pk, told=[word], now=NOW).bots == [bot.pk]


def test_what_we_know_already_makes_nothing_due(world: World, bot: Bot) -> None:
    order = resting(world, bot)
    assert orders_heard(account_id=world.account.pk, told=[told(order)], now=NOW).bots == []
    assert due_at(order) == LATER


@pytest.mark.parametrize("changes", [{"ticker": "ETH/USDT"}, {"order_id": "another"}])
def test_another_markets_order_of_the_same_number_is_not_ours(
    world: World, bot: Bot, changes: dict[str, object]
) -> None:
    order = resting(world, bot)
    word = told(order, ended=True, **changes)
    assert orders_heard(account_id=world.account.pk, told=[word], now=NOW).bots == []
    assert orders_heard(account_id=uuid4(), told=[told(order, ended=True)], now=NOW).bots == []


def test_an_order_in_doubt_that_is_heard_of_is_looked_up_at_once(world: World) -> None:
    bot = world.bot()
    world.exchange.then = ["lose_answer"]
    world.exchange.lookup_fails = True
    world.turn(bot)
    (order,) = world.orders(bot)
    assert order.status == OrderStatus.UNKNOWN
    Order.objects.update(look_again_at=LATER)
    word = told(order, client_id=order.client_id)
    assert orders_heard(account_id=world.account.pk, told=[word], now=NOW).bots == [bot.pk]
    world.exchange.lookup_fails = False
    world.turn(bot)
    assert world.orders(bot)[0].status == OrderStatus.FILLED


def test_what_is_told_before_the_answer_is_to_be_told_again(world: World, bot: Bot) -> None:
    order = resting(world, bot)
    Order.objects.filter(pk=order.pk).update(status=OrderStatus.SENDING)
    word = told(order, client_id=order.client_id, filled=D(1))
    hurried = orders_heard(account_id=world.account.pk, told=[word], now=NOW)
    assert (hurried.bots, hurried.early, due_at(order)) == ([], [word], LATER)
    Order.objects.filter(pk=order.pk).update(status=OrderStatus.OPEN)
    assert orders_heard(account_id=world.account.pk, told=[word], now=NOW).bots == [bot.pk]


def test_after_a_gap_all_that_rests_is_due(world: World, bot: Bot) -> None:
    order = resting(world, bot)
    assert orders_missed(account_id=uuid4(), now=NOW) == []
    assert orders_missed(account_id=world.account.pk, now=NOW) == [bot.pk]
    assert due_at(order) == NOW


def test_what_is_due_already_stays_due_since_then(world: World, bot: Bot) -> None:
    order, before = resting(world, bot), NOW - timedelta(seconds=1)
    Order.objects.filter(pk=order.pk).update(look_again_at=before)
    assert orders_missed(account_id=world.account.pk, now=NOW) == [bot.pk]
    assert due_at(order) == before


def test_a_booked_fill_that_was_never_told_shows_a_stream_that_is_deaf(world: World, bot: Bot) -> None:
    trade = Trade.objects.get(bot=bot)
    account, before = world.account.pk, trade.executed_at - TOLD_WITHIN - timedelta(seconds=1)
    long_after = trade.recorded_at + TOLD_WITHIN
    assert fill_untold(account_id=account, heard_at=before, now=long_after)
    assert not fill_untold(account_id=account, heard_at=trade.executed_at - TOLD_WITHIN, now=long_after)
    assert not fill_untold(account_id=uuid4(), heard_at=before, now=long_after)
    at_once = long_after - timedelta(milliseconds=1)
    assert not fill_untold(account_id=account, heard_at=before, now=at_once), "it may be on its way"
