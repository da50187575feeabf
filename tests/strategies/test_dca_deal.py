"""A DCA deal from its base order to its close, on a tiny exchange."""

from decimal import Decimal
from typing import Any

import pytest

from bots.strategies.base import Command, CommandKind, Role
from bots.strategies.dca.memory import Phase
from orders.matching import Quote
from orders.rules import FeeIn, Market, Side
from orders.states import OrderStatus
from tests.strategies.dcas import dca, deal_of, finished, market, number_of
from tests.strategies.playground import Playground

D = Decimal
STEPS = [
    {"profit_pct": 2, "share_pct": 25},
    {"profit_pct": 4, "share_pct": 25},
    {"profit_pct": 6, "share_pct": 50},
]
EVEN = {
    "base_order_volume": 100,
    "safety_order_volume": 100,
    "safety_order_step_pct": 2,
    "safety_order_step_scale": 1,
    "safety_order_volume_scale": 1,
}


def opened(cash: int = 100_000, on: Market | None = None, **chosen: Any) -> Playground:
    return Playground(dca(on, **{**EVEN, **chosen}), price=100, cash=cash, keep_memory_as_json=True)


def fallen(playground: Playground, price: int) -> None:
    """The price is there, and nothing has filled on the way."""
    playground.now += 60_000
    playground.quote = Quote(D(price), D(price), D(price), playground.now)


def sales(playground: Playground) -> list[str]:
    return [fill.slot for fill in playground.all_fills if fill.side is Side.SELL]


def test_a_base_order_brings_a_target_and_the_active_safety_orders() -> None:
    playground = opened(active_safety_orders=2, take_profit_pct=1)
    assert sorted(playground.live) == ["deal-1/safety-1", "deal-1/safety-2", "deal-1/target"]
    assert playground.prices(Side.BUY) == [D(96), D(98)]
    assert playground.prices(Side.SELL) == [D(101)]
    assert {order.intent.role for order in playground.live.values()} == {Role.ADD, Role.EXIT}
    assert number_of(playground) == 1


def test_a_safety_fill_replaces_the_target_and_puts_the_next_on_the_book() -> None:
    playground = opened(take_profit_pct=1)
    playground.move("97.99")
    assert sorted(playground.live) == ["deal-1/safety-2", "deal-1/target"]
    target = playground.live["deal-1/target"].intent
    average = deal_of(playground).held.average
    assert target.price == market().price(Side.SELL, average * D("1.01"))
    assert target.amount == playground.position.amount


@pytest.mark.parametrize("fee_in", list(FeeIn))
def test_the_target_nets_its_profit_after_both_fees(fee_in: Any) -> None:
    playground = opened(on=market("0.001", fee_in), take_profit_pct=2, max_safety_orders=0)
    cost = playground.position.cost
    playground.move(105)
    result = playground.position.realised / cost * 100
    assert result == pytest.approx(D(2), abs=D("0.02"))
    assert "deal-1/target" in sales(playground)


def test_j3_net_profit_is_the_price_of_the_gross_one() -> None:
    fine = market("0.001", tick="0.0001")
    playground = opened(on=fine, take_profit_pct="1.2972028", max_safety_orders=0)
    assert playground.prices(Side.SELL)[0].quantize(D("0.001")) == D("101.500")


def test_take_profit_of_the_base_order_only() -> None:
    playground = opened(take_profit_pct=2, take_profit_type="base")
    playground.move("97.99")
    target = playground.live["deal-1/target"].intent
    assert target.price is not None
    profit = target.price * target.amount - deal_of(playground).held.cost
    assert profit == pytest.approx(D(2), abs=D("0.03")), "2 % of the base order's 100"


def test_a_target_fill_cancels_the_safety_orders_and_the_next_deal_opens() -> None:
    playground = opened(take_profit_pct=1)
    playground.move("101.01")
    assert sales(playground) == ["deal-1/target"]
    assert deal_of(playground).number == 2
    assert sorted(playground.live) == ["deal-2/safety-1", "deal-2/target"]
    assert any("Deal 1 closed: profit" in reason for reason in playground.reasons)


def test_the_deal_waits_until_its_safety_orders_are_cancelled() -> None:
    playground = opened(take_profit_pct=1)
    seen_live = dict(playground.live)
    playground.fill_part("deal-1/target", playground.live["deal-1/target"].intent.amount)
    seen = playground.seen()
    assert "deal-1/safety-1" in seen.live
    plan = playground.strategy.decide(playground.memory, seen)
    assert plan.orders == {}
    assert plan.memory.deal.phase is Phase.WINDING
    assert plan.deal == 1
    assert "deal-1/safety-1" in seen_live


def test_a_safety_order_that_filled_meanwhile_reopens_the_exit() -> None:
    playground = opened(take_profit_pct=1)
    playground.fill_part("deal-1/target", playground.live["deal-1/target"].intent.amount)
    playground.fill_part("deal-1/safety-1", playground.live["deal-1/safety-1"].intent.amount)
    fallen(playground, 97)
    playground.look()
    assert number_of(playground) == 1
    assert sorted(playground.live) == ["deal-1/target"]
    assert playground.prices(Side.SELL) == [D("98.98")], "one percent over what came late"
    playground.move(99)
    assert playground.memory.deal.number == 2


def test_a_fill_after_the_deal_has_closed_is_sold_too() -> None:
    playground = opened(take_profit_pct=1, start_condition="schedule")
    late = playground.live["deal-1/safety-1"]
    playground.move("101.01")
    assert playground.memory.deal is None
    playground.live["deal-1/safety-1"] = late
    playground.fill_part("deal-1/safety-1", late.intent.amount)
    fallen(playground, 97)
    playground.look()
    assert playground.prices(Side.SELL) == [D("98.98")]
    playground.move(99)
    assert playground.position.amount == 0
    assert playground.memory.deal is None


