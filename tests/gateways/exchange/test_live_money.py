"""A real account's money: what a start may take of it, and what happens when some of it is gone.

The exchange's own balances are the oracle: alice has 100,000 USDT and 2 BTC there.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.services import account_compare, compare_due_accounts, shortage_close, shortages_of
from activity.models import ActivityLog
from bots.models import Bot, BotStatus, Phase, Shortage
from bots.services import ServiceRefused, bot_delete, bot_stop
from orders.accounting import Pocket
from orders.invariants import breaches
from orders.models import Balance, LedgerEntry, Order
from orders.states import OrderStatus
from tests.exchange.orders import Wish
from tests.gateways.exchange.books import agree, come_to_rest, statuses
from tests.gateways.exchange.conftest import Floor

D = Decimal
ALL = D(100_000)


def usdt(floor: Floor) -> D:
    return floor.exchange.alice.balances["USDT"].total


def refusal(floor: Floor, **changes: Any) -> tuple[str, str, str]:
    with pytest.raises(ServiceRefused) as refused:
        floor.bot("Another", **changes)
    (problem,) = refused.value.problems
    return problem.code, problem.field, problem.fix


def compared(floor: Floor, later_s: float = 0) -> list[Shortage]:
    now = timezone.now() + timedelta(seconds=later_s)
    account_compare(account=floor.account, exchanges=floor.exchanges, now=now)
    return list(shortages_of(floor.account))


def short(floor: Floor) -> Shortage:
    """One that is sure."""
    assert [one.sure_at for one in compared(floor)] == [None]
    (found,) = compared(floor, later_s=30)
    assert found.sure_at is not None
    return found


def holding(floor: Floor, **changes: Any) -> Bot:
    """A bot that has bought, with its target at rest."""
    bot = floor.bot(**changes)
    floor.turn(bot)
    row = Bot.objects.get(pk=bot.pk)
    assert row.position_amount > 0
    return row


def foreign_coins_leave(floor: Floor, bot: Bot) -> None:
    """The owner sells what is none of the bot's."""
    floor.exchange.alice.change("BTC", bot.position_amount - floor.exchange.alice.balances["BTC"].total)


def test_a_start_takes_from_outside_what_it_funds_and_gives_it_back_there(floor: Floor) -> None:
    bot = floor.bot(investment="1000")
    assert (bot.cash, bot.funded) == (1000, 1000)
    assert not Balance.objects.filter(account=floor.account).exists()
    bot_stop(bot=bot, now=floor.now)
    floor.later(1)
    assert Bot.objects.get(pk=bot.pk).status == BotStatus.STOPPED
    moves = LedgerEntry.objects.filter(bot=bot, trade=None).order_by("pk")
    assert [(row.credit, row.debit, row.amount) for row in moves] == [
        (Pocket.OUTSIDE, Pocket.BOT, 1000),
        (Pocket.BOT, Pocket.OUTSIDE, 1000),
    ]
    assert breaches() == []


def test_47_two_bots_of_one_account_never_have_the_same_money(floor: Floor) -> None:
    floor.bot(investment="60000")
    assert refusal(floor, investment="60000") == ("over_balance", "investment", "40000")
    assert floor.bot("Third", investment="40000").cash == 40_000
    assert refusal(floor, investment="200")[2] == "0"


def test_what_an_order_of_somebody_else_locks_is_not_free(floor: Floor) -> None:
    wish = Wish("BTCUSDT", "BUY", "LIMIT", "by-hand", D("0.5"), D(40_000))
    floor.exchange.ledger.place(floor.exchange.alice.key, wish)
    assert refusal(floor, investment="90000")[2] == "80000"


def test_what_our_own_orders_lock_is_in_their_bots_pockets_already(floor: Floor) -> None:
    resting: dict[str, Any] = {
        "base_order_volume": "100",
        "safety_order_volume": "500",
        "max_safety_orders": 1,
    }
    bot = floor.bot(investment="2000", **resting)
    floor.turn(bot)
    locked = floor.exchange.alice.balances["USDT"].locked
    assert locked > 0
    assert floor.bot("All", investment=str(ALL - 2000)).cash == ALL - 2000


def test_what_a_fill_nobody_has_booked_yet_brought_in_is_not_given_away(floor: Floor) -> None:
    bot = holding(floor, investment="1000")
    target = next(order for order in floor.orders(bot) if order.status == OrderStatus.OPEN)
    before = Bot.objects.get(pk=bot.pk)
    floor.exchange.ledger.move("BTCUSDT", target.price + 1)
    brought_in = usdt(floor) - (ALL - 1000) - before.cash
    assert brought_in > 0
    left = refusal(floor, investment=str(ALL))[2]
    assert D(left) == ALL - 1000
    assert Bot.objects.get(pk=bot.pk).cash == before.cash + brought_in


def test_while_an_order_may_bring_money_in_nobody_knows_what_is_free(floor: Floor) -> None:
    bot = holding(floor)
    Order.objects.filter(bot=bot, status=OrderStatus.OPEN).update(status=OrderStatus.UNKNOWN)
    assert refusal(floor)[0] == "busy"


def test_a_start_needs_a_key_that_works_and_an_exchange_that_answers(floor: Floor) -> None:
    floor.exchange.faults.add("status", path="/api/v3/account", times=None, status=502, done=False)
    assert refusal(floor)[:2] == ("unreachable", "account")
    floor.exchange.faults.clear()
    floor.exchange.alice.revoked = True
    assert refusal(floor)[:2] == ("key_refused", "account")
    floor.exchange.alice.revoked = False
    floor.account.state, floor.account.state_reason = "broken", "It was revoked."
    floor.account.save()
    assert refusal(floor)[:2] == ("not_working", "account")
    assert not Bot.objects.filter(status=BotStatus.ACTIVE).exists()


