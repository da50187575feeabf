"""The process dies in the midst of a turn: at any statement, and on either side of the wire (rows 5–9)."""

from collections import Counter
from dataclasses import replace
from itertools import count

import pytest

from activity.live import deliver_to
from activity.models import Delivery
from activity.queries import waiting_users
from orders.gateways.base import Exchanges
from orders.gateways.exchange.clients import ProcessClients
from orders.gateways.exchange.limits import Limits
from orders.models import Order, Trade
from orders.states import OrderStatus
from tests.engine.exchanges import Killed
from tests.gateways.exchange.books import agree, come_to_rest, statuses
from tests.gateways.exchange.conftest import KEYS, Floor
from tests.gateways.exchange.public import NAME, options_of
from tests.rows.deaths import After, Death, dies, killed, turn_with

FILLED, OPEN = OrderStatus.FILLED, OrderStatus.OPEN
CLAIM = 'UPDATE "orders_order" SET "status"'
# The statements of one booking, and which of their kind in a turn they are.
BOOKING = [
    ('UPDATE "bots_bot" SET "position_amount"', 1),
    ('INSERT INTO "orders_trade"', 1),
    ('INSERT INTO "orders_ledgerentry"', 1),
    ('INSERT INTO "activity_activitylog"', 1),
    (CLAIM, 2),
]
STATEMENTS_MIN = 50


@pytest.mark.row(5)
def test_a_death_after_the_plan_is_written_and_before_it_is_sent(floor: Floor) -> None:
    bot = floor.bot()
    with dies(Death(CLAIM)):
        floor.turn(bot)
    assert statuses(floor, bot) == [OrderStatus.PLANNED]
    assert floor.exchange.oracle.creates == []
    come_to_rest(floor)
    assert statuses(floor, bot) == [FILLED, OPEN]
    agree(floor)


@pytest.mark.row(5)
def test_a_plan_that_a_death_has_made_old_is_given_up_and_made_anew(floor: Floor) -> None:
    bot = floor.bot()
    with dies(Death(CLAIM)):
        floor.turn(bot)
    hour_ago = floor.orders(bot)[0].planned_at.replace(year=2020)
    Order.objects.update(planned_at=hour_ago)
    come_to_rest(floor)
    assert statuses(floor, bot) == [OrderStatus.ABANDONED, FILLED, OPEN]
    agree(floor)


@pytest.mark.row(6)
def test_a_death_after_the_claim_and_before_the_request_leaves(floor: Floor) -> None:
    bot = floor.bot()
    with pytest.raises(Killed):
        turn_with(floor, bot, before=killed)
    assert statuses(floor, bot) == [OrderStatus.SENDING]
    floor.later(1)
    assert statuses(floor, bot) == [OrderStatus.UNKNOWN], "nobody knows that it has not left"
    come_to_rest(floor)
    assert statuses(floor, bot) == [OrderStatus.NOT_PLACED, FILLED, OPEN]
    assert len(floor.exchange.oracle.creates) == 2, "an order that may have left is never sent again"
    agree(floor)


@pytest.mark.row(7)
def test_a_death_between_the_answer_and_its_booking(floor: Floor) -> None:
    bot = floor.bot()
    with pytest.raises(Killed):
        turn_with(floor, bot, after=killed)
    (order,) = floor.orders(bot)
    assert (order.status, order.exchange_order_id) == (OrderStatus.SENDING, None)
    come_to_rest(floor)
    assert floor.orders(bot)[0].exchange_order_id is not None
    assert statuses(floor, bot) == [FILLED, OPEN]
    agree(floor)


@pytest.mark.row(8)
@pytest.mark.parametrize(("words", "nth"), BOOKING)
def test_a_death_in_the_midst_of_booking_leaves_nothing_of_it(floor: Floor, words: str, nth: int) -> None:
    bot = floor.bot()
    with dies(Death(words, nth)):
        floor.turn(bot)
    (order,) = floor.orders(bot)
    assert (order.status, order.filled, order.reserved_quote > 0) == (OrderStatus.SENDING, 0, True)
    assert not Trade.objects.exists()
    come_to_rest(floor)
    assert statuses(floor, bot) == [FILLED, OPEN]
    agree(floor)


def unlimited(floor: Floor) -> ProcessClients:
    options = {NAME: options_of(floor.exchange)}
    return ProcessClients(overrides=options, keys=KEYS, limits=lambda _: Limits())


@pytest.mark.row(5, 6, 7, 8, 9)
@pytest.mark.long
def test_a_death_at_any_statement_of_a_turn(floor: Floor) -> None:
    """A bot for each statement; the last one lives through its turn."""
    # All of them in one minute are more than a real exchange would let be asked.
    floor = replace(floor, clients=unlimited(floor))
    floor.exchange.limits.weight_max = floor.exchange.limits.orders_max = 1_000_000
    for nth in count(1):
        bot = floor.bot(f"Bot {nth}", investment="105")
        death = Death(nth=nth)
        with dies(death):
            floor.turn(bot)
        come_to_rest(floor)
        told = Counter(statuses(floor, bot))
        assert (told[FILLED], told[OPEN]) == (1, 1), death.met[-1]
        if not death.dead:
            break
    assert nth > STATEMENTS_MIN
    agree(floor)


@pytest.mark.row(9)
def test_news_of_a_death_are_told_all_the_same_and_may_be_told_twice(floor: Floor) -> None:
    bot = floor.bot()
    Delivery.objects.all().delete()
    with dies(After('INSERT INTO "orders_trade"', Killed)):
        floor.turn(bot)
    assert Trade.objects.count() == 1, "it was committed"
    assert waiting_users() == [floor.user.pk]
    come_to_rest(floor)
    for _ in range(2):
        deliver_to(user=floor.user, render=None, exchanges=Exchanges(), now=floor.now)
        assert waiting_users() == []
        Delivery.objects.update(delivered_at=None)  # a death before it was noted
    agree(floor)
