"""How a DCA deal is left: by trail, by stop, by escalation."""

from decimal import Decimal
from typing import Any

import pytest

from bots.strategies.base import Closed
from bots.strategies.dca.memory import Phase
from orders.matching import Quote
from orders.records import replace
from orders.rules import Market, OrderKind, Side
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


def test_break_even_after_the_first_step() -> None:
    playground = opened(
        take_profit_steps=STEPS, breakeven_after_first_step=True, on=market("0.001"), max_deals=1
    )
    playground.move("102.50")
    assert playground.plan.wake.below == pytest.approx(D("100.2002"), abs=D("0.001"))
    playground.move("100.20")
    assert "deal-1/exit" in sales(playground)
    assert playground.memory.profit > 0
    assert finished(playground)


def test_trailing_lets_no_target_rest_and_sells_under_the_peak() -> None:
    playground = opened(take_profit_pct=2, trailing_deviation_pct=1, max_deals=1)
    assert playground.prices(Side.SELL) == []
    assert playground.plan.wake.above == D(102)
    playground.move(102, 105, "104.5")
    assert deal_of(playground).peak == 105
    assert playground.plan.wake.below == D("103.95")
    playground.move("103.95")
    assert sales(playground) == ["deal-1/exit"]
    assert playground.position.amount == 0


def test_with_steps_only_the_last_trails() -> None:
    playground = opened(take_profit_steps=STEPS, trailing_deviation_pct=1, max_deals=1)
    assert playground.prices(Side.SELL) == [D(102), D(104)]
    playground.move("102.5", "104.5", 107, "105.9")
    assert sales(playground) == ["deal-1/target-1", "deal-1/target-2", "deal-1/exit"]


@pytest.mark.parametrize(("reference", "stop"), [("base", "90"), ("average", "89.10")])
def test_stop_loss_from_base_or_from_average(reference: Any, stop: Any) -> None:
    playground = opened(max_safety_orders=1, stop_loss_pct=10, stop_loss_reference=reference, max_deals=1)
    playground.move("97.99")
    below = playground.plan.wake.below
    assert below is not None
    assert below.quantize(D("0.01")) == pytest.approx(D(stop), abs=D("0.02"))
    playground.move(below.quantize(D("0.01")) + D("0.01"))
    assert sales(playground) == []
    playground.move(below.quantize(D("0.01")) - D("0.01"))
    assert sales(playground) == ["deal-1/exit"]
    assert playground.position.amount == 0


def test_stop_loss_timeout_waits_and_forgets() -> None:
    playground = opened(max_safety_orders=0, stop_loss_pct=10, stop_loss_timeout_s=150)
    playground.move(89, 91, 89, 89)
    assert sales(playground) == []
    playground.move(89, 89)
    assert sales(playground) == ["deal-1/exit"]


def test_close_and_stop_stops_the_bot() -> None:
    playground = opened(max_safety_orders=0, stop_loss_pct=10, stop_loss_action="close_and_stop")
    playground.move(90)
    assert finished(playground)
    assert playground.live == {}
    assert number_of(playground) is None


def test_cancel_first_then_sell() -> None:
    playground = opened(max_safety_orders=1, stop_loss_pct=10, stop_loss_reference="base")
    fallen(playground, 90)
    plan = playground.strategy.decide(playground.memory, playground.seen())
    assert plan.orders == {}, "the target and the safety order are still live"
    assert plan.memory.deal.phase is Phase.EXITING
    playground.live.clear()
    sale = playground.strategy.decide(plan.memory, playground.seen()).orders["deal-1/exit"]
    assert (sale.kind, sale.side, sale.price) == (OrderKind.IOC, Side.SELL, D(90))


def test_an_exit_that_does_not_fill_is_tried_again_and_again() -> None:
    playground = opened(max_safety_orders=0, max_slippage_pct=1, max_deals=1)
    playground.closing = True
    plan = playground.strategy.decide(playground.memory, playground.seen())
    playground.live.clear()
    kinds = []
    plan = playground.strategy.decide(plan.memory, playground.seen())
    for _ in range(4):
        sale = plan.orders["deal-1/exit"]
        kinds.append((sale.kind, sale.price))
        ended = Closed("deal-1/exit", sale, OrderStatus.EXPIRED, D(0))
        plan = playground.strategy.decide(plan.memory, replace(playground.seen(), closed=(ended,)))
    assert kinds == [
        (OrderKind.IOC, D(99)),
        (OrderKind.IOC, D(98)),
        (OrderKind.MARKET, None),
        (OrderKind.MARKET, None),
    ]
    assert plan.deal == 1, "not closed before its fills are seen"


def test_an_exit_that_never_reached_the_exchange_is_no_try() -> None:
    playground = opened(max_safety_orders=0, max_slippage_pct=1)
    playground.closing = True
    plan = playground.strategy.decide(playground.memory, playground.seen())
    playground.live.clear()
    plan = playground.strategy.decide(plan.memory, playground.seen())
    sale = plan.orders["deal-1/exit"]
    ended = Closed("deal-1/exit", sale, OrderStatus.NOT_PLACED, D(0))
    again = playground.strategy.decide(plan.memory, replace(playground.seen(), closed=(ended,)))
    assert again.orders == plan.orders
