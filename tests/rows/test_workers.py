"""Two workers at one bot, one that slept past its lease, bells that ring twice or not at all (rows 18–21)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models.functions import Now

from bots.engine import claims
from bots.engine.turn import run_turn
from bots.models import Bot, Decision
from orders.models import Order
from orders.states import OrderStatus
from tests.faults.installation import says
from tests.gateways.exchange.books import agree, come_to_rest, statuses
from tests.gateways.exchange.conftest import Floor
from tests.processes import until
from tests.rows.deaths import once, turn_with

FILLED, OPEN = OrderStatus.FILLED, OrderStatus.OPEN
WORKERS, ROUNDS, WAIT_S = 4, 3, 10
LADDER: dict[str, Any] = {
    "max_safety_orders": 3,
    "active_safety_orders": 3,
    "safety_order_volume": "50",
    "safety_order_step_pct": "1",
}
D = Decimal


def at_once(floor: Floor, ids: list[UUID], workers: int = WORKERS) -> None:
    """So many workers are given the same bots at the same moment."""
    start = Barrier(workers)

    def work() -> None:
        try:
            start.wait(WAIT_S)
            run_turn(ids, exchanges=floor.exchanges, now=floor.now)
        finally:
            connection.close()

    with ThreadPoolExecutor(workers) as pool:
        for one in [pool.submit(work) for _ in range(workers)]:
            one.result(WAIT_S)


@pytest.mark.row(18, 20)
def test_workers_that_are_given_the_same_bots_at_the_same_moment(floor: Floor) -> None:
    """As when a beat runs twice, or a message is delivered twice."""
    bots = [floor.bot(f"Bot {number}", **LADDER) for number in range(3)]
    for step in range(ROUNDS):
        at_once(floor, [bot.pk for bot in bots])
        floor.exchange.ledger.move("BTCUSDT", 50_000 - 600 * step)
        Order.objects.filter(status=OPEN).update(look_again_at=Now() - timedelta(seconds=1))
    come_to_rest(floor)
    for bot in bots:
        taken = [(order.decision_number, order.slot) for order in floor.orders(bot)]
        assert len(taken) == len(set(taken))
        assert Decision.objects.filter(bot=bot).count() == Bot.objects.get(pk=bot.pk).decisions_made
    agree(floor)


@pytest.mark.row(18)
def test_a_second_worker_leaves_a_bot_alone_while_its_order_is_sent(floor: Floor) -> None:
    """Its order is claimed and has not left: whoever looked it up now would call it unknown."""
    bot = floor.bot()

    def another() -> None:
        assert claims.due_ids() == []
        floor.turn(bot)
        assert statuses(floor, bot) == [OrderStatus.SENDING]

    turn_with(floor, bot, before=once(another))
    assert floor.exchange.oracle.asked("GET", "/api/v3/order") == []
    assert statuses(floor, bot) == [FILLED, OPEN]
    come_to_rest(floor)
    agree(floor)


def sleeps(floor: Floor, bot: Bot, seconds: float) -> None:
    """The worker stands still for so long; its lease is over, and another takes the bot meanwhile."""
    slept = timedelta(seconds=seconds)
    for pk, claimed_at in Order.objects.filter(bot=bot, send_count=1).values_list("pk", "claimed_at"):
        assert claimed_at is not None
        Order.objects.filter(pk=pk).update(claimed_at=claimed_at - slept)
    Bot.objects.update(lease_until=Now() - timedelta(seconds=1))
    run_turn([bot.pk], exchanges=floor.exchanges, now=floor.now)


@pytest.mark.row(19)
def test_a_worker_that_slept_between_claim_and_request_sends_nothing(floor: Floor) -> None:
    bot = floor.bot()
    turn_with(floor, bot, before=once(lambda: sleeps(floor, bot, 90)))
    assert floor.exchange.oracle.creates == [], "it looked at the clock before the request left"
    come_to_rest(floor)
    assert statuses(floor, bot)[-2:] == [FILLED, OPEN]
    agree(floor)


@pytest.mark.row(19)
def test_a_request_that_slept_on_the_wire_is_refused_for_its_age(floor: Floor) -> None:
    """Its worker stood still when the clock had been looked at already: the exchange looks once more."""
    bot = floor.bot()
    floor.exchange.faults.add("late", method="POST", path="/api/v3/order", fenced=True)
    floor.turn(bot)
    (request,) = floor.exchange.oracle.creates
    floor.exchange.skew_ms = 90_000
    floor.exchange.faults.release()
    until("the request's end", says(lambda: request.outcome != "lost"), WAIT_S, pause_s=0.01)
    floor.exchange.skew_ms = 0
    assert (request.outcome, request.code) == ("refused", -1021)
    come_to_rest(floor)
    assert statuses(floor, bot) == [OrderStatus.NOT_PLACED, FILLED, OPEN]
    agree(floor)


@pytest.mark.row(20)
def test_a_message_that_comes_again_after_all_is_done_changes_nothing(floor: Floor) -> None:
    bot = floor.bot()
    floor.turn(bot)
    before = Decision.objects.count(), len(floor.exchange.oracle.creates)
    for _ in range(3):
        floor.turn(bot)
    assert (Decision.objects.count(), len(floor.exchange.oracle.creates)) == before
    agree(floor)


@pytest.mark.row(21)
def test_after_ten_minutes_without_a_bell_bots_look_once_at_how_things_are_now(floor: Floor) -> None:
    """The price has gone through the ladder and back; nobody was rung. No step of it is decided late."""
    bot = floor.bot(**LADDER)
    floor.turn(bot)
    made = Decision.objects.filter(bot=bot).count()
    for price in (49_400, 48_800, 47_000, 49_900):
        floor.exchange.ledger.move("BTCUSDT", price)
    for name in ("look_again_at", "planned_at"):
        for order in Order.objects.filter(bot=bot, look_again_at__isnull=False):
            Order.objects.filter(pk=order.pk).update(**{name: getattr(order, name) - timedelta(minutes=10)})
    assert claims.due_ids() == [bot.pk]
    run_turn(claims.due_ids(), exchanges=floor.exchanges, now=floor.now)
    first, *others = Decision.objects.filter(bot=bot, number__gt=made).order_by("number")
    assert len(first.seen["fills"]) == 3, "one decision sees it all"
    assert len(others) == 1, "and one the end of the target it has cancelled"
    assert Bot.objects.get(pk=bot.pk).total_trades == 4
    come_to_rest(floor)
    agree(floor)
