"""A grid that runs: purchases, pairs, and the limits it keeps to."""

from typing import Any

import pytest

from bots.strategies.base import Command, CommandKind, LiveOrder, Role
from orders.rules import FeeIn, Side
from orders.states import OrderStatus
from tests.strategies.grids import D, grid, market
from tests.strategies.playground import Playground


def test_the_first_coins_are_bought_at_market_and_then_all_lines_but_one_rest_v_grid_5() -> None:
    play = Playground(
        grid(lower_price=10_000, upper_price=15_000, lines=6, gap_rule="below"), price=13_500, cash=6_000
    )
    first = play.all_fills[0]
    assert (first.slot, first.amount, first.price) == ("first-buy", D("0.2"), D(13_500))
    assert play.prices(Side.BUY) == [10_000, 11_000, 12_000]
    assert play.prices(Side.SELL) == [14_000, 15_000]
    assert play.cash == 3_300
    assert play.plan.deal == 1
    assert {order.intent.role for order in play.live.values()} == {Role.ADD, Role.EXIT}


def test_coins_already_held_are_used_and_none_bought_v_grid_3() -> None:
    play = Playground(
        grid(lower_price=10_000, upper_price=20_000, lines=11, gap_rule="above", order_size="0.025"),
        price=15_300,
        cash=5_000,
        coins="0.1",
    )
    assert not play.all_fills
    assert play.prices(Side.SELL) == [17_000, 18_000, 19_000, 20_000]
    assert play.prices(Side.BUY) == [10_000, 11_000, 12_000, 13_000, 14_000, 15_000]
    assert play.memory.first_average == 15_300


def test_coins_beyond_the_need_are_not_sold_by_the_lines() -> None:
    play = Playground(grid(), price=100, cash=100, coins=3)
    assert sum(o.intent.amount for o in play.live.values() if o.intent.side is Side.SELL) == D("0.2")
    play.move("105.01", "99", "94.99")
    assert all(order.intent.amount == D("0.1") for order in play.live.values())


def test_an_entry_is_an_entry_and_a_purchase_on_a_line_is_not() -> None:
    strategy = grid()
    play = Playground(strategy, price=100, cash=100, asked=False)
    plan = strategy.decide(play.memory, play.seen())
    assert [(slot, order.role) for slot, order in plan.orders.items()] == [("first-buy", Role.ENTRY)]
    play.look()
    assert {order.intent.role for order in play.live.values()} == {Role.ADD, Role.EXIT}


def test_a_pair_earns_what_the_product_publishes_v_grid_8() -> None:
    strategy = grid(lower_price=31_140, upper_price=31_744, lines=2, order_size="0.0002", gap_rule="above")
    play = Playground(strategy, price=31_700, cash=10)
    play.move(31_139, 31_745)
    bought, sold = play.all_fills[-2:]
    assert (bought.value, sold.value) == (D("6.228"), D("6.3488"))
    assert play.memory.grid_profit == D("0.1208")


def test_every_full_swing_earns_the_same_v_grid_10() -> None:
    strategy = grid(lower_price=56_000, upper_price=60_000, order_size="0.002")
    play = Playground(strategy, price=58_000, cash=1_000)
    for swing in range(1, 6):
        play.move(56_999, 58_001)
        assert play.memory.grid_profit == 2 * swing


def test_fees_in_the_received_asset_v_grid_11_v_fee_1() -> None:
    on = market(fee="0.001", fee_in=FeeIn.RECEIVED, lot="0.00000001")
    play = Playground(grid(on, size_mode="quote", order_size=20, max_slippage_pct=1), price=100, cash=100)
    play.move("94.99")
    bought = play.all_fills[-1]
    assert round(bought.received, 8) == D("0.21031578")
    offered = play.live["line-2"].intent
    assert (offered.price, offered.amount) == (D(100), D("0.21031578"))
    play.move("100.01")
    assert round(play.memory.grid_profit, 6) == D("1.010547")
    assert play.memory.dust > 0
    assert play.memory.dust < on.lot * 4


def test_a_price_over_all_lines_starts_with_buys_only_and_one_under_all_with_sells_only() -> None:
    above = Playground(grid(), price=200, cash=100)
    assert above.prices(Side.BUY) == [90, 95, 100, 105]
    assert not above.all_fills
    below = Playground(grid(), price=50, cash=100)
    assert below.prices(Side.SELL) == [95, 100, 105, 110]
    assert below.position.amount == D("0.4")


@pytest.mark.parametrize(("price", "touch"), [(100, 104), (108, 104), (100, 105), (108, 103)])
def test_the_trigger_starts_the_grid_when_touched(price: Any, touch: Any) -> None:
    play = Playground(grid(trigger_price=104), price=price, cash=100)
    assert play.plan.deal is None
    assert not play.live
    assert play.plan.wake.below == (104 if price > 104 else None)
    assert play.plan.wake.above == (104 if price < 104 else None)
    play.move(price, price)
    assert not play.live
    play.move(touch)
    assert len(play.live) == 4
    assert play.plan.deal == 1


def test_a_person_may_start_before_the_trigger() -> None:
    play = Playground(grid(trigger_price=104), price=100, cash=100)
    play.look(Command(CommandKind.START_DEAL))
    assert len(play.live) == 4


