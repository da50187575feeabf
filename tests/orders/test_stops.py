"""A stop: how a paper exchange takes it, what triggers it, what it sells for, and what its row may be."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from bots.engine.reached import passed
from bots.models import Bot
from orders.matching import Placement, Quote, placed, stop_price
from orders.models import Order, Trade
from orders.records import replace
from orders.rules import Market, OrderKind, Side
from orders.services import order_triggered
from orders.states import OrderStatus
from tests import people
from tests.people import NOW
from tradingbot.clock import ms_of

D = Decimal
ON = Market(
    "simulated", "BTC/USDT", D("0.01"), D("0.001"), min_amount=D("0.01"), min_cost=D(5), rests_stops=True
)
OPEN, FILLED, REFUSED = OrderStatus.OPEN, OrderStatus.FILLED, OrderStatus.REFUSED


def quote(last: str, spread: str = "0") -> Quote:
    half = D(spread) / 2
    return Quote(D(last) - half, D(last) + half, D(last), ms_of(NOW) + 1000)


def arrives(trigger: str, limit: str, amount: str = "1", on: Market = ON) -> Placement:
    return placed(
        side=Side.SELL,
        kind=OrderKind.STOP,
        amount=D(amount),
        limit=D(limit),
        post_only=False,
        quote=quote("100"),
        slippage_pct=D(0),
        market=on,
        trigger=D(trigger),
    )


@pytest.mark.parametrize(
    ("trigger", "limit", "amount", "why"),
    [
        ("100", "90", "1", "triggered at once"),
        ("105", "90", "1", "triggered at once"),
        ("95.005", "90", "1", "not on the tick"),
        ("95", "90.005", "1", "not on the tick"),
        ("95", "90", "0.001", "minimum"),
        ("95", "4.99", "1", "minimum"),
        ("95", "90", "1.0005", "not on the lot"),
    ],
)
def test_what_no_exchange_would_take_is_refused(trigger: str, limit: str, amount: str, why: str) -> None:
    found = arrives(trigger, limit, amount)
    assert found.status is REFUSED
    assert why in found.why


def test_it_rests_under_the_price_even_where_its_limit_would_be_marketable() -> None:
    assert arrives("99.99", "90") == Placement(OPEN)


def test_where_no_stops_rest_none_is_taken() -> None:
    assert arrives("95", "90", on=replace(ON, rests_stops=False)).status is REFUSED


@pytest.mark.parametrize(
    ("last", "spread", "slippage", "price"),
    [
        ("95", "0", "0", "95"),
        ("95", "0.2", "0", "94.9"),
        ("95", "0.2", "1", "93.95"),
        ("95", "0", "5", "93"),
        ("93", "0", "0", "93"),
        ("92.99", "0", "0", None),
        ("93", "0.02", "0", None),
    ],
)
def test_once_triggered_it_sells_at_the_bid_never_under_its_limit(
    last: str, spread: str, slippage: str, price: str | None
) -> None:
    found = stop_price(D(93), quote(last, spread), D(slippage), D("0.01"))
    assert found == (None if price is None else D(price))


prices = st.decimals("0.01", "1000", places=2)


@given(limit=prices, last=prices, spread=st.decimals("0", "0.02", places=4), slippage=st.integers(0, 20))
def test_it_never_sells_under_its_limit_nor_over_the_bid(
    limit: Decimal, last: Decimal, spread: Decimal, slippage: int
) -> None:
    told = Quote(last - spread, last + spread, last, 0)
    price = stop_price(limit, told, D(slippage), D("0.01"))
    assert (price is None) == (told.bid < limit)
    assert price is None or limit <= price <= max(told.bid, limit)


def a_stop(**changes: Any) -> Order:
    """One that rests over a coin bought at 100: from 95 on it sells, for 94 at the least."""
    bot = people.bot(people.alice())
    people.trade(people.open_order(bot))
    return people.open_order(
        Bot.objects.get(pk=bot.pk),
        Side.SELL,
        **{"trigger": D(95), "price": D(94), "amount": D("0.9")} | changes,
    )


def at(order: Order, last: str) -> Order:
    passed(exchange=order.exchange, ticker=order.ticker, quote=quote(last), now=NOW)
    return Order.objects.get(pk=order.pk)


@pytest.mark.django_db
def test_a_price_that_is_seen_at_the_trigger_sells_as_a_taker() -> None:
    order = a_stop()
    assert at(order, "95.01").status == OPEN
    assert at(order, "95").status == FILLED
    sold = Trade.objects.get(order=order)
    assert (sold.price, sold.quantity, sold.maker) == (D(95), D("0.9"), False)


@pytest.mark.django_db
def test_a_price_that_is_seen_under_the_limit_lets_it_rest_there() -> None:
    order = at(a_stop(), "93")
    assert (order.status, order.triggered_at is not None) == (OPEN, True)
    assert at(order, "94").status == OPEN, "touched is not gone through"
    assert at(order, "94.01").status == FILLED
    sold = Trade.objects.get(order=order)
    assert (sold.price, sold.maker) == (D(94), True)


@pytest.mark.django_db
def test_a_price_over_its_limit_is_not_what_it_waits_for() -> None:
    """The limit of a stop that is not triggered lies under the price all the time."""
    assert at(a_stop(), "120").status == OPEN


@pytest.mark.django_db
def test_what_has_ended_or_waits_for_no_trigger_is_not_triggered() -> None:
    stop = a_stop()
    limit = people.open_order(Bot.objects.get(pk=stop.bot_id), Side.SELL, price=D(120), amount=D("0.05"))
    Order.objects.filter(pk=stop.pk).update(status=OrderStatus.CANCELLED, finished_at=NOW, reserved_base=0)
    for order in (stop, limit):
        order_triggered(order=order, at=NOW)
    assert not Order.objects.filter(triggered_at__isnull=False).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [
        {"trigger": None},
        {"trigger": D("93.99")},
        {"price": None},
        {"side": Side.BUY, "trigger": D(95)},
        {"kind": OrderKind.LIMIT},
        {"kind": OrderKind.LIMIT, "trigger": None, "triggered_at": NOW},
    ],
)
def test_a_row_has_a_trigger_over_its_limit_if_it_is_a_stop_and_else_none(changes: dict[str, Any]) -> None:
    order = a_stop()
    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(**changes)
