"""A stop that rests on the exchange, in all kinds of trouble: no more is on sale than there is (row 54)."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache

from activity.models import ActivityLog
from bots.models import Bot, BotStatus, KillSwitch, Level, Scope
from bots.services import bot_command, bot_create, bot_start, bot_stop
from bots.services.sweeping import switches_sweep
from bots.strategies.base import CommandKind
from orders.models import Order
from orders.rules import OrderKind
from orders.states import OrderStatus
from tests.exchange.faults import CANCEL, CREATE
from tests.exchange.orders import Order as TheirOrder
from tests.gateways.exchange.books import agree, come_to_rest
from tests.gateways.exchange.conftest import Floor
from tests.rows.test_protection import Watch

OPEN, FILLED, CANCELLED = OrderStatus.OPEN, OrderStatus.FILLED, OrderStatus.CANCELLED
REFUSED, NOT_PLACED = OrderStatus.REFUSED, OrderStatus.NOT_PLACED
CREATE_STOP: dict[str, Any] = {**CREATE, "where": {"type": "STOP_LOSS_LIMIT"}}
# Before it opened the exchange's price has risen from minute to minute: the first candle says buy.
RISING: dict[str, Any] = {
    "investment": "1000",
    "amount": "100",
    "timeframe": "1m",
    "entry": "breakout",
    "breakout_lookback": 2,
    "rsi_period": 0,
    "adx_period": 0,
    "trend_sma": 0,
    "stop": "percent",
    "stop_pct": "4",
    "stop_limit_offset_pct": "2",
    "stop_trailing": False,
    "profit_trail_pct": 0,
    "max_drawdown_pct": 0,
    "max_daily_loss_pct": 0,
}
# 4 % under the 50,000 it buys at, and 2 % under that.
TRIGGER, LIMIT = Decimal(48_000), Decimal(47_040)
D = Decimal
pytestmark = pytest.mark.row(54)


def started(floor: Floor, **changes: Any) -> tuple[Bot, Watch]:
    """A bot that is shown a candle at its next look, and somebody who watches what it has on sale."""
    made = bot_create(
        user=floor.user,
        account=floor.account,
        name="Rising",
        bot_type="momentum",
        ticker="BTC/USDT",
        values=RISING | changes,
        now=floor.now,
    )
    bot = bot_start(bot=made, exchanges=floor.exchanges, now=floor.now)
    floor.turn(bot)
    watch = Watch(floor)
    floor.exchange.ledger.listeners.append(watch)
    Bot.objects.filter(pk=bot.pk).update(candle_due_at=floor.now - timedelta(seconds=1))
    rung(floor, bot)
    return bot, watch


def in_a_deal(floor: Floor, **changes: Any) -> tuple[Bot, Watch]:
    bot, watch = started(floor, **changes)
    (stop,) = theirs(floor)
    assert (stop.status, stop.waits, stop.wish.stop_price, stop.wish.price) == ("NEW", True, TRIGGER, LIMIT)
    return bot, watch


def rung(floor: Floor, bot: Bot) -> None:
    cache.clear()  # the price of a moment ago is remembered
    floor.ring(bot)
    floor.turn(bot)


def theirs(floor: Floor) -> list[TheirOrder]:
    """The stops that wait or rest there."""
    return [order for order in floor.exchange.ledger.orders if order.open and order.wish.stops]


def stops(bot: Bot) -> list[Order]:
    return list(Order.objects.filter(bot=bot, kind=OrderKind.STOP).order_by("decision_number"))


def falls(floor: Floor, bot: Bot, price: Any) -> None:
    floor.exchange.ledger.move("BTCUSDT", price)
    for _ in range(3):
        rung(floor, bot)
    come_to_rest(floor)


def all_sold_once(floor: Floor, bot: Bot, watch: Watch) -> None:
    sold = sum((trade.quantity for trade in floor.trades(bot) if trade.side == "sell"), D(0))
    bought = sum((trade.quantity for trade in floor.trades(bot) if trade.side == "buy"), D(0))
    assert 0 <= bought - sold < D("0.00002"), "the fee and less than a lot are left"
    assert theirs(floor) == []
    assert_never_oversold(floor, watch)
    assert Bot.objects.get(pk=bot.pk).deal_number is None


def assert_never_oversold(floor: Floor, watch: Watch) -> None:
    assert watch.most <= 0, "more was on sale than there was"
    agree(floor)


def sold_by(floor: Floor, bot: Bot) -> set[str]:
    return {trade.slot.rpartition("/")[2] for trade in floor.trades(bot) if trade.side == "sell"}


def adds_funds(floor: Floor, bot: Bot) -> None:
    """It buys as much again; then the stop has to be another: the old one is cancelled first."""
    bot_command(bot=Bot.objects.get(pk=bot.pk), kind=CommandKind.ADD_FUNDS, quote=D(100), now=floor.now)
    for _ in range(3):
        rung(floor, bot)
    come_to_rest(floor)


def test_it_sells_all_when_it_is_triggered(floor: Floor) -> None:
    bot, watch = in_a_deal(floor)
    falls(floor, bot, 47_900)
    assert [order.status for order in stops(bot)] == [FILLED]
    assert sold_by(floor, bot) == {"stop"}
    all_sold_once(floor, bot, watch)


def test_a_fall_through_its_limit_is_sold_at_market_once_it_is_cancelled(floor: Floor) -> None:
    bot, watch = in_a_deal(floor)
    falls(floor, bot, 46_000)
    assert [order.status for order in stops(bot)] == [CANCELLED]
    assert sold_by(floor, bot) == {"exit"}
    all_sold_once(floor, bot, watch)


def test_what_it_has_left_under_its_limit_is_sold_at_market(floor: Floor) -> None:
    bot, watch = in_a_deal(floor)
    floor.exchange.ledger.fill(theirs(floor)[0], D("0.0008"))
    falls(floor, bot, 46_000)
    (stop,) = stops(bot)
    assert (stop.status, stop.filled) == (CANCELLED, D("0.0008"))
    assert sold_by(floor, bot) == {"stop", "exit"}
    all_sold_once(floor, bot, watch)


def test_more_coins_are_protected_by_another_after_the_old_one_is_gone(floor: Floor) -> None:
    bot, watch = in_a_deal(floor)
    adds_funds(floor, bot)
    old, new = stops(bot)
    assert (old.status, new.status, new.trigger) == (CANCELLED, OPEN, TRIGGER)
    assert old.amount < new.amount <= Bot.objects.get(pk=bot.pk).position_amount
    assert_never_oversold(floor, watch)
    falls(floor, bot, 47_900)
    all_sold_once(floor, bot, watch)


@pytest.mark.parametrize("quantity", [None, "0.0008"])
def test_it_is_triggered_while_it_is_replaced(floor: Floor, quantity: str | None) -> None:
    """What it has sold meanwhile, whole or in part, the next one does not offer again."""
    bot, watch = in_a_deal(floor)
    floor.exchange.faults.add("fill_first", **CANCEL, quantity=quantity)
    adds_funds(floor, bot)
    old, new = stops(bot)
    assert old.filled == (old.amount if quantity is None else D(quantity))
    assert (new.status, new.amount <= Bot.objects.get(pk=bot.pk).position_amount) == (OPEN, True)
    assert_never_oversold(floor, watch)
    falls(floor, bot, 47_900)
    all_sold_once(floor, bot, watch)


@pytest.mark.parametrize("quantity", [None, "0.0008"])
def test_it_is_triggered_while_it_is_cancelled_for_an_exit(floor: Floor, quantity: str | None) -> None:
    bot, watch = in_a_deal(floor)
    floor.exchange.faults.add("fill_first", **CANCEL, quantity=quantity)
    bot_command(bot=bot, kind=CommandKind.CLOSE_NOW, now=floor.now)
    for _ in range(3):
        rung(floor, bot)
    come_to_rest(floor)
    assert sold_by(floor, bot) == ({"stop"} if quantity is None else {"stop", "exit"})
    all_sold_once(floor, bot, watch)


def test_the_exit_at_a_target_waits_for_a_cancel_whose_answer_is_lost(floor: Floor) -> None:
    bot, watch = in_a_deal(floor, take_profit_pct="3")
    floor.exchange.faults.add("drop_request", **CANCEL, times=2)
    floor.exchange.faults.add("drop_answer", **CANCEL, after=2)
    falls(floor, bot, 51_600)
    assert sold_by(floor, bot) == {"exit"}
    all_sold_once(floor, bot, watch)


def test_an_answer_to_it_that_is_lost_leaves_one_that_rests(floor: Floor) -> None:
    floor.exchange.faults.add("drop_answer", **CREATE_STOP)
    bot, watch = started(floor)
    come_to_rest(floor)
    assert [order.status for order in stops(bot)] == [OPEN]
    assert_never_oversold(floor, watch)
    falls(floor, bot, 47_900)
    all_sold_once(floor, bot, watch)


def test_one_whose_answer_is_lost_is_triggered_before_it_is_found(floor: Floor) -> None:
    floor.exchange.faults.add("drop_answer", **CREATE_STOP)
    floor.exchange.faults.add("drop_request", method="GET", path="/api/v3/order", times=2)
    bot, watch = started(floor)
    falls(floor, bot, 47_900)
    assert [order.status for order in stops(bot)] == [FILLED]
    all_sold_once(floor, bot, watch)


def test_one_that_never_arrived_is_placed_again_once_that_is_proven(floor: Floor) -> None:
    floor.exchange.faults.add("drop_request", **CREATE_STOP)
    bot, watch = started(floor)
    come_to_rest(floor)
    assert [order.status for order in stops(bot)] == [NOT_PLACED, OPEN]
    assert_never_oversold(floor, watch)
    falls(floor, bot, 47_900)
    all_sold_once(floor, bot, watch)


def refuses(floor: Floor) -> None:
    floor.exchange.faults.add(
        "code", **CREATE_STOP, code=-2010, message="Stop price would trigger immediately."
    )


def has_too_many(floor: Floor) -> None:
    """Those of its owner's own count too."""
    floor.exchange.ledger.change_symbol("BTCUSDT", max_algo_orders=0)