def test_a_partly_filled_target_keeps_its_wish() -> None:
    playground = opened(take_profit_pct=1)
    wish = playground.live["deal-1/target"].intent
    playground.fill_part("deal-1/target", "0.3")
    playground.look()
    assert playground.live["deal-1/target"].intent == wish
    assert playground.live["deal-1/target"].filled == D("0.3")


def test_a_partly_filled_safety_order_keeps_its_wish_and_moves_the_target() -> None:
    playground = opened(take_profit_pct=1)
    wish = playground.live["deal-1/safety-1"].intent
    playground.fill_part("deal-1/safety-1", "0.5")
    playground.look()
    assert playground.live["deal-1/safety-1"].intent == wish
    assert playground.live["deal-1/target"].intent.amount == D("1.5")


@pytest.mark.parametrize(
    "status", [OrderStatus.REFUSED, OrderStatus.NOT_PLACED, OrderStatus.ABANDONED, OrderStatus.CANCELLED]
)
def test_a_wish_that_did_not_get_through_stays(status: Any) -> None:
    playground = opened()
    wishes = dict(playground.plan.orders)
    for slot in tuple(playground.live):
        playground.end(slot, status)
    playground.look()
    assert playground.plan.orders == wishes
    assert set(playground.live) == set(wishes)


def test_steps_share_the_position_and_the_first_cancels_the_safety_orders() -> None:
    playground = opened(take_profit_steps=STEPS)
    assert playground.prices(Side.SELL) == [D(102), D(104), D(106)]
    assert [playground.live[f"deal-1/target-{n}"].intent.amount for n in (1, 2, 3)] == [
        D("0.25"),
        D("0.25"),
        D("0.5"),
    ]
    playground.move("102.01")
    assert playground.prices(Side.BUY) == []
    playground.move("104.01", "106.01")
    assert sales(playground) == ["deal-1/target-1", "deal-1/target-2", "deal-1/target-3"]
    assert deal_of(playground).number == 2


def test_a_step_under_the_minimum_joins_the_next() -> None:
    playground = opened(on=market(min_cost="30"), take_profit_steps=STEPS)
    assert [(slot, order.intent.amount) for slot, order in playground.live.items() if "target" in slot] == [
        ("deal-1/target-2", D("0.5")),
        ("deal-1/target-3", D("0.5")),
    ]


def test_max_deals() -> None:
    playground = opened(take_profit_pct=1, max_deals=2)
    playground.move("101.01", "103")
    assert finished(playground)
    assert playground.memory.deals == 2
    again = playground.strategy.restarted(playground.memory)
    assert not playground.strategy.decide(again, playground.seen()).finished


def test_close_after() -> None:
    playground = opened(close_after_s=120, start_condition="schedule")
    playground.move(99)
    assert sales(playground) == []
    playground.move(99)
    assert sales(playground) == ["deal-1/exit"]
    assert playground.memory.deal is None


def test_close_now() -> None:
    playground = opened(start_condition="schedule")
    playground.look(Command(CommandKind.CLOSE_NOW))
    assert sales(playground) == ["deal-1/exit"]
    assert number_of(playground) is None
    assert playground.live == {}


def test_add_funds_buys_within_the_budget() -> None:
    playground = opened(investment=700, cash=700, take_profit_pct=1)
    playground.look(Command(CommandKind.ADD_FUNDS, D(50)))
    assert [fill.slot for fill in playground.all_fills] == ["deal-1/base", "deal-1/added-1"]
    assert playground.live["deal-1/target"].intent.amount == D("1.5")
    playground.look(Command(CommandKind.ADD_FUNDS, D(551)))
    assert len(playground.all_fills) == 2
    assert any("551 USDT not added" in reason for reason in playground.reasons)


def test_closing_sells_all_and_finishes() -> None:
    playground = opened()
    playground.move("97.99")
    playground.closing = True
    playground.look()
    assert playground.position.amount == 0
    assert finished(playground)
    assert playground.live == {}


def test_dust_is_recorded_and_sold_with_the_next_deal() -> None:
    playground = opened(
        on=market("0.001", FeeIn.RECEIVED, lot="0.01"), take_profit_pct=1, max_safety_orders=0
    )
    playground.move(102)
    dust = playground.memory.dust
    assert dust.amount == D("0.009")
    assert any("stay as dust" in reason for reason in playground.reasons)
    assert playground.position.amount == dust.amount + deal_of(playground).held.amount


def test_a_safety_order_nobody_can_pay_is_left_out_and_said_once() -> None:
    playground = opened(investment=250, cash=250)
    playground.move("97.99", "96.5", "97")
    assert playground.prices(Side.BUY) == []
    assert sum("Safety order 2 is left out" in reason for reason in playground.reasons) == 1


def test_an_edit_for_the_open_deal_moves_its_target() -> None:
    playground = opened(take_profit_pct=1)
    playground.strategy = dca(None, **{**EVEN, "take_profit_pct": 5})
    playground.look()
    assert playground.prices(Side.SELL) == [D(105)]


def test_figures_for_a_page() -> None:
    playground = opened(take_profit_pct=1, stop_loss_pct=50)
    shown = playground.strategy.figures(playground.memory)
    assert shown == {"average": 100, "target": 101, "stop": 50, "next_safety": 98}
    assert playground.strategy.figures(playground.strategy.first_memory()) == {}
