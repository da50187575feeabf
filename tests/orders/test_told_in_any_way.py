"""The same fills, told in any order, repeated and cut as may be, with their fees at once or later, leave the
same books; and ids that an exchange uses twice are kept apart."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from activity.models import ActivityLog, Severity
from bots.models import Bot
from orders.gateways.base import FillReport
from orders.invariants import breaches
from orders.models import Order, Trade
from orders.rules import FeeIn, Side
from orders.states import OrderStatus
from tests import people
from tests.orders.fills import batches, fill, settled, untold

pytestmark = pytest.mark.django_db

D = Decimal
EXAMPLES = 15
FEES = st.sampled_from(
    [("USDT", "0.05"), ("USDT", "0"), ("BTC", "0.0007"), ("BNB", "0.0001"), ("USDT", "-0.01")]
)
ROWS = st.lists(st.tuples(st.integers(1, 900), st.integers(90, 110), FEES), min_size=1, max_size=5)


@contextmanager
def rolled_back() -> Iterator[None]:
    """Each example begins with nothing."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def fills_of(rows: list[tuple[int, int, tuple[str, str]]]) -> list[FillReport]:
    return [
        fill(
            number,
            f"{D(thousandths) / 1000}",
            f"{price}",
            fee=D(fee),
            fee_currency=currency,
            fee_value=D(fee) * 600 if currency == "BNB" else D(0),
        )
        for number, (thousandths, price, (currency, fee)) in enumerate(rows)
    ]


def books_of(order: Order) -> tuple[object, ...]:
    """What must be alike, whichever way it was told."""
    bot, row = Bot.objects.get(pk=order.bot_id), Order.objects.get(pk=order.pk)
    trades = Trade.objects.filter(order=order)
    fees: dict[tuple[str, str], Decimal] = {}
    for trade in trades:
        of = trade.exchange_trade_id, trade.fee_currency
        fees[of] = fees.get(of, D(0)) + trade.fee
    return (
        (bot.position_amount, bot.position_cost, bot.pnl, bot.cash),
        (row.filled, row.cost, row.fee_look_at),
        {(trade.exchange_trade_id, trade.quantity, trade.price) for trade in trades if not trade.correction},
        {of: fee for of, fee in fees.items() if fee},
    )


def buying(fee_in: FeeIn) -> Order:
    people.market(fee_in=fee_in)
    return people.open_order(people.bot(people.alice()), amount=D(5))


@settings(max_examples=EXAMPLES)
@given(rows=ROWS, fee_in=st.sampled_from(FeeIn), data=st.data())
def test_any_order_repetition_and_cut_of_the_same_fills(
    rows: list[tuple[int, int, tuple[str, str]]], fee_in: FeeIn, data: st.DataObject
) -> None:
    fills = fills_of(rows)
    told = data.draw(st.lists(st.lists(st.sampled_from(fills), max_size=5), max_size=5))
    with rolled_back():
        once, often = buying(fee_in), buying(fee_in)
        settled(once, *fills)
        batches(often, [*told, data.draw(st.permutations(fills))])
        assert books_of(often) == books_of(once)
        assert breaches() == []


@settings(max_examples=EXAMPLES)
@given(rows=ROWS, fee_in=st.sampled_from(FeeIn), data=st.data())
def test_fees_told_at_once_later_or_in_between(
    rows: list[tuple[int, int, tuple[str, str]]], fee_in: FeeIn, data: st.DataObject
) -> None:
    fills = fills_of(rows)
    silent = [untold(told.trade_id, f"{told.amount}", f"{told.price}") for told in fills]
    told = data.draw(st.lists(st.lists(st.sampled_from([*fills, *silent]), max_size=5), max_size=5))
    with rolled_back():
        once, often = buying(fee_in), buying(fee_in)
        settled(once, *fills)
        batches(often, [*told, data.draw(st.permutations(fills)), silent])
        assert books_of(often) == books_of(once)
        assert breaches() == []


def test_50_a_trade_of_ours_with_ourselves_has_one_id_and_is_booked_on_both_orders() -> None:
    bot = people.bot(people.alice())
    settled(people.open_order(bot, amount=D(1)), fill("opening"), status=OrderStatus.FILLED)
    bought = people.open_order(bot, amount=D(1), price=D(101))
    sold = people.open_order(bot, Side.SELL, amount=D(1), price=D(101))
    for order in (bought, sold, bought):
        settled(order, fill(7, "1", "101"), status=OrderStatus.FILLED)
    assert [(trade.side, trade.exchange_trade_id) for trade in Trade.objects.order_by("number")] == [
        ("buy", "opening"),
        ("buy", "7"),
        ("sell", "7"),
    ]
    assert breaches() == []


def test_53_ids_that_begin_anew_or_serve_two_markets_are_kept_apart_by_their_orders() -> None:
    account = people.paper_account(people.alice())
    bots = [people.bot(people.alice(), account, ticker=ticker) for ticker in ("BTC/USDT", "ETH/USDT")]
    orders = [people.open_order(bot, amount=D(1)) for bot in bots]
    Order.objects.filter(pk__in=[order.pk for order in orders]).update(exchange_order_id="1")
    orders.append(people.open_order(bots[0], amount=D(1)))
    for order in orders:
        settled(order, fill(1), status=OrderStatus.FILLED)
    assert Trade.objects.filter(exchange_trade_id="1").count() == 3
    assert breaches() == []


def test_52_a_status_nobody_knows_leaves_the_order_as_it_is_and_is_said_once() -> None:
    order = people.open_order(people.bot(people.alice()), amount=D(2))
    for _ in range(3):
        order = settled(order, fill(1), status=OrderStatus.UNKNOWN, reason="TRADE_PREVENTION")
    assert (order.status, order.filled) == (OrderStatus.OPEN, D(1)), "what has filled is booked"
    assert order.looks == 3, "it is asked for again, later each time"
    order = settled(order, status=OrderStatus.UNKNOWN, reason="PENDING_NEW")
    words = [
        row.message.split()[2] for row in ActivityLog.objects.filter(level=Severity.WARNING).order_by("pk")
    ]
    assert words == ["TRADE_PREVENTION", "PENDING_NEW"]
    order = settled(order, fill(1), fill(2), status=OrderStatus.UNKNOWN, reason="PENDING_NEW")
    assert order.status == OrderStatus.FILLED, "all of it has filled, whatever it is called"


def test_52_an_ended_order_stays_ended() -> None:
    order = people.cancelled(people.open_order(people.bot(people.alice())))
    order = settled(order, status=OrderStatus.UNKNOWN, reason="PENDING_CANCEL")
    assert (order.status, order.looks) == (OrderStatus.CANCELLED, 0)
    assert breaches() == []
