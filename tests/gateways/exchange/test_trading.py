"""A live bot on the test exchange: bought, filled and sold, and every answer that goes astray on the way.

The numbers are those of the fault matrix. After each fault the exchange's own books are compared with ours.
"""

from decimal import Decimal
from time import monotonic
from typing import Any

import pytest
from django.core.cache import cache

from accounts.models import AccountState, ExchangeAccount
from bots.engine import claims
from bots.engine.claims import Hold
from bots.engine.send import send
from bots.models import Bot, BotStatus
from orders.models import Order
from orders.services import WAIT_TOLD_MAX_S
from orders.states import OrderStatus
from tests.engine.switches import written
from tests.exchange.faults import CANCEL, CREATE, LOOKUP, TRADES
from tests.gateways.exchange.books import agree, come_to_rest, statuses
from tests.gateways.exchange.conftest import Floor

FILLED, OPEN, UNKNOWN = OrderStatus.FILLED, OrderStatus.OPEN, OrderStatus.UNKNOWN
FENCE_S = 25
LOOKS = 4
D = Decimal


def given_up(floor: Floor) -> None:
    """Time passes until the request of the order in doubt has run out, and it was asked for often enough."""
    for _ in range(LOOKS):
        floor.later(FENCE_S)


def test_a_deal_from_its_entry_to_its_target(floor: Floor) -> None:
    bot = floor.bot()
    floor.turn(bot)
    assert statuses(floor, bot) == [FILLED, OPEN]
    come_to_rest(floor)
    agree(floor)
    floor.exchange.ledger.move("BTCUSDT", floor.orders(bot)[1].price + 1)
    floor.later(6)
    assert statuses(floor, bot) == [FILLED, FILLED]
    assert Bot.objects.get(pk=bot.pk).pnl > 0
    come_to_rest(floor)
    agree(floor)


LOST: list[tuple[str, dict[str, Any]]] = [
    ("drop_answer", {"ending": "hang"}),
    ("drop_answer", {"ending": "close"}),
    ("drop_answer", {"ending": "reset"}),
    ("drop_answer", {"ending": "cut"}),
    ("body", {"text": "<html>wait</html>"}),
    ("body", {"text": ""}),
    ("body", {"text": "{}"}),
    ("body", {"text": "null"}),
    ("body", {"text": "[]"}),
    ("body", {"text": '{"symbol": "BTC'}),
    ("body", {"text": "forbidden", "status": 403}),
    ("body", {"text": "timeout", "status": 524}),
    ("body", {"text": "bad gateway", "status": 502}),
]


@pytest.mark.parametrize(("effect", "options"), LOST)
def test_1_and_2_an_answer_that_is_lost_is_found_again(
    floor: Floor, effect: str, options: dict[str, Any]
) -> None:
    floor.exchange.faults.add(effect, **CREATE, **options)
    bot = floor.bot()
    floor.turn(bot)
    assert statuses(floor, bot) == [FILLED, OPEN]
    come_to_rest(floor)
    agree(floor)


def test_1_an_answer_lost_and_no_look_answered(floor: Floor) -> None:
    floor.exchange.faults.add("drop_answer", **CREATE)
    floor.exchange.faults.add("drop_request", **LOOKUP, times=2)
    bot = floor.bot()
    floor.turn(bot)
    assert statuses(floor, bot) == [UNKNOWN]
    assert floor.orders(bot)[0].reserved_quote > 0, "its money stays reserved"
    floor.later(1)
    floor.later(3)
    assert statuses(floor, bot) == [FILLED, OPEN]
    come_to_rest(floor)
    agree(floor)


def test_3_a_request_that_is_lost_is_proven_so_and_only_then_made_anew(floor: Floor) -> None:
    floor.exchange.faults.add("drop_request", **CREATE)
    bot = floor.bot()
    floor.turn(bot)
    for _ in range(3):
        floor.later(3)
        assert statuses(floor, bot) == [UNKNOWN], "its request may still be on the way"
    given_up(floor)
    first, *others = floor.orders(bot)
    assert first.status == OrderStatus.NOT_PLACED
    assert [order.status for order in others] == [FILLED, OPEN]
    come_to_rest(floor)
    agree(floor)