@pytest.mark.parametrize("how", [refuses, has_too_many])
def test_one_that_is_refused_is_watched_by_the_bot_which_goes_on(
    floor: Floor, how: Callable[[Floor], None]
) -> None:
    how(floor)
    bot, watch = started(floor)
    come_to_rest(floor)
    assert [order.status for order in stops(bot)] == [REFUSED]
    said = ActivityLog.objects.filter(
        bot=bot, message__contains="does not rest on binance; the bot watches it"
    )
    assert said.count() == 1
    falls(floor, bot, 47_900)
    bot.refresh_from_db()
    assert (bot.status, sold_by(floor, bot)) == (BotStatus.ACTIVE, {"exit"})
    all_sold_once(floor, bot, watch)


def test_one_that_its_owner_cancels_by_hand_is_watched_by_the_bot(floor: Floor) -> None:
    bot, watch = in_a_deal(floor)
    floor.exchange.ledger.cancel(theirs(floor)[0])
    come_to_rest(floor)
    falls(floor, bot, 47_900)
    assert sold_by(floor, bot) == {"exit"}
    all_sold_once(floor, bot, watch)


def test_it_outlives_a_bot_that_cancels_its_orders_and_what_it_sells_is_booked(floor: Floor) -> None:
    bot, watch = in_a_deal(floor)
    bot_stop(bot=bot, now=floor.now, how="cancel_orders")
    floor.turn(bot)
    come_to_rest(floor)
    assert Bot.objects.get(pk=bot.pk).status == BotStatus.STOPPED
    assert [order.status for order in stops(bot)] == [OPEN]
    floor.exchange.ledger.move("BTCUSDT", 47_900)
    come_to_rest(floor)
    bot.refresh_from_db()
    assert (bot.status, sold_by(floor, bot), bot.cash) == (BotStatus.STOPPED, {"stop"}, 0)
    assert_never_oversold(floor, watch)


@pytest.mark.parametrize("level", [Level.CANCEL, Level.FLATTEN])
def test_a_kill_switch_takes_it_away(floor: Floor, level: Level) -> None:
    bot, watch = in_a_deal(floor)
    KillSwitch.objects.create(user=floor.user, scope=Scope.USER, level=level, pressed_at=floor.now)
    for _ in range(3):
        switches_sweep(now=floor.now)
        floor.turn(bot)
    come_to_rest(floor)
    assert theirs(floor) == []
    assert sold_by(floor, bot) == ({"exit"} if level == Level.FLATTEN else set())
    assert_never_oversold(floor, watch)
