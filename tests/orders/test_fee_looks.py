"""Asking for fees that are not told: how often, how long, and what is said when it ends."""

from datetime import timedelta
from decimal import Decimal

import pytest

from activity.models import ActivityLog, Severity
from bots.engine.claims import unfinished_orders
from orders.fees import WAITS_S, fees_asked
from orders.invariants import breaches
from orders.models import Order
from orders.models.order import FEE_LOOKS_MAX
from orders.states import OrderStatus
from tests import people
from tests.orders.fills import IN_A_THIRD, IN_QUOTE, bot_of, buying, fees_of, fill, settled, untold

pytestmark = pytest.mark.django_db

D = Decimal


def looked_in_vain(order: Order, times: int) -> Order:
    for _ in range(times):
        fees_asked(order=order, now=people.NOW)
        order = Order.objects.get(pk=order.pk)
    return order


def test_fees_are_asked_for_later_and_later_and_given_up_once_with_a_warning() -> None:
    order = settled(buying(), untold(1), untold(2))
    waits = []
    for _ in range(len(WAITS_S) - 1):
        order = looked_in_vain(order, 1)
        assert order.fee_look_at is not None
        waits.append((order.fee_look_at - people.NOW).total_seconds())
    assert waits == list(WAITS_S[1:])
    order = looked_in_vain(order, 3)
    assert order.fee_look_at is None
    (warning,) = ActivityLog.objects.filter(bot=order.bot_id, level=Severity.WARNING)
    assert "the fee of 2 fills" in warning.message
    assert breaches() == []


def test_who_asked_long_ago_does_not_turn_the_looks_back() -> None:
    order = settled(buying(), untold(1))
    looked_in_vain(order, 3)
    fees_asked(order=order, now=people.NOW)
    assert Order.objects.get(pk=order.pk).fee_looks == 3


def test_an_order_that_has_ended_is_due_until_its_fees_are_told() -> None:
    order = settled(buying(), untold(1, "2"), status=OrderStatus.FILLED)
    assert list(unfinished_orders()) == [order]
    settled(order, fill(1, "2", **IN_QUOTE), status=OrderStatus.FILLED)
    assert list(unfinished_orders()) == []


def test_there_is_a_wait_for_every_look() -> None:
    assert len(WAITS_S) == FEE_LOOKS_MAX
    assert 5 * 3600 < sum(WAITS_S) < 7 * 3600


def test_a_fee_that_comes_after_it_was_given_up_is_booked_all_the_same() -> None:
    order = looked_in_vain(settled(buying(), untold(1, "2")), len(WAITS_S))
    order = settled(order, fill(1, "2", **IN_A_THIRD))
    assert fees_of(bot_of(order)) == {"BNB": D("0.0004")}
    assert breaches() == []


def test_a_further_fill_without_its_fee_is_asked_for_from_the_beginning() -> None:
    order = looked_in_vain(settled(buying(), untold(1)), 4)
    order = settled(order, untold(1), untold(2))
    assert (order.fee_looks, order.fee_look_at) == (0, people.NOW + timedelta(seconds=WAITS_S[0]))
    order = settled(order, fill(1, fee=D("0.1")))
    assert order.fee_look_at is not None, "the other is still not told"