def test_4_an_order_that_comes_after_it_was_given_up_is_ended_and_booked(floor: Floor) -> None:
    floor.exchange.faults.add("late", **CREATE)
    bot = floor.bot(base_order_type="limit")
    floor.turn(bot)
    given_up(floor)
    assert OrderStatus.NOT_PLACED in statuses(floor, bot)
    floor.exchange.faults.release()
    floor.later(120)
    floor.later(120)
    late = floor.orders(bot)[0]
    assert late.exchange_order_id is not None
    assert Bot.objects.get(pk=bot.pk).status == BotStatus.ERROR
    assert not [one for one in floor.exchange.ledger.orders if one.open and one.client_id == late.client_id]
    come_to_rest(floor)
    agree(floor)


def test_13_an_order_that_is_filled_before_its_trades_are_listed(floor: Floor) -> None:
    floor.exchange.faults.add("drop_answer", **CREATE)
    floor.exchange.faults.add("body", **TRADES, text="[]", times=2)
    bot = floor.bot()
    floor.turn(bot)
    assert Bot.objects.get(pk=bot.pk).position_amount == 0, "no fill is made up"
    floor.later(3)
    floor.later(6)
    assert statuses(floor, bot) == [FILLED, OPEN]
    come_to_rest(floor)
    agree(floor)


def test_15_a_cancel_whose_answer_is_lost(floor: Floor) -> None:
    bot = floor.bot()
    floor.turn(bot)
    floor.exchange.faults.add("drop_answer", **CANCEL)
    target = floor.orders(bot)[1]
    Order.objects.filter(pk=target.pk).update(cancel_requested_at=floor.now)
    floor.turn(bot)
    floor.later(1)
    assert floor.orders(bot)[1].status == OrderStatus.CANCELLED
    come_to_rest(floor)
    agree(floor)


@pytest.mark.parametrize("quantity", [None, "0.001"])
def test_14_a_fill_that_comes_between_a_cancel_and_its_answer(floor: Floor, quantity: str | None) -> None:
    """Filled as a whole, the exchange knows no such order any more; in part, the rest is cancelled."""
    bot = floor.bot()
    floor.turn(bot)
    target = floor.orders(bot)[1]
    fill = floor.exchange.faults.add("fill_first", **CANCEL, quantity=quantity)
    Order.objects.filter(pk=target.pk).update(cancel_requested_at=floor.now)
    floor.turn(bot)
    ended = floor.orders(bot)[1]
    assert fill.struck == 1
    assert (ended.status, ended.filled) == (
        (FILLED, target.amount) if quantity is None else (OrderStatus.CANCELLED, D(quantity))
    )
    come_to_rest(floor)
    agree(floor)


def test_16_a_duplicate_is_looked_up(floor: Floor) -> None:
    floor.exchange.faults.add("code", **CREATE, code=-2010, message="Duplicate order sent.", done=True)
    bot = floor.bot()
    floor.turn(bot)
    assert statuses(floor, bot) == [FILLED, OPEN]
    come_to_rest(floor)
    agree(floor)


@pytest.mark.parametrize("status", [429, 418])
def test_32_and_33_the_time_to_wait_is_obeyed(floor: Floor, status: int) -> None:
    floor.exchange.faults.add("limited", **CREATE, status=status, retry_after=30)
    bot = floor.bot()
    floor.turn(bot)
    asked = len(floor.exchange.oracle.requests)
    floor.turn(bot)
    floor.later(1)
    assert len(floor.exchange.oracle.requests) == asked, "nothing is sent while the exchange wants nothing"
    cache.clear()  # the time is over
    come_to_rest(floor)
    assert statuses(floor, bot) == [OrderStatus.NOT_PLACED, FILLED, OPEN]
    agree(floor)


