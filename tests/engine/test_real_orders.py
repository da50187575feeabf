"""What a turn does on an exchange that is not ours: doubt, old prices, bans, and orders that rest there."""

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from bots.models import Bot
from orders.models import Order
from orders.states import OrderStatus
from tests.engine.conftest import NOW, World

FILLED, OPEN, UNKNOWN = OrderStatus.FILLED, OrderStatus.OPEN, OrderStatus.UNKNOWN


def statuses(world: World, bot: Bot) -> list[str]:
    return [order.status for order in world.orders(bot)]


def made_due(bot: Bot) -> None:
    """As if its orders had rested for a while."""
    Order.objects.filter(bot=bot, status=OPEN).update(look_again_at=timezone.now() - timedelta(seconds=1))


def test_no_bot_of_the_account_buys_while_an_order_there_is_in_doubt(world: World) -> None:
    first, second = world.bot("First"), world.bot("Second")
    world.exchange.then = ["lose_answer"]
    world.exchange.lookup_fails = True
    world.turn(first)
    assert statuses(world, first) == [UNKNOWN]
    world.turn(second)
    assert statuses(world, second) == []
    world.exchange.lookup_fails = False
    world.turn(first, now=NOW + timedelta(seconds=60))
    assert Bot.objects.get(pk=second.pk).events > Bot.objects.get(pk=second.pk).events_seen, "it is rung"
    world.turn(second)
    assert statuses(world, second) == [FILLED, OPEN]


def test_an_old_price_holds_back_an_entry_and_never_an_exit(world: World) -> None:
    bot = world.bot(stale_after_s=30)
    world.exchange.prices.old_s = 31.0
    world.turn(bot)
    assert statuses(world, bot) == []
    world.exchange.prices.old_s = 0.0
    Bot.objects.filter(pk=bot.pk).update(events=100)
    world.turn(bot)
    world.exchange.prices.old_s = 31.0
    assert statuses(world, bot) == [FILLED, OPEN]
    Bot.objects.filter(pk=bot.pk).update(stop_request="cancel_and_sell", events=200)
    world.turn(bot)
    *_, leaving = world.orders(bot)
    assert (leaving.role, leaving.send_count) == ("exit", 1)
    assert len(world.orders(bot)) == 3


def test_nothing_is_claimed_while_the_exchange_wants_to_be_left_alone(world: World) -> None:
    bot = world.bot()
    world.exchange.busy_s = 10.0
    world.turn(bot)
    assert statuses(world, bot) == [OrderStatus.PLANNED]
    assert world.exchange.creates == []
    world.exchange.busy_s = 0.0
    world.turn(bot)
    assert statuses(world, bot) == [FILLED, OPEN]


def test_orders_that_rest_are_asked_about_together_and_only_after_a_while(world: World) -> None:
    bot = world.bot(max_safety_orders=1, safety_order_volume="100")
    world.turn(bot)
    assert world.exchange.asked_news == []
    made_due(bot)
    world.turn(bot, now=timezone.now())
    assert statuses(world, bot) == [FILLED, OPEN, OPEN]
    assert world.exchange.asked_news == [2]


def test_a_fill_nobody_told_of_is_found(world: World) -> None:
    bot = world.bot()
    world.turn(bot)
    target = world.orders(bot)[1]
    world.exchange.fill(target, amount=Decimal("0.4"))
    made_due(bot)
    world.turn(bot, now=timezone.now())
    assert [trade.quantity for trade in world.trades(bot)] == [Decimal(1), Decimal("0.4")]
