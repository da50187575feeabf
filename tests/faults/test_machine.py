"""The order protocol under whatever Hypothesis thinks of, and under some things that it seldom thinks of."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from bots.models import BotStatus
from tests.faults.machine import BOTS, OrderMachine


def drive(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        OrderMachine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, suppress_health_check=list(HealthCheck)
        ),
    )


def lost_and_late(machine: OrderMachine) -> None:
    """A request is given up, and arrives after all."""
    machine.turn(BOTS, "lose_request")
    machine.time_passes(40)
    machine.turn(BOTS, "")
    machine.a_lost_request_arrives()
    machine.later(400)
    machine.turn(BOTS, "")
    assert BotStatus.ERROR in {bot.status for bot in machine.bots()}


def dead_amid_everything(machine: OrderMachine) -> None:
    """The process dies at each of its first points in turn, while prices move."""
    for points in range(1, 40):
        machine.price_moves(points % 7 * 5 - 15)
        machine.crash(points)
    assert any(order.filled for order in machine.orders())


def taken_over_while_asleep(machine: OrderMachine) -> None:
    for points in (1, 2, 3, 4):
        machine.price_moves(-5 * points)
        machine.lease_is_stolen(points)
    assert machine.thefts


def fills_told_anyhow(machine: OrderMachine) -> None:
    """In parts, backwards, twice, long after, and by the cancel that lost the race."""
    machine.looks_go_wrong(silent=False, muddles=True)
    machine.turn(BOTS, "fills_later")
    for tenths in (3, 5):
        machine.part_fills(tenths, 0)
        machine.later(6)
        machine.turn(BOTS, "")
        machine.old_news_is_told_again(0, 1)
    machine.cancel("fills_first", 0)
    machine.old_news_is_told_again(1, 3)
    assert any(order.filled for order in machine.orders())


def closed_before_it_was_opened(machine: OrderMachine) -> None:
    """The market's clock is set back an hour while a deal is open."""
    machine.turn(BOTS, "")
    machine.clock_jumps(-3600)
    machine.price_moves(20)
    machine.later(6)
    machine.turn(BOTS, "")
    assert any(order.side == "sell" and order.filled for order in machine.orders())


@pytest.mark.parametrize(
    "play",
    [
        lost_and_late,
        dead_amid_everything,
        taken_over_while_asleep,
        fills_told_anyhow,
        closed_before_it_was_opened,
    ],
)
def test_in_this_play_no_order_is_doubled_and_no_fill_lost(
    transactional_db: None, play: Callable[[OrderMachine], None]
) -> None:
    machine = OrderMachine()
    machine.begin()
    play(machine)
    machine.nothing_is_sent_twice()
    machine.orders_only_go_on()
    machine.rows_agree()
    machine.teardown()


@pytest.mark.parametrize("points", [2, 10, 12, 14])
def test_a_death_while_a_late_order_is_taken_in_loses_none_of_its_fills(
    transactional_db: None, points: int
) -> None:
    machine = OrderMachine()
    machine.begin()
    machine.turn(BOTS, "lose_request")
    machine.time_passes(40)
    machine.turn(BOTS, "")
    machine.a_lost_request_arrives()
    machine.later(400)
    machine.crash(points)
    machine.teardown()


def test_whatever_happens_no_order_is_doubled_and_no_fill_lost(transactional_db: None) -> None:
    drive(examples=5, steps=12)


@pytest.mark.long
def test_whatever_happens_for_long_no_order_is_doubled_and_no_fill_lost(transactional_db: None) -> None:
    drive(examples=40, steps=30)
