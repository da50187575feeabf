"""What the exchange tells comes too early, again and again, backwards, or in part (rows 10, 12, 17)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models.functions import Now

from bots.engine.turn import run_turn
from bots.models import Bot
from orders.states import OrderStatus
from tests.exchange.faults import CREATE, LOOKUP, TRADES
from tests.exchange.orders import Wish
from tests.gateways.exchange.books import agree, come_to_rest, statuses
from tests.gateways.exchange.conftest import Floor
from tests.rows.deaths import once, turn_with

FILLED, OPEN, UNKNOWN = OrderStatus.FILLED, OrderStatus.OPEN, OrderStatus.UNKNOWN
PART = Decimal("0.0004")
D = Decimal


def another_looks(floor: Floor, bot: Bot) -> None:
    """The lease of whoever works on the bot is over, and another worker gives it its turn."""
    Bot.objects.update(lease_until=Now() - timedelta(seconds=1))
    run_turn([bot.pk], exchanges=floor.exchanges, now=floor.now)


@pytest.mark.row(10)
def test_a_fill_that_is_known_before_the_answer_to_its_order(floor: Floor) -> None:
    """The answer is on its way when another worker finds the order filled, and books it."""
    bot = floor.bot()
    turn_with(floor, bot, after=once(lambda: another_looks(floor, bot)))
    come_to_rest(floor)
    assert statuses(floor, bot) == [FILLED, OPEN]
    assert len(floor.trades(bot)) == 1
    agree(floor)


@pytest.mark.row(10)
def test_a_limit_order_that_fills_before_its_acknowledgement_is_heard(floor: Floor) -> None:
    bot = floor.bot(base_order_type="limit")

    def fills() -> None:
        floor.exchange.ledger.fill(floor.exchange.ledger.orders[-1])
        another_looks(floor, bot)

    turn_with(floor, bot, after=once(fills))
    come_to_rest(floor)
    assert statuses(floor, bot)[0] == FILLED
    agree(floor)


@pytest.mark.row(12)
def test_trades_that_are_listed_backwards_doubled_and_in_part(floor: Floor) -> None:
    bot = floor.bot()
    floor.turn(bot)
    target = floor.exchange.ledger.orders[-1]
    for _ in range(3):
        floor.exchange.ledger.fill(target, PART)
    floor.exchange.faults.add("rows", **TRADES, backwards=True, repeat=[0, 1, 2])
    floor.exchange.faults.add("rows", **TRADES, drop=[0])
    floor.exchange.faults.add("rows", **TRADES, drop=[-1], backwards=True)
    booked = []
    for _ in range(4):
        floor.later(6)
        booked.append(floor.orders(bot)[1].filled)
    assert booked == sorted(booked), "what is filled never becomes less"
    assert booked[-1] == 3 * PART
    agree(floor)


@pytest.mark.row(12)
def test_an_older_word_on_an_order_takes_nothing_back(floor: Floor) -> None:
    """A replica of the exchange's still tells how the order was."""
    bot = floor.bot()
    floor.turn(bot)
    target = floor.exchange.ledger.orders[-1]
    floor.exchange.ledger.fill(target, PART)
    floor.later(6)
    old = {"executedQty": "0.00000000", "status": "NEW"}
    floor.exchange.faults.add("rewrite", method="GET", path="/api/v3/openOrders", fields=old, times=2)
    floor.exchange.faults.add("body", **TRADES, text="[]", times=2)
    floor.later(6)
    assert floor.orders(bot)[1].filled == PART
    floor.exchange.ledger.fill(target)
    come_to_rest(floor)
    assert statuses(floor, bot) == [FILLED, FILLED]
    agree(floor)


@pytest.mark.row(17)
def test_an_exchange_that_takes_the_same_id_twice_is_given_it_once(floor: Floor) -> None:
    """Ids are unique among open orders only: whoever sent a filled order's again would buy again."""
    bot = floor.bot()
    floor.exchange.faults.add("drop_answer", **CREATE)
    floor.exchange.faults.add("drop_request", **LOOKUP, times=3)
    floor.exchange.faults.add("code", **LOOKUP, code=-2013, after=3, times=2)
    floor.turn(bot)
    for _ in range(3):
        floor.later(3)
        assert statuses(floor, bot) == [UNKNOWN]
    come_to_rest(floor)
    assert statuses(floor, bot) == [FILLED, OPEN]
    agree(floor)
    entry, ledger = floor.orders(bot)[0], floor.exchange.ledger
    again = ledger.place(
        floor.exchange.alice.key, Wish("BTCUSDT", "BUY", "MARKET", entry.client_id, entry.amount)
    )
    assert again.filled == entry.amount, "the exchange would have taken it"
