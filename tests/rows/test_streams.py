"""An account's stream that tells of a fill before the answer to its order, again and again, or backwards
(rows 10–12)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from bots.models import Bot
from orders.models import Order, Trade
from orders.states import OrderStatus
from tests.exchange.faults import CREATE
from tests.gateways.exchange.books import statuses
from tests.gateways.exchange.conftest import Floor
from tests.gateways.exchange.studio import Studio, opened
from tests.waiting import until

FILLED, OPEN, SENDING = OrderStatus.FILLED, OrderStatus.OPEN, OrderStatus.SENDING
PARTS, WAIT_S = 3, 10


@pytest.fixture
def studio(floor: Floor) -> Iterator[Studio]:
    with opened(floor) as studio:
        yield studio


@pytest.mark.row(10)
def test_a_fill_that_the_stream_tells_before_the_answer_to_its_order_comes(studio: Studio) -> None:
    floor, exchange = studio.floor, studio.exchange
    studio.holding()
    studio.listen()
    bot = floor.bot("Early")
    floor.exchange.faults.add("delay", **CREATE, done=True)

    def turn() -> None:
        try:
            floor.turn(bot)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(turn)
        try:
            until(lambda: any(seen.outcome == "done" for seen in exchange.oracle.creates[2:]), WAIT_S)
            studio.until(lambda: studio.listener.early)
            assert statuses(floor, bot) == [SENDING]
            assert not Trade.objects.filter(bot=bot).exists(), "nothing is booked from a stream"
        finally:
            exchange.faults.clear()
        sent.result(WAIT_S)
    studio.until(lambda: statuses(floor, bot) == [FILLED, OPEN])
    assert Trade.objects.filter(bot=bot).count() == 1
    studio.agrees()


@pytest.mark.row(11, 12)
@pytest.mark.parametrize(
    ("effect", "options"), [("duplicate", {"copies": 3, "times": None}), ("shuffle", {"times": PARTS})]
)
def test_fills_that_are_told_thrice_or_backwards_are_booked_once(
    studio: Studio, effect: str, options: dict[str, Any]
) -> None:
    """And once more by whoever asks, and by the next stream, which begins with asking."""
    bot, resting, theirs = studio.holding()
    studio.listen()
    fault = studio.exchange.faults.add(effect, path="executionReport", **options)
    for _ in range(PARTS):
        studio.exchange.ledger.fill(theirs, theirs.quantity / 4)
    studio.until(lambda: len(studio.sold(bot)) == PARTS)
    assert fault.struck == PARTS
    before = studio.lines()
    studio.exchange.hub.cut()
    studio.until(lambda: studio.lines() - before)
    studio.floor.later(6)
    assert [trade.quantity for trade in studio.sold(bot)] == [theirs.quantity / 4] * PARTS
    assert Order.objects.get(pk=resting.pk).filled == theirs.filled
    studio.exchange.ledger.fill(theirs)
    studio.agrees()
    assert Bot.objects.get(pk=bot.pk).total_trades == 2 + PARTS
