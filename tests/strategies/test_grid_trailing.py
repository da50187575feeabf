"""A range that follows the price, and a grid without an upper end."""

from typing import Any

import pytest

from bots.strategies.base import Closed
from bots.strategies.grid import Grid
from orders.records import replace
from orders.rules import Side
from orders.states import OrderStatus
from tests.strategies.grids import D, grid, market
from tests.strategies.playground import Playground


def test_trailing_up_leaves_the_lowest_line_and_buys_on_the_old_top_v_grid_15() -> None:
    strategy = grid(
        lower_price=25_000,
        upper_price=30_000,
        lines=6,
        gap_rule="above",
        trailing_up=True,
        size_mode="quote",
        order_size=1_000,
    )
    play = Playground(strategy, price=26_500, cash=100_000)
    play.move("30000.01", "30999.99")
    assert play.prices(Side.BUY) == [25_000, 26_000, 27_000, 28_000, 29_000]
    assert play.plan.wake.above == 31_000
    play.move(31_000)
    assert play.prices(Side.BUY) == [26_000, 27_000, 28_000, 29_000, 30_000]
    assert play.prices(Side.SELL) == []
    assert play.memory.shifts == 1
    assert play.live["line-5"].intent.price == 30_000


def test_trailing_up_stops_at_its_limit_and_never_goes_back_v_grid_15b() -> None:
    strategy = grid(
        lower_price=63_000, upper_price=66_000, lines=7, trailing_up=True, trailing_up_limit=67_000
    )
    play = Playground(strategy, price=64_500, cash=100_000)
    play.move("66000.01", "66499.99")
    assert play.memory.shifts == 0
    play.move(66_500)
    assert play.memory.shifts == 1
    play.move("66999.99")
    assert play.memory.shifts == 1
    play.move(67_000)
    assert play.memory.shifts == 2
    play.move(68_000, 80_000, 60_000, 70_000, 70_000)
    assert play.memory.shifts == 2
    assert play.prices(Side.BUY)[0] == 64_000
    assert play.plan.wake.above is None


def test_trailing_up_does_not_spend_what_it_does_not_have() -> None:
    strategy = grid(trailing_up=True, order_size=None, investment=50)
    play = Playground(strategy, price=100, cash=50)
    play.move(*range(101, 160))
    assert play.memory.shifts == 9
    assert 0 < play.resting(Side.BUY) <= play.cash
    assert any("The cash covers" in reason for reason in play.reasons)


def test_trailing_up_waits_for_the_cancel_and_keeps_what_filled_before_it() -> None:
    play = Playground(grid(trailing_up=True), price=100, cash=1_000)
    play.fill_part("line-0", "0.04")
    play.move(115)
    assert play.memory.shifts == 1
    assert play.prices(Side.BUY) == [95, 100, 105, 110]
    assert play.memory.dropped == ()
    assert play.memory.dust == D("0.04") == play.position.amount
    play.move("109.99")
    assert play.live["line-5"].intent.amount == D("0.14")


def test_until_the_cancel_is_confirmed_nothing_new_is_bought_and_the_range_stays() -> None:
    play = Playground(grid(trailing_up=True), price=100, cash=1_000)
    play.move("110.01")
    lowest = play.live["line-0"]
    play.fill_part("line-0", "0.04")
    seen = replace(play.seen(), last=D(130), fills=tuple(play.fills))
    plan = play.strategy.decide(play.memory, seen)
    assert (plan.memory.shifts, sorted(plan.orders)) == (1, ["line-1", "line-2", "line-3"])
    assert plan.wake.above is None
    waiting = play.strategy.decide(plan.memory, replace(seen, fills=()))
    assert waiting.memory == plan.memory
    assert waiting.orders == plan.orders
    ended = Closed("line-0", lowest.intent, OrderStatus.CANCELLED, D("0.04"))
    live = {slot: order for slot, order in seen.live.items() if slot != "line-0"}
    after = play.strategy.decide(
        plan.memory, replace(seen, last=D(115), fills=(), closed=(ended,), live=live)
    )
    assert "line-4" in after.orders
    assert after.memory.dust == D("0.04")


