"""What a grid says before it starts: its orders, its budget, and why it may not."""

from typing import Any

import pytest

from bots.strategies.base import Preflight
from bots.strategies.grid import Grid, GridSettings
from bots.strategies.settings import Problem
from orders.rules import FeeIn, OrderKind, Side
from tests.strategies.grids import D, grid, market


def prices(found: Preflight, side: Side) -> list[D]:
    return [order.price for order in found.orders if order.side is side and order.kind is OrderKind.LIMIT]


def only(found: Preflight, code: str) -> Problem:
    matching = [problem for problem in found.problems if problem.code == code]
    assert len(matching) == 1, found.problems
    return matching[0]


def test_coins_held_already_back_the_sells_v_grid_3() -> None:
    found = grid(
        lower_price=10_000,
        upper_price=20_000,
        lines=11,
        gap_rule="above",
        initial_base="0.1",
        order_size="0.025",
    ).preflight(D(15_300))
    assert found.ok
    assert prices(found, Side.SELL) == [17_000, 18_000, 19_000, 20_000]
    assert prices(found, Side.BUY) == [10_000, 11_000, 12_000, 13_000, 14_000, 15_000]
    assert all(order.kind is OrderKind.LIMIT for order in found.orders)
    assert found.required_base == D("0.1")
    assert found.required_quote == D("0.025") * 75_000


def test_the_budget_without_fees_v_grid_5() -> None:
    found = grid(lower_price=10_000, upper_price=15_000, lines=6, gap_rule="below").preflight(D(13_500))
    assert prices(found, Side.BUY) == [10_000, 11_000, 12_000]
    assert prices(found, Side.SELL) == [14_000, 15_000]
    first = found.orders[0]
    assert (first.slot, first.kind, first.amount, first.cost) == (
        "first-buy",
        OrderKind.MARKET,
        D("0.2"),
        D(2_700),
    )
    assert found.required_quote == 6_000


@pytest.mark.parametrize(
    ("fee_in", "rule", "required"),
    [
        (FeeIn.RECEIVED, "nearest", "77.4809"),
        (FeeIn.RECEIVED, "above", "77.2404"),
        (FeeIn.QUOTE, "nearest", "77.5178"),
        (FeeIn.QUOTE, "above", "77.2974"),
    ],
)
def test_the_budget_with_fee_and_slippage_v_grid_14(fee_in: Any, rule: Any, required: Any) -> None:
    found = grid(
        market(fee="0.001", fee_in=fee_in), order_size="0.2", gap_rule=rule, max_slippage_pct="0.1"
    ).preflight(D(101))
    assert abs(found.required_quote - D(required)) < D("0.0001")


def test_an_order_size_left_empty_is_the_largest_that_the_investment_covers() -> None:
    for mode in ("quote", "base"):
        for fee_in in FeeIn:
            strategy = grid(
                market(fee="0.001", fee_in=fee_in, lot="0.000001"),
                order_size=None,
                size_mode=mode,
                investment=1_000,
                max_slippage_pct="0.5",
            )
            found = strategy.preflight(D(101))
            assert found.ok
            assert D("999.9") < found.required_quote <= 1_000


def test_coins_held_count_in_the_investment() -> None:
    found = grid(order_size=None, investment=1_000, initial_base=2).preflight(D(100))
    assert found.required_quote <= 800
    assert found.required_quote > 799
    assert found.required_base == 2


def test_pair_profits_are_shown_for_each_pair_v_grid_10() -> None:
    found = grid(lower_price=56_000, upper_price=60_000, order_size="0.002").preflight(D(58_000))
    assert [level.profit for level in found.levels] == [2, 2, 2, 2]


def test_break_even_of_the_first_purchase_v_be_1() -> None:
    in_quote = grid(market(fee="0.001")).preflight(D(100)).break_even_price
    received = grid(market(fee="0.001", fee_in=FeeIn.RECEIVED)).preflight(D(100)).break_even_price
    assert in_quote is not None
    assert received is not None
    assert round(in_quote, 7) == D("100.2002002")
    assert round(received / 100, 6) == round(1 / (D("0.999") ** 2), 6)


def test_a_pair_that_loses_is_refused_v_be_2() -> None:
    on = market(fee="0.001", fee_in=FeeIn.RECEIVED)
    found = grid(on, lower_price=1000, upper_price=1002, lines=2).preflight(D(1001))
    problem = only(found, "pair_loses")
    assert not found.ok
    assert problem.field == "upper_price"
    assert "1,000" in problem.message
    assert grid(on, lower_price=1000, upper_price=1004, lines=2).preflight(D(1001)).ok


def test_the_upper_end_of_an_arithmetic_range_decides_and_the_fix_works() -> None:
    # 90 → 90.21 earns after fees, 109.79 → 110 does not.
    on = market(fee="0.001")
    found = grid(on, lines=96, order_size="0.5").preflight(D(100))
    problem = only(found, "pair_loses")
    assert (problem.field, found.ok) == ("lines", False)
    assert "110" in problem.message
    fixed = grid(on, lines=int(problem.fix), order_size="0.5").preflight(D(100))
    assert fixed.ok
    assert not fixed.problems
    assert grid(on, lines=80, order_size="0.5").preflight(D(100)).problems[0].warning


def test_two_lines_on_one_tick_are_refused_and_the_fix_works() -> None:
    on = market(tick="1")
    found = grid(on, lines=30).preflight(D(100))
    problem = only(found, "lines_on_one_tick")
    assert (problem.field, problem.fix) == ("lines", "21")
    assert grid(on, lines=21).preflight(D(100)).ok
    coarse = grid(market(tick="50"), lines=2).preflight(D(100))
    assert only(coarse, "lines_on_one_tick").field == "upper_price"


