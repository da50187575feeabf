"""The kill switch: who may press and release it, what it says, and how coins are sold under it."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import ExchangeAccount, User
from activity.models import ActivityLog
from bots.models import Bot, BotCommand, BotStatus, KillSwitch, Level, Scope
from bots.services import (
    ServiceRefused,
    Target,
    bot_command,
    bot_start,
    bot_stop,
    switch_press,
    switch_release,
    switches_sweep,
)
from bots.strategies.base import CommandKind
from orders.gateways.installed import installed
from orders.models import Order, SimulatedMarket
from orders.rules import OrderKind, Side
from orders.switches import bots_under, lets_out, levels_over, switches_over
from tests import people
from tests.services.desk import DCA, NOW, a_bot, grid_around, started, turn

pytestmark = pytest.mark.django_db


def everything_of(user: User) -> Target:
    return Target(Scope.USER, user)


def market_target(user: User | None, ticker: str = "BTC/USDT") -> Target:
    return Target(Scope.MARKET, user, exchange="simulated", ticker=ticker)


def press(target: Target, level: Level = Level.CANCEL, **changes: Any) -> KillSwitch:
    asked: dict[str, Any] = {"target": target, "level": level, "by": target.user, "now": NOW}
    return switch_press(**asked | changes)


def played() -> None:
    """What the workers and the sweep do within some seconds."""
    for _ in range(4):
        turn()
        switches_sweep(now=NOW)


@pytest.mark.parametrize("bot_type", ["dca", "grid"])
def test_flatten_sells_all_and_sees_that_nothing_rests(account: ExchangeAccount, bot_type: str) -> None:
    price = SimulatedMarket.objects.get(ticker="BTC/USDT").price
    values = {"dca": DCA, "grid": grid_around(price)}[bot_type]
    bot = started(a_bot(account, bot_type=bot_type, values=values))
    assert bot.position_amount > 0
    press(everything_of(account.user), Level.FLATTEN)
    assert KillSwitch.objects.get().verified_at is None
    played()
    bot.refresh_from_db()
    assert (bot.status, bot.position_amount, bot.cash) == (BotStatus.STOPPED, 0, 0)
    assert not Order.objects.filter(bot=bot, status="open").exists()
    assert KillSwitch.objects.get().verified_at == NOW
    assert (
        Order.objects.filter(bot=bot, kind="limit", send_count=1).latest("planned_at").status == "cancelled"
    )


def test_flatten_sells_the_coins_of_bots_that_do_not_run(account: ExchangeAccount) -> None:
    stopped, sick = started(a_bot(account, name="Stopped")), started(a_bot(account, name="Sick"))
    bot_stop(bot=stopped, now=NOW)
    Bot.objects.filter(pk=sick.pk).update(status=BotStatus.ERROR, failures=5)
    turn()
    press(everything_of(account.user), Level.FLATTEN)
    played()
    for bot in (stopped, sick):
        bot.refresh_from_db()
        assert (bot.status, bot.position_amount) == (BotStatus.STOPPED, 0), bot.name


def test_a_bot_that_its_drawdown_ended_is_sold_under_flatten_all_the_same(account: ExchangeAccount) -> None:
    bot = started(a_bot(account, values=DCA | {"max_drawdown_pct": "1", "on_drawdown": "cancel_orders"}))
    row = SimulatedMarket.objects.get(ticker="BTC/USDT")
    SimulatedMarket.objects.filter(pk=row.pk).update(price=row.price / 2)
    Bot.objects.filter(pk=bot.pk).update(events=bot.events + 1)
    turn()
    turn()
    assert Bot.objects.get(pk=bot.pk).status == BotStatus.STOPPED
    press(Target(Scope.BOT, account.user, bot), Level.FLATTEN)
    played()
    bot.refresh_from_db()
    assert (bot.status, bot.position_amount) == (BotStatus.STOPPED, 0)


def test_raised_to_flatten_what_was_cancelled_is_sold(account: ExchangeAccount) -> None:
    bot = started(a_bot(account))
    switch = press(everything_of(account.user), Level.CANCEL)
    played()
    assert Bot.objects.get(pk=bot.pk).position_amount > 0
    assert press(everything_of(account.user), Level.FLATTEN).pk == switch.pk
    assert KillSwitch.objects.get().verified_at is None, "what was seen was of the lower level"
    played()
    bot.refresh_from_db()
    assert (bot.status, bot.position_amount) == (BotStatus.STOPPED, 0)


def test_flatten_of_all_raises_what_a_narrower_switch_holds_up(account: ExchangeAccount) -> None:
    bot = started(a_bot(account))
    press(Target(Scope.BOT, account.user, bot), Level.CANCEL)
    press(market_target(account.user), Level.FLATTEN)
    played()
    assert Bot.objects.get(pk=bot.pk).position_amount == 0


def test_flatten_inside_a_wider_cancel_is_refused_for_it_could_not_sell(account: ExchangeAccount) -> None:
    bot = started(a_bot(account))
    press(everything_of(account.user), Level.CANCEL)
    with pytest.raises(
        ServiceRefused,
        match="all your bots lets no sale out; raise it to “all orders cancelled and all coins sold”",
    ):
        press(Target(Scope.BOT, account.user, bot), Level.FLATTEN)
    assert KillSwitch.objects.count() == 1


def test_pressing_twice_is_one_and_says_so_once(account: ExchangeAccount) -> None:
    started(a_bot(account))
    for _ in range(2):
        press(everything_of(account.user), Level.BLOCK, why="Enough")
    assert KillSwitch.objects.count() == 1
    said = ActivityLog.objects.filter(message__startswith="Kill switch pressed.")
    assert [row.message for row in said] == [
        "Kill switch pressed. The kill switch for all your bots is on: no new buys. Why: Enough"
    ]


def test_a_level_is_raised_and_never_lowered(account: ExchangeAccount) -> None:
    target = everything_of(account.user)
    press(target, Level.CANCEL)
    with pytest.raises(ServiceRefused, match="stronger: all orders cancelled; release it first"):
        press(target, Level.BLOCK)
    assert press(target, Level.FLATTEN).level == Level.FLATTEN


def test_released_it_may_be_pressed_again(account: ExchangeAccount) -> None:
    first = press(everything_of(account.user), Level.FLATTEN)
    for _ in range(2):
        switch_release(switch=first, by=account.user, now=NOW)
    second = press(everything_of(account.user), Level.BLOCK)
    assert KillSwitch.objects.count() == 2
    assert list(KillSwitch.objects.filter(released_at__isnull=True)) == [second]
    assert ActivityLog.objects.filter(message__endswith="was released.").count() == 1


@pytest.mark.parametrize("level", list(Level))
def test_no_bot_in_its_scope_is_started_and_the_sentence_names_the_switch(
    account: ExchangeAccount, level: Level
) -> None:
    bot = a_bot(account)
    switch = press(market_target(account.user), level, why="Too wild")
    with pytest.raises(
        ServiceRefused, match=r"BTC/USDT on simulated is on: .*Why: Too wild Release it first."
    ):
        bot_start(bot=bot, exchanges=installed(), now=NOW)
    assert bot_start(bot=a_bot(account, ticker="SOL/USDT"), exchanges=installed(), now=NOW)
    switch_release(switch=switch, by=account.user, now=NOW)
    assert started(bot).status == BotStatus.ACTIVE


def test_a_running_bot_is_not_asked_to_buy_under_it(account: ExchangeAccount) -> None:
    bot = started(a_bot(account))
    press(everything_of(account.user), Level.BLOCK)
    with pytest.raises(ServiceRefused, match="may open nothing now"):
        bot_command(bot=bot, kind=CommandKind.ADD_FUNDS, quote=Decimal(10), now=NOW)
    assert not BotCommand.objects.exists()


def test_a_bot_started_while_flatten_was_pressed_is_told_to_sell_by_the_sweep(
    account: ExchangeAccount,
) -> None:
    bot = started(a_bot(account))
    Bot.objects.filter(pk=bot.pk).update(status=BotStatus.STOPPED)
    press(everything_of(account.user), Level.FLATTEN)
    Bot.objects.filter(pk=bot.pk).update(status=BotStatus.ACTIVE, stop_request="")
    switches_sweep(now=NOW)
    assert Bot.objects.get(pk=bot.pk).stop_request == "cancel_and_sell"


def test_who_may_press_what(account: ExchangeAccount) -> None:
    alice, bob = account.user, people.bob()
    operator = User.objects.create_user("operator@example.org", is_staff=True)
    bot = a_bot(account)
    theirs = [Target(Scope.BOT, alice, bot), market_target(alice), everything_of(alice)]
    everybodys = [market_target(None), Target(Scope.SYSTEM)]
    for target in theirs + everybodys:
        with pytest.raises(ServiceRefused, match="your own bots only"):
            press(target, by=bob)
    for target in everybodys:
        with pytest.raises(ServiceRefused, match="your own bots only"):
            press(target, by=alice)
    with pytest.raises(ServiceRefused, match="another person's"):
        press(Target(Scope.BOT, bob, bot), by=bob)
    assert not KillSwitch.objects.exists()
    for target in theirs:
        press(target)
    for target in everybodys:
        press(target, by=operator)
    assert KillSwitch.objects.count() == 5


def test_who_may_release_what(account: ExchangeAccount) -> None:
    alice, operator = account.user, User.objects.create_user("operator@example.org", is_staff=True)
    mine, all_of_mine = press(market_target(alice)), press(everything_of(alice), Level.BLOCK)
    taken_over = press(everything_of(alice), Level.BLOCK, by=operator)
    assert taken_over == all_of_mine
    for switch, by in (
        (mine, people.bob()),
        (taken_over, alice),
        (press(Target(Scope.SYSTEM), by=None), alice),
    ):
        with pytest.raises(ServiceRefused, match="an operator alone releases it"):
            switch_release(switch=switch, by=by, now=NOW)
    switch_release(switch=mine, by=alice, now=NOW)
    switch_release(switch=taken_over, by=operator, now=NOW)
    assert [one.scope for one in KillSwitch.objects.filter(released_at__isnull=True)] == [Scope.SYSTEM]


@pytest.mark.parametrize("why", ["x" * 301, "two\nlines"])
def test_a_reason_is_one_short_line(account: ExchangeAccount, why: str) -> None:
    with pytest.raises(ServiceRefused, match="one line of at most 300"):
        press(everything_of(account.user), why=why)


def test_a_market_that_is_not_there_cannot_be_stopped(account: ExchangeAccount) -> None:
    with pytest.raises(ServiceRefused, match="not traded"):
        press(market_target(account.user, "NO/SUCH"))


def test_a_switch_reaches_the_same_bots_whoever_asks(account: ExchangeAccount) -> None:
    """The rule is written three times: for a claim, for a look, and for what is carried out."""
    bob = people.bob()
    bots = [
        a_bot(account),
        a_bot(account, ticker="SOL/USDT"),
        people.bot(bob, people.paper_account(bob)),
        people.bot(bob, people.paper_account(bob, label="Other"), ticker="SOL/USDT"),
    ]
    targets = [Target(Scope.SYSTEM), market_target(None)]
    for bot in bots[1:3]:
        targets += [Target(Scope.BOT, bot.user, bot), market_target(bot.user), everything_of(bot.user)]
    for target in targets:
        switch = press(target, by=None)
        under = {bot.pk for bot in bots_under(switch)}
        assert under == {bot.pk for bot in bots if switch.reaches(bot)}, target
        assert under == {bot.pk for bot in bots if switch in switches_over(bot)}, target
        assert under == {pk for pk, levels in levels_over(bots).items() if levels}, target
        switch_release(switch=switch, by=None, now=NOW)


LEVELS, SIDES, KINDS = (
    st.sampled_from(list(Level)),
    st.sampled_from(list(Side)),
    st.sampled_from(list(OrderKind)),
)


@given(LEVELS, SIDES, KINDS)
def test_no_level_lets_a_buy_out_and_no_more_is_let_out_than_by_block(
    level: Level, side: Side, kind: OrderKind
) -> None:
    assert not (lets_out(level, side, kind) and side is Side.BUY)
    assert lets_out(Level.BLOCK, side, kind) >= lets_out(level, side, kind)
    assert not lets_out(Level.CANCEL, side, kind)
    assert not (lets_out(Level.FLATTEN, side, kind) and kind is OrderKind.LIMIT), "nothing that could rest"
