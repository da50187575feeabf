"""How pages tell of a stop-limit order: what it is, what triggers it, and what it sells for at the least."""

import json
from decimal import Decimal
from uuid import uuid4

import pytest
from django.urls import reverse

from bots.models import Bot
from orders.models import Order
from orders.rules import OrderKind, Side
from orders.states import OrderStatus
from tests.web.conftest import Person
from tests.web.test_forms_of_bots import offered


def with_a_stop(bot: Bot) -> Bot:
    order = Order.objects.filter(bot=bot).order_by("slot")[0]
    order.pk, order.client_id, order.exchange_order_id = uuid4(), uuid4().hex, None
    order.slot, order.side, order.kind, order.role = "deal-1/stop", Side.SELL, OrderKind.STOP, "exit"
    order.price, order.trigger, order.amount = Decimal("58800"), Decimal("60000.5"), Decimal("0.01")
    order.status, order.filled, order.cost = OrderStatus.OPEN, Decimal(0), Decimal(0)
    order.reserved_quote, order.reserved_base, order.settled = Decimal(0), order.amount, False
    order.save(force_insert=True)
    return bot


@pytest.mark.parametrize("name", ["orders:list", "bots:page"])
def test_a_stop_is_told_by_its_kind_its_trigger_and_its_limit(alice: Person, name: str) -> None:
    bot = with_a_stop(alice.running())
    address = reverse(name) if name == "orders:list" else reverse(name, args=[bot.pk])
    page = " ".join(alice.client.get(address).content.decode().split())
    assert "<span>stop-limit</span>" in page
    assert "trigger 60,000.50, limit 58,800.00" in page


def test_a_chart_draws_a_stop_where_it_is_triggered(alice: Person) -> None:
    bot = with_a_stop(alice.running())
    told = json.loads(alice.client.get(reverse("bots:chart", args=[bot.pk])).content)
    assert {"60000.5"} == {one["price"] for one in told["orders"] if one["slot"] == "deal-1/stop"}


@pytest.mark.parametrize("ticker", ["BTC/USDT", "AWK/USDT"])
def test_a_start_shows_the_stop_that_it_would_place_where_one_rests(alice: Person, ticker: str) -> None:
    told = ticker != "AWK/USDT"
    fields = offered(alice, "momentum", ticker=ticker) | {"stop": "percent", "take_profit_pct": "10"}
    answer = alice.client.post(reverse("bots:check", args=["momentum"]), fields)
    page = " ".join(answer.content.decode().split())
    assert "It may start." in page
    assert ('<td data-label="Kind">stop-limit</td>' in page) is told
    assert ("deal-1/target" in page) is not told
