"""Attacks on the comparing of an account with its bots' books: what looks like a shortage and is none, and
what becomes of a bot that is to give up what it holds."""

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.services import shortage_close, shortages_of
from bots.models import Bot, BotStatus, Shortage
from bots.services import ServiceRefused, bot_delete, bot_start, bot_stop
from orders.gateways.base import Unreachable
from orders.invariants import breaches
from orders.models import Order
from orders.rules import Side
from orders.states import OrderStatus
from orders.switches import SwitchedOff
from tests import people
from tests.exchange.faults import LOOKUP, TRADES
from tests.gateways.exchange.conftest import Floor
from tests.gateways.exchange.test_live_money import (
    ALL,
    compared,
    foreign_coins_leave,
    holding,
    refusal,
    short,
)
from tests.gateways.exchange.test_room import Purse, live_bot
from tests.people import NOW

D = Decimal


def target_of(floor: Floor, bot: Bot) -> Order:
    return next(order for order in floor.orders(bot) if order.status == OrderStatus.OPEN)


def test_a_fill_that_is_listed_late_is_no_shortage_and_no_room(floor: Floor) -> None:
    bot = holding(floor)
    target = target_of(floor, bot)
    foreign_coins_leave(floor, bot)
    floor.exchange.faults.add("body", **TRADES, text="[]", times=None)
    floor.exchange.ledger.move("BTCUSDT", target.price + 1)
    assert [compared(floor, later_s=later_s) for later_s in (0, 30, 60)] == [[], [], []]
    assert refusal(floor, investment=str(ALL))[0] == "busy"
    floor.exchange.faults.clear()
    assert refusal(floor, investment=str(ALL))[2] == f"{ALL - 1000}"
    assert breaches() == []


def test_an_order_that_the_exchange_lists_no_more_is_no_shortage_and_no_room(floor: Floor) -> None:
    bot = holding(floor)
    foreign_coins_leave(floor, bot)
    target = target_of(floor, bot)
    floor.exchange.ledger.move("BTCUSDT", target.price + 1)
    floor.exchange.ledger.orders.pop()
    assert [compared(floor, later_s=later_s) for later_s in (0, 30, 60)] == [[], [], []]
    assert refusal(floor)[0] == "busy"


def test_who_starts_a_bot_again_has_thought_better_of_closing_it(floor: Floor) -> None:
    bot = holding(floor)
    floor.exchange.alice.change("USDT", -(ALL - 500))
    shortage = short(floor)
    assert not shortage_close(shortage=shortage, bot=bot, exchanges=floor.exchanges, now=floor.now)
    floor.later(1)
    stopped = Bot.objects.get(pk=bot.pk)
    assert stopped.status == BotStatus.STOPPED
    floor.exchange.alice.change("USDT", D(1000))
    bot_start(bot=stopped, exchanges=floor.exchanges, now=floor.now)
    assert Shortage.objects.get().closing is None
    bot_stop(bot=bot, now=floor.now)
    floor.later(1)
    compared(floor, later_s=60)
    assert Bot.objects.get(pk=bot.pk).hidden_at is None


def test_a_bot_deleted_by_its_owner_is_closed(floor: Floor) -> None:
    bot, other = holding(floor), floor.bot("Other")
    floor.exchange.alice.change("USDT", -(ALL - 300))
    shortage = short(floor)
    assert not shortage_close(shortage=shortage, bot=bot, exchanges=floor.exchanges, now=floor.now)
    for _ in range(2):
        floor.later(6)
    bot_delete(bot=Bot.objects.get(pk=bot.pk), exchanges=floor.exchanges, now=floor.now)
    (left,) = compared(floor, later_s=60)
    assert (left.closing, left.ours) == (None, other.cash)


def test_a_bot_in_error_with_an_order_in_doubt_gives_up_its_money_once_that_is_known(floor: Floor) -> None:
    bot = holding(floor)
    target = target_of(floor, bot)
    Order.objects.filter(pk=target.pk).update(status=OrderStatus.UNKNOWN, look_again_at=timezone.now())
    Bot.objects.filter(pk=bot.pk).update(status=BotStatus.ERROR, phase_why="Looked at.")
    floor.exchange.alice.change("USDT", -(ALL - 500))
    shortage = short(floor)
    floor.exchange.faults.add("drop_request", **LOOKUP, times=None)
    close: dict[str, Any] = {"shortage": shortage, "bot": bot, "exchanges": floor.exchanges, "now": floor.now}
    assert not shortage_close(**close)
    floor.later(1)
    assert [one.closing for one in compared(floor, later_s=60)] == [bot]
    floor.exchange.faults.clear()
    for _ in range(3):
        floor.later(40)
    assert compared(floor, later_s=120) == []
    ended = Bot.objects.get(pk=bot.pk)
    assert (ended.status, ended.cash) == (BotStatus.STOPPED, 0)
    assert floor.exchange.ledger.open_orders(floor.exchange.alice.key) == []
    assert breaches() == []


def test_a_shortage_is_not_begun_or_ended_by_silence(floor: Floor) -> None:
    floor.bot()
    floor.exchange.alice.change("USDT", -(ALL - 400))
    shortage = short(floor)
    floor.exchange.faults.add("status", path="/api/v3/account", times=None, status=502, done=False)
    with pytest.raises(Unreachable):
        compared(floor, later_s=60)
    assert shortages_of(floor.account).get() == shortage
    with pytest.raises(ServiceRefused):
        floor.bot("Another")


@pytest.mark.parametrize("currency", ["BTC", "USDT"])
def test_a_purchase_that_was_planned_before_is_not_sent_under_a_sure_shortage(
    db: None, currency: str
) -> None:
    bot = live_bot()
    plain: dict[str, Any] = {"user": bot.user, "account": bot.account, "ours": D(2), "found": D(1)}
    shortage = Shortage.objects.create(currency=currency, seen_at=NOW, **plain)
    Purse(people.order(bot, Side.BUY)).claim()  # it is not sure yet
    Shortage.objects.filter(pk=shortage.pk).update(sure_at=NOW)
    with pytest.raises(SwitchedOff, match=f"The bots should hold 2 {currency}"):
        Purse(people.order(bot, Side.BUY)).claim()
    Purse(people.order(bot, Side.SELL)).claim()
    Shortage.objects.filter(pk=shortage.pk).update(ended_at=NOW)
    Purse(people.order(bot, Side.BUY)).claim()