def test_no_grid_is_laid_on_a_stale_price() -> None:
    play = Playground(grid(), price=100, cash=100, asked=False)
    play.stale = True
    play.look()
    assert play.plan.orders == {}
    play.stale = False
    play.move(100)
    assert len(play.live) == 4


def test_a_first_purchase_filled_in_part_is_completed() -> None:
    play = Playground(grid(market(fee="0.001", fee_in=FeeIn.RECEIVED)), price=100, cash=100, asked=False)
    play.plan = play.strategy.decide(play.memory, play.seen())
    play.memory, wish = play.plan.memory, play.plan.orders["first-buy"]
    play.live["first-buy"] = LiveOrder(wish)
    play.take("first-buy", D("0.05"), D(100))
    play.end("first-buy")
    play.look()
    assert [fill.slot for fill in play.all_fills] == ["first-buy", "first-buy"]
    assert [o.intent.amount for o in play.live.values() if o.intent.side is Side.SELL] == [D("0.1")] * 2


def test_a_first_purchase_that_was_refused_is_settled_anew_at_the_price_of_now() -> None:
    play = Playground(grid(), price=100, cash=100, asked=False)
    play.plan = play.strategy.decide(play.memory, play.seen())
    play.memory = play.plan.memory
    play.live["first-buy"] = LiveOrder(play.plan.orders["first-buy"])
    play.end("first-buy", OrderStatus.REFUSED)
    play.move(104)
    assert play.memory.gap == 3
    assert play.prices(Side.BUY) == [90, 95, 100]


def test_at_most_so_many_orders_rest_the_nearest_first() -> None:
    play = Playground(grid(max_active_orders=2), price=100, cash=100)
    assert sorted(play.live) == ["line-1", "line-3"]
    play.move("94.99")
    assert sorted(play.live) == ["line-0", "line-2"]
    play.move("89.99")
    assert sorted(play.live) == ["line-1", "line-2"]
    play.move("110.01", "110.01", "110.01", "110.01")
    assert sorted(play.live) == ["line-2", "line-3"]
    assert play.position.amount == 0


def test_an_order_that_is_no_longer_among_the_nearest_keeps_what_filled() -> None:
    play = Playground(grid(max_active_orders=2), price=100, cash=100)
    play.fill_part("line-3", "0.03")
    play.move("94.99", "89.99")
    assert "line-3" not in play.live
    play.move("100.02", "105.02", "110.02", "110.02")
    assert play.position.amount == 0
    assert play.memory.grid_profit == D("2.5")


def test_reinvested_profit_enlarges_the_orders_that_follow() -> None:
    flat, growing = (
        Playground(
            grid(size_mode="quote", order_size=200, investment=1_000, reinvest=on),
            price=100,
            cash=1_000,
        )
        for on in (False, True)
    )
    for play in (flat, growing):
        for _ in range(3):
            play.move("94.99", "100.01")
    assert flat.live["line-1"].intent.amount == D("2.10526315")
    grown = growing.live["line-1"].intent.amount
    profit = growing.memory.grid_profit
    assert grown == growing.market.amount(200 * (1 + profit / 1_000) / 95)


def test_a_buy_is_no_larger_than_the_cash_covers() -> None:
    # In quote mode a first sell brings order_size less its fee, the buy below costs it plus its fee.
    strategy = grid(market(fee="0.001"), size_mode="quote", order_size=None, investment=100)
    play = Playground(strategy, price=100, cash=100)
    play.move("105.01", "110.01")
    assert play.cash >= play.resting(Side.BUY) * D("1.001") > 0
    assert any("The cash covers" in reason for reason in play.reasons)


def test_added_funds_buy_more_and_are_sold_with_the_next_line() -> None:
    play = Playground(grid(), price=100, cash=100)
    play.look(Command(CommandKind.ADD_FUNDS, D(10)))
    assert play.position.amount == D("0.3")
    play.move("94.99")
    assert play.live["line-2"].intent.amount == D("0.2")
    play.move("100.01")
    assert play.memory.grid_profit == D("0.5")
    play.look(Command(CommandKind.ADD_FUNDS, D("0.001")))
    assert "No funds were added" in play.reasons[-1]


def test_added_funds_never_take_what_the_lines_need() -> None:
    play = Playground(grid(), price=100, cash=45)
    play.look(Command(CommandKind.ADD_FUNDS, D(50)))
    # 45 less 20 for the first coins and 18.5 for the buys
    assert play.all_fills[-1].value <= D("6.5")
    play.move(80)
    assert play.cash >= 0


def test_reasons_are_sentences_with_numbers_and_only_when_something_happened() -> None:
    play = Playground(grid(lower_price=50_000, upper_price=60_000, lines=3), price=55_100, cash=20_000)
    told = len(play.reasons)
    play.look()
    assert len(play.reasons) == told
    play.move("49999.99", 54_000)
    assert play.reasons[told:] == ["Line 0 bought 0.1 at 50,000; selling 0.1 at 55,000."]
    play.move("55000.01")
    assert play.reasons[-1] == "Line 1 sold 0.1 at 55,000, grid profit 500; buying again at 50,000."


def test_figures_show_grid_profit_apart_from_the_total() -> None:
    play = Playground(grid(), price=100, cash=100)
    start = play.equity
    play.move("94.99", "100.01", "96")
    figures = play.strategy.figures(play.memory)
    assert figures["grid_profit"] == D("0.5")
    assert play.equity - start - figures["grid_profit"] == D("0.2") * -4
