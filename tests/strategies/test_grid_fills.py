"""What becomes of fills: counter-orders, dust, rests of cancelled orders; nothing lost or doubled."""

from typing import Any

import pytest

from orders.rules import FeeIn, Side
from orders.states import OrderStatus
from tests.strategies.grids import D, grid, market
from tests.strategies.playground import Playground


def test_dust_is_kept_and_joins_a_sell_once_it_is_a_whole_lot_v_fee_1() -> None:
    on = market(fee="0.0015", fee_in=FeeIn.RECEIVED, lot="0.001")
    play = Playground(grid(on), price=100, cash=100)
    before = play.memory.dust
    play.move("94.99")
    assert play.live["line-2"].intent.amount == D("0.099")
    assert play.memory.dust == before + D("0.00085")
    play.move("89.99")
    # .09985 received and .0015485 kept before
    assert play.live["line-1"].intent.amount == D("0.101")
    held = sum(o.intent.amount for o in play.live.values() if o.intent.side is Side.SELL)
    assert play.position.amount == held + play.memory.dust


def test_a_partly_filled_order_waits_and_stays_the_same_wish() -> None:
    play = Playground(grid(), price=100, cash=100)
    wish = play.live["line-1"].intent
    play.fill_part("line-1", "0.04")
    play.look()
    assert play.live["line-1"].intent is wish
    assert "line-2" not in play.live
    play.move("94.99")
    assert play.live["line-2"].intent.amount == D("0.1")


@pytest.mark.parametrize("status", [OrderStatus.CANCELLED, OrderStatus.EXPIRED])
def test_a_rest_is_carried_on_its_line_and_the_pair_trades_the_whole(status: Any) -> None:
    play = Playground(grid(), price=100, cash=100)
    play.fill_part("line-1", "0.04")
    play.end("line-1", status)
    play.look()
    assert play.live["line-1"].intent.amount == D("0.06")
    play.move("94.99")
    assert play.live["line-2"].intent.amount == D("0.1")
    play.fill_part("line-2", "0.07")
    play.end("line-2", status)
    play.look()
    assert play.live["line-2"].intent.amount == D("0.03")
    play.move("100.01")
    assert play.memory.grid_profit == D("0.5")
    assert play.live["line-1"].intent.amount == D("0.1")


def test_a_rest_too_small_to_order_ends_the_line_and_nothing_is_lost() -> None:
    on = market(min_cost="5", lot="0.0001")
    play = Playground(grid(on), price=100, cash=100)
    play.move(96)
    play.fill_part("line-1", "0.09")
    play.end("line-1")
    play.look()
    assert "line-1" not in play.live
    assert play.live["line-2"].intent.amount == D("0.09")
    play.fill_part("line-2", "0.06")
    play.end("line-2")
    play.look()
    assert play.live["line-1"].intent.amount == D("0.1")
    # .03 unsold are worth less than 5: they join the next sell, with their share of the cost.
    assert play.memory.dust == D("0.03")
    assert play.memory.grid_profit == D("0.06") * 5
    play.move("94.99")
    assert play.live["line-2"].intent.amount == D("0.13")
    play.move("100.01")
    assert play.memory.grid_profit == D("0.19") * 5
    assert play.memory.dust == 0


def test_neither_part_large_enough_alone_the_rest_is_raised_to_the_minimum() -> None:
    on = market(min_cost="8", lot="0.0001")
    play = Playground(grid(on), price=100, cash=100)
    play.fill_part("line-1", "0.05")
    play.end("line-1")
    play.look()
    assert play.live["line-1"].intent.amount == on.smallest(D(95))
    play.move("94.99")
    assert play.live["line-2"].intent.amount == on.smallest(D(95)) + D("0.05")


@pytest.mark.parametrize(
    "status",
    [OrderStatus.REFUSED, OrderStatus.NOT_PLACED, OrderStatus.ABANDONED, OrderStatus.CANCELLED],
)
def test_a_wish_that_was_never_filled_simply_stays(status: Any) -> None:
    play = Playground(grid(), price=100, cash=100)
    before = dict(play.live)
    play.end("line-1", status)
    play.look()
    assert play.live == before
    assert play.memory.grid_profit == 0


def test_a_fill_heard_of_after_its_line_moved_on_is_not_lost() -> None:
    play = Playground(grid(), price=100, cash=100)
    play.fill_part("line-1", "0.04")
    late = play.fills.pop()
    play.end("line-1", OrderStatus.FILLED)
    play.look()
    play.fills.append(late)
    play.look()
    play.move("89.99")
    sells = sum(o.intent.amount for o in play.live.values() if o.intent.side is Side.SELL)
    assert play.position.amount == sells + play.memory.dust


def test_a_fall_through_several_lines_at_once_moves_every_order_up_by_one() -> None:
    play = Playground(grid(), price=100, cash=100)
    play.move(80)
    assert play.prices(Side.BUY) == []
    assert play.prices(Side.SELL) == [95, 100, 105, 110]
    play.move(120)
    assert play.prices(Side.BUY) == [90, 95, 100, 105]
    assert play.memory.grid_profit == D("2.5")
    assert len(play.all_fills) == 1 + 2 + 4


def test_a_counter_order_waits_until_its_line_is_free() -> None:
    # The lower line is heard of first: its counter-order belongs on a line that is still taken.
    play = Playground(grid(), price=100, cash=100)
    play.fill_part("line-0", "0.1")
    play.look()
    assert play.prices(Side.BUY) == [95]
    assert [wish.index for wish in play.memory.queue] == [1]
    play.move("94.99")
    assert play.prices(Side.SELL) == [95, 100, 105, 110]
    assert play.memory.queue == ()
