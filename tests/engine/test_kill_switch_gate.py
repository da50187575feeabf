"""A press and claims at the same moment, on two connections: every claim is before the press, or sees it."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Event
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.models import Sum

from bots.models import Bot, KillSwitch, Level, Scope
from bots.services import switches_sweep
from orders.models import Order
from orders.services import order_claim
from orders.states import OrderStatus
from orders.switches import SwitchedOff, close_gate
from tests.engine.conftest import NOW, World
from tests.engine.switches import planned, press

LATER = NOW + timedelta(minutes=5)
WAIT_S = 10
HELD_UP_S = 0.3


@contextmanager
def another_connection() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool
        pool.submit(lambda: connection.close()).result(WAIT_S)


def is_held_up(future: "Future[None]") -> bool:
    try:
        future.exception(HELD_UP_S)
    except TimeoutError:
        return True
    return False


@pytest.mark.postgres_only
def test_a_press_waits_for_a_claim_that_is_under_way(world: World) -> None:
    """READ COMMITTED alone would let it commit after the press, of which it has seen nothing."""
    order, token = planned(world, world.bot())
    claimed, commit = Event(), Event()

    def claim() -> None:
        with transaction.atomic():
            order_claim(order=order, token=token)
            claimed.set()
            assert commit.wait(WAIT_S)

    with another_connection() as claiming, another_connection() as pressing:
        first = claiming.submit(claim)
        assert claimed.wait(WAIT_S)
        second = pressing.submit(lambda: _pressed(world))
        assert is_held_up(second)
        assert not KillSwitch.objects.exists()
        commit.set()
        first.result(WAIT_S)
        second.result(WAIT_S)
    stored = Order.objects.get(pk=order.pk)
    assert (stored.status, stored.cancel_requested_at) == (OrderStatus.SENDING, NOW)


@pytest.mark.postgres_only
def test_a_claim_that_began_before_the_press_was_committed_sees_it(world: World) -> None:
    order, token = planned(world, world.bot())
    pressed, commit = Event(), Event()

    def press_slowly() -> None:
        with transaction.atomic():
            close_gate()
            KillSwitch.objects.create(scope=Scope.SYSTEM, level=Level.CANCEL, pressed_at=NOW)
            pressed.set()
            assert commit.wait(WAIT_S)

    def claim() -> None:
        order_claim(order=order, token=token)

    with another_connection() as pressing, another_connection() as claiming:
        first = pressing.submit(press_slowly)
        assert pressed.wait(WAIT_S)
        second = claiming.submit(claim)
        assert is_held_up(second)
        commit.set()
        first.result(WAIT_S)
        with pytest.raises(SwitchedOff):
            second.result(WAIT_S)
    assert Order.objects.get(pk=order.pk).send_count == 0


@pytest.mark.postgres_only
@pytest.mark.parametrize("rows", [Bot, Order])
def test_a_press_waits_for_no_turn_that_is_writing(world: World, rows: type[Bot] | type[Order]) -> None:
    """The cut holds at once; what the turn holds is made good by the sweep that follows."""
    order, token = planned(world, world.bot())
    held, commit = Event(), Event()

    def write_slowly() -> None:
        with transaction.atomic():
            assert list(rows._default_manager.select_for_update(no_key=True))
            held.set()
            assert commit.wait(WAIT_S)

    with another_connection() as writing:
        turn = writing.submit(write_slowly)
        assert held.wait(WAIT_S)
        press(world)
        assert Order.objects.get(pk=order.pk).status == OrderStatus.PLANNED
        commit.set()
        turn.result(WAIT_S)
    with pytest.raises(SwitchedOff):
        order_claim(order=order, token=token)
    switches_sweep(now=LATER)
    assert Order.objects.get(pk=order.pk).status == OrderStatus.ABANDONED


@pytest.mark.row(55)
@pytest.mark.postgres_only
def test_in_a_storm_nothing_is_claimed_once_the_press_has_returned(world: World) -> None:
    made = [planned(world, world.bot(f"Bot {number}", investment="200")) for number in range(24)]
    begun = Event()

    def claim_some(mine: list[tuple[Order, UUID]]) -> None:
        try:
            for order, token in mine:
                begun.set()
                try:
                    order_claim(order=order, token=token)
                except SwitchedOff:
                    continue
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        working = [pool.submit(claim_some, made[number::4]) for number in range(4)]
        assert begun.wait(WAIT_S)
        press(world)
        at_the_press = Order.objects.aggregate(sent=Sum("send_count"))
        for one in working:
            one.result(WAIT_S)
    assert Order.objects.aggregate(sent=Sum("send_count")) == at_the_press


def _pressed(world: World) -> None:
    press(world)
