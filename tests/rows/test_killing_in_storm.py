"""The kill switch, pressed while workers trade and hardly anything is answered (row 55)."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from django.db import connection

from bots.engine.turn import run_turn
from bots.models import KillSwitch, Level, Scope
from bots.services import Target, switch_press, switches_sweep
from orders.models import Order
from orders.states import LIVE
from tests.exchange.faults import CANCEL, CREATE, LOOKUP
from tests.gateways.exchange.books import agree, come_to_rest, theirs
from tests.gateways.exchange.conftest import Floor
from tests.waiting import until

BOTS, WORKERS, WAIT_S = 4, 2, 20
ROUNDS_AFTER = 4
# So that much is under way, rests, or is in doubt when the switch is pressed.
SENT_BEFORE = 8
# SQLite lets its writers in by chance: whoever asks without a pause keeps the others out.
PAUSE_S = 0.05
LADDER: dict[str, Any] = {
    "investment": "400",
    "max_safety_orders": 2,
    "active_safety_orders": 2,
    "safety_order_volume": "50",
    "safety_order_step_pct": "1",
}


def storm(floor: Floor) -> None:
    floor.exchange.faults.add("drop_answer", **CREATE, after=2, times=2)
    floor.exchange.faults.add("status", **CREATE, status=503, after=5, times=2, done=True)
    floor.exchange.faults.add("drop_answer", **CANCEL, times=2)
    floor.exchange.faults.add("code", **LOOKUP, code=-2013, times=3)


def press(floor: Floor, level: Level) -> KillSwitch:
    target = Target(Scope.USER, floor.user)
    return switch_press(target=target, level=level, by=floor.user, now=floor.now, why="Storm")


@pytest.mark.row(55)
@pytest.mark.parametrize("level", [Level.CANCEL, Level.FLATTEN])
def test_pressed_in_a_storm_nothing_is_created_after_it_and_nothing_rests_in_the_end(
    floor: Floor, level: Level
) -> None:
    bots = [floor.bot(f"Bot {number}", **LADDER) for number in range(BOTS)]
    storm(floor)
    over, begun, rounds = Event(), Event(), list[int]()

    def work() -> None:
        try:
            while not over.wait(PAUSE_S):
                floor.ring(*bots)
                run_turn([bot.pk for bot in bots], exchanges=floor.exchanges, now=floor.now)
                rounds.append(len(floor.exchange.oracle.creates))
                if rounds[-1] >= SENT_BEFORE:
                    begun.set()
        finally:
            connection.close()

    with ThreadPoolExecutor(WORKERS) as pool:
        working = [pool.submit(work) for _ in range(WORKERS)]
        try:
            assert begun.wait(WAIT_S), f"in {WAIT_S} s not even {SENT_BEFORE} orders were sent"
            press(floor, level)
            claimed = set(Order.objects.filter(send_count=1).values_list("client_id", flat=True))
            again = press(floor, level)
            # Each worker may be amid a round that began before.
            enough = len(rounds) + WORKERS + ROUNDS_AFTER
            until(lambda: len(rounds) >= enough, WAIT_S)
        finally:
            over.set()
        for one in working:
            one.result(WAIT_S)
    floor.exchange.faults.clear()
    for _ in range(3):
        come_to_rest(floor)
        switches_sweep(now=floor.now)
    after = [seen for seen in floor.exchange.oracle.creates if seen.client_id not in claimed]
    exits = level == Level.FLATTEN
    assert [seen for seen in after if not (exits and seen.params["side"] == "SELL")] == []
    assert [order for order in theirs(floor).values() if order.open] == []
    assert not Order.objects.filter(status__in=sorted(LIVE)).exists()
    assert KillSwitch.objects.count() == 1, "pressed twice is one"
    again.refresh_from_db()
    assert again.verified_at is not None
    agree(floor)
