"""A stop that does not rest, or no more, though it should: the bot watches it."""

from decimal import Decimal

import pytest

from orders.states import OrderStatus
from tests.strategies.dcas import market
from tests.strategies.momentums import bought, candle, deal_of, told, waiting
from tests.strategies.resting_stops import ON, STOP, sold, stands_at

D = Decimal


def test_a_stop_that_is_refused_is_watched_by_the_bot_and_said_once() -> None:
    playground = waiting(ON, stop_pct=5)
    playground.refuses_stops = True
    candle(playground, enter=1.0)
    assert playground.live == {}
    for _ in range(6):
        playground.move(100)
        candle(playground)
    assert told(playground, "its stop does not rest on simulated; the bot watches it") == 1
    assert deal_of(playground).refusals == 3, "not again for each candle of a long deal"
    playground.move(95)
    assert sold(playground) == [("deal-1/exit", D(1), D(95))]


def test_a_stop_that_was_refused_is_tried_again_with_the_next_candle() -> None:
    playground = waiting(ON, stop_pct=5)
    playground.refuses_stops = True
    candle(playground, enter=1.0)
    playground.refuses_stops = False
    playground.look()
    assert playground.live == {}
    playground.move(101)
    candle(playground)
    assert stands_at(playground)[0] == D(95)


@pytest.mark.parametrize("status", [OrderStatus.CANCELLED, OrderStatus.EXPIRED])
def test_a_stop_that_somebody_else_has_ended_is_watched_until_the_next_candle(status: OrderStatus) -> None:
    playground = bought(ON, stop_pct=5)
    playground.end(STOP, status)
    playground.look()
    assert playground.live == {}
    assert playground.plan.wake.below == D(95)
    playground.move(101)
    candle(playground)
    assert stands_at(playground)[0] == D(95)


def test_a_stop_that_was_never_placed_is_placed_again_at_once() -> None:
    playground = bought(ON, stop_pct=5)
    playground.end(STOP, OrderStatus.NOT_PLACED)
    playground.look()
    assert stands_at(playground)[0] == D(95)


def test_too_little_for_the_exchange_under_the_limit_is_watched_by_the_bot() -> None:
    playground = bought(market(rests_stops=True, min_cost="95"), stop_pct=5, stop_limit_offset_pct=50)
    assert playground.live == {}
    playground.move(95)
    assert [(slot, price) for slot, _, price in sold(playground)] == [("deal-1/exit", D(95))]