def test_45_coins_that_are_gone_hold_the_bots_and_are_told(floor: Floor) -> None:
    bot = holding(floor)
    before = floor.exchange.alice.balances["BTC"].total
    foreign_coins_leave(floor, bot)
    assert compared(floor) == []
    target = next(order for order in floor.orders(bot) if order.status == OrderStatus.OPEN)
    floor.exchange.ledger.cancel(floor.exchange.ledger.orders[-1])
    floor.exchange.alice.change("BTC", -target.amount / 2)
    shortage = short(floor)
    assert (shortage.currency, shortage.missing) == ("BTC", target.amount / 2)
    row = Bot.objects.get(pk=bot.pk)
    assert (row.phase, row.phase_why) == (Phase.SUSPENDED, shortage.why[:300])
    assert ActivityLog.objects.filter(message__contains="should hold", level="ERROR").count() == 1
    for _ in range(8):
        floor.later(61)
    row = Bot.objects.get(pk=bot.pk)
    assert (row.status, row.phase) == (BotStatus.ACTIVE, Phase.SUSPENDED)
    assert statuses(floor, bot).count(OrderStatus.REFUSED) == 1, "what cannot be sold is not tried again"
    floor.exchange.alice.change("BTC", before - floor.exchange.alice.balances["BTC"].total)
    assert compared(floor, later_s=60) == []
    come_to_rest(floor)
    assert statuses(floor, bot)[-1] == OrderStatus.OPEN, "its coins are protected again"
    agree(floor)


def test_45_under_a_shortage_nothing_is_bought_and_exits_go_on(floor: Floor) -> None:
    bot = floor.bot()
    floor.exchange.alice.change("USDT", -(ALL - 400))
    shortage = short(floor)
    assert (shortage.currency, shortage.ours, shortage.found) == ("USDT", 1000, 400)
    asked = len(floor.exchange.oracle.creates)
    floor.turn(bot)
    assert len(floor.exchange.oracle.creates) == asked
    floor.exchange.alice.change("USDT", D(600))
    assert compared(floor, later_s=60) == []
    assert Bot.objects.get(pk=bot.pk).phase == Phase.WAITING
    floor.turn(bot)
    assert len(floor.exchange.oracle.creates) > asked
    come_to_rest(floor)
    agree(floor)


def test_45_a_closed_bot_gives_up_what_it_should_hold(floor: Floor) -> None:
    bot, other = holding(floor), floor.bot("Other", investment="500")
    floor.exchange.alice.change("USDT", -(usdt(floor) - 300))
    shortage = short(floor)
    closed = shortage_close(shortage=shortage, bot=bot, exchanges=floor.exchanges, now=floor.now)
    assert not closed  # its target still rests
    for _ in range(3):
        floor.later(6)
    compared(floor, later_s=60)
    assert Bot.objects.get(pk=bot.pk).hidden_at is not None
    assert floor.exchange.ledger.open_orders(floor.exchange.alice.key) == []
    (left,) = compared(floor, later_s=120)  # the other should still hold 500 of the 300
    assert left.closing is None
    shortage_close(shortage=left, bot=other, exchanges=floor.exchanges, now=floor.now)
    floor.later(1)
    compared(floor, later_s=180)
    assert compared(floor, later_s=240) == []
    assert Bot.objects.get(pk=other.pk).cash == 0
    assert floor.exchange.oracle.sent_twice() == []
    assert breaches() == []


def test_a_bot_that_holds_none_of_it_is_not_closed_for_it(floor: Floor) -> None:
    bot = floor.bot()
    floor.exchange.alice.change("USDT", -(ALL - 400))
    shortage = short(floor)
    bot_stop(bot=bot, now=floor.now)
    floor.later(1)
    with pytest.raises(ServiceRefused, match="holds no USDT"):
        shortage_close(shortage=shortage, bot=bot, exchanges=floor.exchanges, now=floor.now)


def test_a_fill_on_its_way_is_no_shortage(floor: Floor) -> None:
    bot = holding(floor)
    target = next(order for order in floor.orders(bot) if order.status == OrderStatus.OPEN)
    foreign_coins_leave(floor, bot)
    floor.exchange.ledger.move("BTCUSDT", target.price + 1)
    assert compared(floor) == []
    assert not Shortage.objects.exists()


def test_foreign_money_that_leaves_is_no_shortage(floor: Floor) -> None:
    floor.bot(investment="1000")
    floor.exchange.alice.change("USDT", -(ALL - 1000))
    assert compared(floor) == []


def test_each_account_is_compared_once_a_minute(floor: Floor) -> None:
    floor.bot()
    now = timezone.now()
    assert compare_due_accounts(exchanges=floor.exchanges, now=now) == 1
    assert compare_due_accounts(exchanges=floor.exchanges, now=now + timedelta(seconds=59)) == 0
    assert compare_due_accounts(exchanges=floor.exchanges, now=now + timedelta(seconds=60)) == 1


def test_a_deleted_bot_leaves_its_coins_with_their_owner(floor: Floor) -> None:
    bot = holding(floor)
    bot_stop(bot=bot, now=floor.now, how="cancel_orders")
    for _ in range(2):
        floor.later(6)
    bot_delete(bot=bot, exchanges=floor.exchanges, now=floor.now)
    assert Bot.objects.get(pk=bot.pk).position_amount == 0
    assert compared(floor) == []
    assert breaches() == []
