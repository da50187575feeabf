"""Clocks that jump, and requests that the exchange refuses for their time (rows 30, 31)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db.models.functions import Now

from bots.engine import claims
from bots.models import Bot, BotStatus
from orders.models import Order
from orders.states import OrderStatus
from tests.exchange.faults import CREATE
from tests.gateways.exchange.books import agree, come_to_rest, statuses
from tests.gateways.exchange.conftest import Floor

FILLED, OPEN, REFUSED, UNKNOWN = (
    OrderStatus.FILLED,
    OrderStatus.OPEN,
    OrderStatus.REFUSED,
    OrderStatus.UNKNOWN,
)
HOUR = timedelta(hours=1)
# What is written down as a moment of our own clock.
MOMENTS: list[tuple[type[Order] | type[Bot], str]] = [
    (Order, "planned_at"),
    (Order, "claimed_at"),
    (Order, "look_again_at"),
    (Bot, "lease_until"),
    (Bot, "retry_at"),
]


def our_clock_jumps(floor: Floor, jump: timedelta) -> None:
    """To an hour later: all that is written is an hour older, and the exchange, with its books, is behind."""
    for kind, name in MOMENTS:
        for row in kind._default_manager.filter(**{f"{name}__isnull": False}):
            kind._default_manager.filter(pk=row.pk).update(**{name: getattr(row, name) - jump})
    jump_ms, ledger = jump // timedelta(milliseconds=1), floor.exchange.ledger
    floor.exchange.skew_ms -= jump_ms
    for order in ledger.orders:
        order.created, order.updated = order.created - jump_ms, order.updated - jump_ms
    ledger.trades[:] = [replace(trade, time=trade.time - jump_ms) for trade in ledger.trades]


def doubtful(floor: Floor) -> Bot:
    """A bot whose order was placed, and nobody knows yet."""
    bot = floor.bot()
    floor.exchange.faults.add("drop_answer", **CREATE)
    floor.exchange.faults.add("drop_request", method="GET", path="/api/v3/order")
    floor.turn(bot)
    assert statuses(floor, bot) == [UNKNOWN]
    return bot


@pytest.mark.row(30)
@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_an_order_in_doubt_when_the_clock_jumps(floor: Floor, jump: timedelta) -> None:
    bot = doubtful(floor)
    our_clock_jumps(floor, jump)
    come_to_rest(floor)
    assert statuses(floor, bot) == [FILLED, OPEN]
    agree(floor)


@pytest.mark.row(30)
@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_an_order_that_rests_when_the_clock_jumps_is_followed_all_the_same(
    floor: Floor, jump: timedelta
) -> None:
    bot = floor.bot()
    floor.turn(bot)
    our_clock_jumps(floor, jump)
    floor.exchange.ledger.fill(floor.exchange.ledger.orders[-1])
    come_to_rest(floor)
    assert statuses(floor, bot) == [FILLED, FILLED]
    agree(floor)


@pytest.mark.row(30)
def test_a_dead_workers_lease_and_a_pause_end_though_the_clock_was_set_back(floor: Floor) -> None:
    bot = floor.bot()
    token, _ = claims.claim([bot.pk])
    Bot.objects.update(retry_at=Now() + timedelta(seconds=20))
    assert claims.claim([bot.pk])[1] == []
    our_clock_jumps(floor, -HOUR)
    assert claims.due_ids() == [bot.pk]
    other, mine = claims.claim([bot.pk])
    assert (mine, other != token) == ([bot.pk], True)
    claims.release(other)
    floor.turn(bot)
    assert statuses(floor, bot)[-2:] == [FILLED, OPEN]
    agree(floor)


@pytest.mark.row(30)
def test_a_request_that_is_under_way_when_the_clock_jumps_ahead_is_still_watched_for(floor: Floor) -> None:
    """By our clock it has long run out; by the exchange's it has not. It comes after all, and is ended."""
    bot = floor.bot(base_order_type="limit")
    floor.exchange.faults.add("late", **CREATE)
    floor.turn(bot)
    our_clock_jumps(floor, HOUR)
    come_to_rest(floor)
    assert statuses(floor, bot)[0] == OrderStatus.NOT_PLACED
    floor.exchange.faults.release()
    for _ in range(3):
        floor.later(120)
    assert floor.orders(bot)[0].exchange_order_id is not None
    assert Bot.objects.get(pk=bot.pk).status == BotStatus.ERROR
    come_to_rest(floor)
    agree(floor)


@pytest.mark.row(30)
def test_a_price_from_before_the_jump_is_asked_for_again(floor: Floor) -> None:
    prices = floor.exchanges.prices["binance"]
    quote = prices.quotes(["BTC/USDT"])["BTC/USDT"]
    cache.set("price:binance:BTC-USDT", type(quote)(quote.bid, quote.ask, quote.last, quote.at + 3_600_000))
    floor.exchange.ledger.move("BTCUSDT", 49_000)
    assert prices.quotes(["BTC/USDT"])["BTC/USDT"].last == 49_000


@pytest.mark.row(31)
@pytest.mark.parametrize("skew_ms", [-60_000, 60_000])
def test_an_order_refused_for_its_time_is_made_anew_by_the_exchanges_clock(
    floor: Floor, skew_ms: int
) -> None:
    floor.turn(floor.bot("First"))
    bot = floor.bot()
    floor.exchange.skew_ms = skew_ms
    floor.turn(bot)
    assert statuses(floor, bot) == [REFUSED, FILLED, OPEN]
    assert [seen.code for seen in floor.exchange.oracle.creates if seen.outcome == "refused"] == [-1021]
    assert len(floor.exchange.oracle.asked("GET", "/api/v3/time")) >= 2
    come_to_rest(floor)
    agree(floor)


@pytest.mark.row(31)
def test_questions_refused_for_their_time_are_asked_by_the_exchanges_clock(floor: Floor) -> None:
    bot = floor.bot()
    floor.turn(bot)
    floor.exchange.skew_ms = 60_000
    floor.exchange.ledger.fill(floor.exchange.ledger.orders[-1])
    floor.later(6)
    floor.later(6)
    assert statuses(floor, bot) == [FILLED, FILLED]
    come_to_rest(floor)
    agree(floor)


@pytest.mark.row(31)
def test_a_clock_that_is_always_wrong_does_not_send_one_order_twice(floor: Floor) -> None:
    floor.exchange.faults.add("code", **CREATE, code=-1021, times=None)
    bot = floor.bot()
    for _ in range(3):
        floor.turn(bot)
    assert set(statuses(floor, bot)) == {REFUSED}
    assert len(floor.exchange.oracle.creates) <= 5
    assert Bot.objects.get(pk=bot.pk).status != BotStatus.STOPPED
    agree(floor)