@pytest.mark.parametrize(("told_s", "waits_s"), [(20, 20), (86_400, WAIT_TOLD_MAX_S)])
def test_32_and_33_a_wait_of_a_day_is_no_clock_that_was_set_back(
    floor: Floor, told_s: int, waits_s: int
) -> None:
    """The order in doubt is asked for when its time has come, and the breaker keeps the rest of the wait."""
    floor.exchange.faults.add("drop_answer", **CREATE)
    floor.exchange.faults.add("limited", **LOOKUP, status=418, retry_after=told_s)
    bot = floor.bot()
    before = floor.now
    floor.turn(bot)
    (order,) = floor.orders(bot)
    assert order.status == UNKNOWN
    assert order.look_again_at is not None
    assert waits_s - 1 < (order.look_again_at - before).total_seconds() <= waits_s + 5
    assert claims.due_ids() == [], "nobody is given a turn for it before"


def test_11_fills_that_come_between_two_looks_are_booked_once_each(floor: Floor) -> None:
    bot = floor.bot()
    floor.turn(bot)
    resting = floor.exchange.ledger.orders[-1]
    floor.exchange.ledger.fill(resting, D("0.0005"))
    floor.exchange.ledger.fill(resting, D("0.0005"))
    for _ in range(3):
        floor.later(6)
    assert [trade.quantity for trade in floor.trades(bot)][1:] == [D("0.0005"), D("0.0005")]
    come_to_rest(floor)
    agree(floor)


def test_49_a_fee_in_a_third_currency_is_valued_and_touches_neither_side(floor: Floor) -> None:
    floor.exchange.ledger.deposit(floor.exchange.alice.key, "BNB", D(10))
    floor.exchange.alice.fee_asset = "BNB"
    bot = floor.bot()
    floor.turn(bot)
    (trade,) = floor.trades(bot)
    assert trade.fee_currency == "BNB"
    assert trade.fee > 0
    assert trade.fee_value == trade.fee * 500, "BNB/USDT stands at 500"
    row = Bot.objects.get(pk=bot.pk)
    assert row.position_amount == trade.quantity
    assert row.pnl == -trade.fee_value
    come_to_rest(floor)
    agree(floor)


def test_48_a_fee_in_base_leaves_what_can_be_sold(floor: Floor) -> None:
    """What is left after the fee is not a whole number of lots: the target sells what is."""
    bot = floor.bot()
    floor.turn(bot)
    entry, target = floor.orders(bot)
    (trade,) = floor.trades(bot)
    assert trade.fee_currency == "BTC"
    assert target.amount <= entry.amount - trade.fee
    assert target.amount % D("0.00001") == 0
    come_to_rest(floor)
    agree(floor)


def test_51_more_than_was_ordered_is_booked_and_stops_the_bot(floor: Floor) -> None:
    bot = floor.bot(max_safety_orders=1, safety_order_volume="100")
    floor.turn(bot)
    resting = next(order for order in floor.exchange.ledger.orders if order.open and order.wish.buys)
    floor.exchange.ledger.fill(resting, resting.quantity + D("0.00001"), over=True)
    floor.later(6)
    safety = next(order for order in floor.orders(bot) if order.exchange_order_id == str(resting.id))
    assert safety.overfilled
    assert safety.filled == safety.amount + D("0.00001")
    row = Bot.objects.get(pk=bot.pk)
    assert (row.status, row.total_trades) == (BotStatus.ERROR, 2)
    assert "than was ordered" in row.phase_why
    come_to_rest(floor)
    agree(floor)


def test_an_account_that_is_set_aside_between_the_decision_and_its_order_gets_none(floor: Floor) -> None:
    bot = floor.bot()
    orders, token = written(bot, floor.exchanges, floor.now)
    ExchangeAccount.objects.update(state=AccountState.SUSPENDED, state_reason="Withdrawals.")
    send([bot.pk], orders, hold=Hold(token, monotonic()), exchanges=floor.exchanges, now=floor.now)
    assert (statuses(floor, bot), floor.exchange.oracle.creates) == ([OrderStatus.REFUSED], [])
