"""What a plan makes of the orders that rest: which it leaves, in what order, and what is no order at all."""

from decimal import Decimal
from typing import Any

import pytest

from bots.strategies.base import ORDERS_PER_PLAN_MAX, OrderIntent, Plan, Role
from bots.strategies.difference import (
    NOTHING,
    BadPlan,
    check,
    check_count,
    exits_first,
    not_covered,
    reserved,
    wanted,
)
from orders.rules import FeeIn, OrderKind, Side
from tests.strategies.dcas import market

D = Decimal


def buy(amount: str = "1", price: str | None = "100", role: Role = Role.ENTRY) -> OrderIntent:
    kind = OrderKind.MARKET if price is None else OrderKind.LIMIT
    return OrderIntent(Side.BUY, kind, D(amount), None if price is None else D(price), role)


def sell(amount: str = "1", price: str = "110") -> OrderIntent:
    return OrderIntent(Side.SELL, OrderKind.LIMIT, D(amount), D(price), Role.EXIT)


ORDERS = {"buy": buy(), "sell": sell()}


@pytest.mark.parametrize(
    ("finished", "asked_to_stop", "cancels_all", "orders", "keeps"),
    [
        (False, False, False, ORDERS, False),
        (False, True, False, ORDERS, False),
        (False, False, True, NOTHING, False),
        (False, True, True, NOTHING, False),
        (True, False, False, ORDERS, True),
        (True, True, False, NOTHING, False),
        (True, True, True, NOTHING, False),
    ],
)
def test_what_should_rest_of_a_plan_with_orders(
    finished: bool, asked_to_stop: bool, cancels_all: bool, orders: Any, keeps: bool
) -> None:
    plan: Plan[object] = Plan(None, ORDERS, finished=finished)
    assert wanted(plan, asked_to_stop=asked_to_stop, cancels_all=cancels_all) == (orders, keeps)


def test_a_finished_plan_without_orders_leaves_none() -> None:
    plan: Plan[object] = Plan(None, finished=True)
    assert wanted(plan, asked_to_stop=False, cancels_all=False) == (NOTHING, False)


def test_exits_come_first_and_the_rest_keeps_its_order() -> None:
    added = buy(role=Role.ADD)
    told = [("a", buy()), ("b", sell()), ("c", added), ("d", sell("2"))]
    assert [slot for slot, _ in exits_first(told)] == ["b", "d", "a", "c"]


def test_a_plan_has_at_most_so_many_orders() -> None:
    most = {str(number): buy() for number in range(ORDERS_PER_PLAN_MAX)}
    check_count(most)
    with pytest.raises(BadPlan, match=f"{ORDERS_PER_PLAN_MAX} is the most"):
        check_count({**most, "one more": buy()})


@pytest.mark.parametrize(
    ("intent", "word"),
    [
        (buy("0"), "no order of BTC/USDT"),
        (buy("-1"), "no order of BTC/USDT"),
        (buy("0.0000015"), "no order of BTC/USDT"),
        (buy(price="0"), "no order of BTC/USDT"),
        (buy(price="-5"), "no order of BTC/USDT"),
        (buy(price="100.001"), "not on the tick 0.01"),
    ],
)
def test_what_no_order_can_be_is_a_bad_plan_and_names_its_slot(intent: OrderIntent, word: str) -> None:
    with pytest.raises(BadPlan, match=word) as told:
        check("deal-1/base", intent, market())
    assert str(told.value).startswith("deal-1/base: ")


@pytest.mark.parametrize("intent", [buy("0.000001", "0.01"), buy(price=None), sell()])
def test_an_order_on_its_steps_passes(intent: OrderIntent) -> None:
    check("slot", intent, market())


@pytest.mark.parametrize(
    ("intent", "fee_in", "quote", "base"),
    [
        (buy("2", "100"), FeeIn.QUOTE, "200.2", "0"),
        (buy("2", "100"), FeeIn.RECEIVED, "200", "0"),
        (buy("2", None), FeeIn.QUOTE, "202.202", "0"),
        (sell("2"), FeeIn.QUOTE, "0", "2"),
    ],
)
def test_what_an_order_may_take_at_most(intent: OrderIntent, fee_in: FeeIn, quote: str, base: str) -> None:
    assert reserved(intent, market("0.001", fee_in), ask=D(101)) == (D(quote), D(base))


def test_an_order_that_waits_is_named() -> None:
    assert "safety-3" in not_covered("safety-3")