def test_a_geometric_range_moves_by_its_ratio() -> None:
    strategy = grid(lower_price=100, upper_price=200, lines=8, spacing="geometric", trailing_up=True)
    play = Playground(strategy, price=150, cash=1_000)
    above = play.strategy.decide(play.memory, play.seen()).wake.above
    assert above is not None
    assert round(above / 200, 3) == round(D(2) ** (D(1) / 7), 3)
    play.move(250)
    assert play.memory.shifts == 2
    assert len(play.live) == 7


def test_trailing_down_offers_the_top_coins_on_the_old_lowest_line() -> None:
    play = Playground(grid(trailing_down=True, trailing_down_limit=80), price=100, cash=100)
    play.move("89.99")
    assert play.prices(Side.SELL) == [95, 100, 105, 110]
    cash = play.cash
    assert play.plan.wake.below == 85
    play.move(85)
    assert play.prices(Side.SELL) == [90, 95, 100, 105]
    assert play.cash == cash
    play.move(70)
    assert play.memory.shifts == 2
    assert play.prices(Side.SELL) == [85, 90, 95, 100]
    play.move(50, 95, 85, 50)
    assert play.memory.shifts == 2
    assert play.plan.wake.below is None


def test_a_range_that_moved_down_trades_its_new_lines() -> None:
    play = Playground(grid(trailing_down=True, trailing_down_limit=80), price=100, cash=100)
    play.move("89.99", 85)
    profit = play.memory.grid_profit
    play.move("90.01")
    # bought for 100 at the start, moved from 110 down to 90: its loss is a fact
    assert play.memory.grid_profit - profit == -1
    assert play.prices(Side.BUY) == [85]
    play.move("84.99", "90.01")
    assert play.memory.grid_profit - profit == D("-0.5")


def test_a_top_sell_filled_in_part_moves_down_with_what_is_left() -> None:
    play = Playground(grid(trailing_down=True, trailing_down_limit=80), price=100, cash=100)
    play.fill_part("line-4", "0.04")
    play.move("89.99", 85)
    assert play.live["line-0"].intent.amount == D("0.06")
    assert play.memory.grid_profit == D("0.4")
    sells = sum(order.intent.amount for order in play.live.values())
    assert sells == play.position.amount


def infinity(**chosen: Any) -> Grid:
    return grid(
        market(),
        **{
            "infinity": True,
            "size_mode": "quote",
            "order_size": D(1000) * (1 - 1 / D("1.01")),
            "lower_price": 90,
            "upper_price": None,
            "investment": 1_200,
            **chosen,
        },
    )


def test_infinity_sells_the_gain_of_a_constant_value_v_grid_16() -> None:
    play = Playground(infinity(), price=100, cash=1_200)
    assert round(play.position.amount * 100) == 1_000
    play.move("101.01")
    sold = play.all_fills[-1]
    assert (round(sold.amount, 7), round(sold.value, 2)) == (D("0.0990099"), D("10.00"))
    assert round(play.position.amount * 101, 1) == 1_000


def test_the_lines_of_an_infinity_grid_are_its_step_apart() -> None:
    play = Playground(infinity(step_pct=2), price=100, cash=1_200)
    assert play.prices(Side.SELL)[:3] == [102, D("104.04"), D("106.12")]
    assert play.prices(Side.BUY)[-1] == D("98.04")


@pytest.mark.parametrize("top", [120, 300])
def test_infinity_has_no_upper_end(top: Any) -> None:
    play = Playground(infinity(), price=100, cash=1_200)
    price = D(100)
    while price < top:
        price += D("0.5")
        play.move(price)
    assert len(play.prices(Side.SELL)) == 10
    assert abs(play.position.amount * price - 1_000) < 20
    play.move(*[price - step for step in range(15)])
    assert abs(play.position.amount * (price - 14) - 1_000) < 20


def test_infinity_buys_back_on_a_fall_down_to_its_lower_price() -> None:
    play = Playground(infinity(), price=100, cash=1_200)
    assert play.prices(Side.BUY)[0] >= 90
    play.move(*[100 - D(step) / 2 for step in range(1, 21)])
    assert abs(play.position.amount * 91 - 1_000) < 20
    assert play.memory.grid_profit == 0
    play.move(*[90 + D(step) / 2 for step in range(1, 21)])
    assert play.memory.grid_profit > 0