def test_an_order_under_the_minimum_is_raised_by_at_most_thirty_percent_v_min_1() -> None:
    # 20 at .60 is a cost of 12.00; with the reserve 12.60: 21 coins.
    on = market(min_amount="20", min_cost="1", lot="1", tick="0.01")
    chosen = {"lower_price": "0.60", "upper_price": "1", "lines": 2}
    raised = grid(on, order_size=17, **chosen).preflight(D("0.99"))
    assert raised.ok
    assert only(raised, "order_raised").warning
    assert [order.cost for order in raised.orders if order.slot == "line-0"] == [D("12.60")]
    refused = grid(on, order_size=16, **chosen).preflight(D("0.99"))
    problem = only(refused, "order_too_small")
    assert (problem.field, problem.fix) == ("order_size", "21")
    assert grid(on, order_size=21, **chosen).preflight(D("0.99")).problems == ()


def test_a_stop_raises_the_minimum_so_that_it_can_still_be_sold_there_v_min_1() -> None:
    on = market(min_amount="20", min_cost="1", lot="0.01", tick="0.01")
    chosen = {"lower_price": "0.60", "upper_price": "1", "lines": 2, "order_size": 20}
    found = grid(on, stop_loss_price="0.54", **chosen).preflight(D("0.99"))
    order = next(order for order in found.orders if order.slot == "line-0")
    assert round(order.cost, 2) == D("14.00")


def test_an_investment_too_small_for_its_lines_names_what_is_needed_and_that_works() -> None:
    on = market(min_cost="10", fee="0.001")
    found = grid(on, order_size=None, investment=20, max_slippage_pct="0.5").preflight(D(100))
    problem = only(found, "order_too_small")
    assert problem.field == "investment"
    assert grid(on, order_size=None, investment=D(problem.fix), max_slippage_pct="0.5").preflight(D(100)).ok


def test_more_than_the_investment_is_refused_and_the_fix_works() -> None:
    found = grid(market(fee="0.001"), order_size=2, investment=100).preflight(D(101))
    problem = only(found, "investment_too_small")
    assert problem.field == "investment"
    assert grid(market(fee="0.001"), order_size=2, investment=D(problem.fix)).preflight(D(101)).ok


def test_more_lines_than_the_exchange_lets_rest_are_refused() -> None:
    on = market(open_orders_max=4)
    problem = only(grid(on).preflight(D(100)), "too_many_orders")
    assert (problem.field, problem.fix) == ("lines", "4")
    assert grid(on, lines=4).preflight(D(100)).ok
    assert grid(on, max_active_orders=4).preflight(D(100)).ok


def test_stop_and_target_must_stand_on_their_side_of_the_price() -> None:
    found = grid(stop_loss_price=85, take_profit_price=120)
    assert found.preflight(D(100)).ok
    assert only(found.preflight(D(84)), "stop_loss").field == "stop_loss_price"
    assert only(found.preflight(D(121)), "take_profit").field == "take_profit_price"


@pytest.mark.parametrize("price", [50, 200])
def test_a_price_outside_the_range_is_a_valid_start(price: Any) -> None:
    found = grid().preflight(D(price))
    assert found.ok
    assert len(found.orders) == (4 if price == 200 else 5)


def test_the_worst_case_is_the_stop_or_everything() -> None:
    no_stop = grid().preflight(D(100))
    assert no_stop.worst_case_loss == no_stop.required_quote
    stopped = grid(stop_loss_price=80).preflight(D(100))
    # buys 90 and 95, .2 at 100; .4 sold at 80
    assert stopped.worst_case_loss == D("18.5") + 20 - 32


def test_infinity_shows_a_constant_value_v_grid_16() -> None:
    # A = 1000 at step 1 %: each order costs A·(1−1/r) = 9.90099.
    strategy = grid(
        infinity=True,
        size_mode="quote",
        order_size=D(1000) * (1 - 1 / D("1.01")),
        lower_price=90,
        upper_price=None,
        investment=1_200,
    )
    found = strategy.preflight(D(100))
    assert found.ok
    assert round(found.orders[0].amount, 6) == 10
    first_sell = min((o for o in found.orders if o.side is Side.SELL), key=lambda order: order.price)
    assert first_sell.price == 101
    assert round(first_sell.amount, 7) == D("0.0990099")
    assert round(first_sell.cost, 2) == D("10.00")


def test_infinity_refuses_a_step_that_loses_and_a_price_below_its_range() -> None:
    chosen = {"infinity": True, "size_mode": "quote", "order_size": None, "upper_price": None}
    on = market(fee="0.001")
    problem = only(grid(on, step_pct="0.2", **chosen).preflight(D(91)), "pair_loses")
    assert problem.field == "step_pct"
    assert grid(on, step_pct=problem.fix, **chosen).preflight(D(91)).ok
    assert only(grid(on, **chosen).preflight(D(80)), "infinity_range").field == "lower_price"
    many = only(grid(on, step_pct="0.3", **chosen).preflight(D(400)), "too_many_lines")
    assert grid(on, step_pct=many.fix, **chosen).preflight(D(400)).ok


@pytest.mark.parametrize("price", ["58120.37", "0.00001234", "3.217", "1"])
def test_the_range_offered_by_the_form_passes_its_own_rules(price: Any) -> None:
    on = market(fee="0.001", tick="0.00000001" if D(price) < 1 else "0.001", lot="0.00001", min_cost="5")
    settings = GridSettings.model_validate({"investment": 1000, **GridSettings.suggested(D(price), on)})
    assert settings.problems() == []
    found = Grid(settings, on).preflight(D(price))
    assert found.ok, found.problems
    assert found.problems == ()
