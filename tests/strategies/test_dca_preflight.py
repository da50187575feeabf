"""What a DCA bot says before it may start."""

from decimal import Decimal
from typing import Any

import pytest

from bots.strategies.base import Preflight
from bots.strategies.dca import Dca, DcaSettings
from bots.strategies.registry import SettingsRefused, read_settings
from orders.records import replace
from orders.rules import FeeIn, Side
from tests.strategies.dcas import dca, market

D = Decimal


def shown(on: Any = None, price: int = 100, **chosen: Any) -> Preflight:
    return dca(on, **chosen).preflight(D(price))


def codes(found: Preflight) -> dict[str, str]:
    return {problem.code: problem.field for problem in found.problems}


@pytest.mark.parametrize("fee_in", list(FeeIn))
def test_the_default_configuration_passes_its_own_rules(fee_in: Any) -> None:
    on = market("0.001", fee_in, min_cost="5")
    settings = DcaSettings(investment=D(250))
    assert settings.problems() == []
    found = Dca(settings, on).preflight(D(60_000))
    assert found.problems == ()
    assert found.required_quote < 250


@pytest.mark.parametrize("price", [D("0.02"), D(100), D(60_000)])
@pytest.mark.parametrize("minimum", ["1", "5", "30", "400"])
def test_what_a_form_suggests_passes(price: Any, minimum: Any) -> None:
    on = market("0.001", min_cost=minimum, tick="0.0001", lot="0.00001")
    settings = read_settings("dca", DcaSettings.suggested(price, on))
    assert isinstance(settings, DcaSettings)
    assert [problem for problem in Dca(settings, on).preflight(price).problems if not problem.warning] == []


def test_every_order_of_one_deal() -> None:
    found = shown(market("0.001"), take_profit_pct=1, max_safety_orders=2)
    assert [order.slot for order in found.orders] == [
        "deal-1/base",
        "deal-1/safety-1",
        "deal-1/safety-2",
        "deal-1/target",
    ]
    bought = sum(order.cost for order in found.orders if order.side is Side.BUY)
    assert found.required_quote == bought * D("1.001")
    assert found.break_even_price == pytest.approx(D("100.2002"), abs=D("0.0001"))
    assert found.take_profit_price == D("101.21")
    assert found.wins_needed_pct is None


def test_slippage_of_the_first_buy_is_in_the_budget() -> None:
    assert shown(max_slippage_pct=1, max_safety_orders=0).required_quote == D("20.2")
    assert shown(max_slippage_pct=1, max_safety_orders=0, base_order_type="limit").required_quote == 20


def test_worst_case_at_the_stop_or_all_of_it() -> None:
    alone: dict[str, Any] = {"max_safety_orders": 0, "base_order_volume": 100}
    assert shown(**alone).worst_case_loss == 100
    assert shown(**alone, stop_loss_pct=10).worst_case_loss == 10
    one = {**alone, "max_safety_orders": 1, "safety_order_volume": 100, "safety_order_step_pct": 5}
    loss = shown(**one, stop_loss_pct=10).worst_case_loss
    assert loss == pytest.approx(D(10) + D(100) * (1 - D(90) / D(95)), abs=D("0.001"))
    assert shown(**one, stop_loss_pct=4).worst_case_loss == 4, "the order under the stop is not bought"


def test_wins_needed_where_a_win_and_a_loss_have_one_size() -> None:
    found = shown(max_safety_orders=0, take_profit_pct=1, stop_loss_pct=4)
    assert found.wins_needed_pct == pytest.approx(D(80), abs=D("0.1"))


@pytest.mark.parametrize(
    ("chosen", "field", "fix"),
    [
        ({"safety_order_volume": 0}, "safety_order_volume", ""),
        ({"active_safety_orders": 6}, "active_safety_orders", "5"),
        ({"safety_order_step_pct": 30}, "max_safety_orders", "2"),
        ({"investment": 100}, "investment", "238.912"),
        ({"trailing_deviation_pct": 2}, "trailing_deviation_pct", "1.47"),
        ({"close_after_s": 59}, "close_after_s", "60"),
        ({"min_price": 5, "max_price": 5}, "max_price", ""),
        ({"breakeven_after_first_step": True}, "breakeven_after_first_step", "false"),
        ({"take_profit_steps": [{"profit_pct": 1, "share_pct": 60}]}, "take_profit_steps", ""),
        (
            {
                "take_profit_steps": [
                    {"profit_pct": 2, "share_pct": 50},
                    {"profit_pct": 1, "share_pct": 50},
                ]
            },
            "take_profit_steps",
            "",
        ),
    ],
)
def test_impossible_combinations_are_refused_by_field_and_fix(chosen: Any, field: Any, fix: Any) -> None:
    with pytest.raises(SettingsRefused) as refused:
        read_settings("dca", {"investment": 250, **chosen})
    assert [(problem.field, problem.fix) for problem in refused.value.problems] == [(field, fix)]
    assert refused.value.problems[0].message.endswith(".")


@pytest.mark.parametrize(
    "chosen",
    [
        {"max_safety_orders": 201},
        {"safety_order_step_scale": "0.05"},
        {"safety_order_volume_scale": 11},
        {"take_profit_steps": [{"profit_pct": n, "share_pct": 20} for n in range(1, 6)]},
        {"base_order_volume": "NaN"},
        {"base_order_volume": -1},
        {"reinvest_pct": 101},
        {"start_condition": "sometimes"},
    ],
)
def test_values_out_of_range_are_refused(chosen: Any) -> None:
    with pytest.raises(SettingsRefused) as refused:
        read_settings("dca", {"investment": 250, **chosen})
    assert refused.value.problems[0].field == next(iter(chosen))


def test_a_base_order_under_the_minimum_is_refused_with_the_least() -> None:
    found = shown(market(min_cost="30"), base_order_volume=20)
    assert codes(found) == {"base_too_small": "base_order_volume"}
    least = found.problems[0].fix
    assert shown(market(min_cost="30"), base_order_volume=least, safety_order_volume=40).ok


def test_a_safety_order_under_the_minimum_is_refused_at_any_level() -> None:
    chosen: dict[str, Any] = {
        "base_order_volume": 100,
        "safety_order_volume_scale": "0.5",
        "max_safety_orders": 4,
    }
    found = shown(market(min_cost="5"), **chosen)
    [refused] = [problem for problem in found.problems if not problem.warning]
    assert (refused.code, refused.field) == ("safety_too_small", "safety_order_volume")
    assert "Safety order 4" in refused.message
    assert shown(market(min_cost="5"), **chosen, safety_order_volume=refused.fix).ok


def test_a_raised_order_is_said_before_the_start() -> None:
    found = shown(market(min_cost="20"), max_safety_orders=0)
    assert [(problem.code, problem.warning) for problem in found.problems] == [("base_raised", True)]
    assert found.ok


def test_a_budget_over_the_investment_is_refused_with_the_sum() -> None:
    found = shown(market("0.001"), investment=239, base_order_volume=20)
    assert codes(found) == {"over_investment": "investment"}
    assert shown(market("0.001"), investment=found.problems[0].fix).ok


def test_a_stop_above_the_last_safety_order_is_warned_of() -> None:
    found = shown(stop_loss_pct=5)
    assert [(problem.code, problem.warning) for problem in found.problems] == [("stop_above_last", True)]
    assert shown(stop_loss_pct=found.problems[0].fix).problems == ()


def test_a_stop_under_the_average_that_comes_before_the_next_buy_is_warned_of() -> None:
    chosen: dict[str, Any] = {"stop_loss_reference": "average"}
    # From the average of all before it, safety order 3 is 3.7 % away and safety order 4 is 5 %.
    found = shown(**chosen, stop_loss_pct=4)
    [told] = found.problems
    assert (told.code, told.field, told.warning) == ("stop_above_last", "stop_loss_pct", True)
    assert "safety order 4" in told.message
    assert shown(**chosen, stop_loss_pct=told.fix).problems == ()
    assert [one.code for one in shown(**chosen, stop_loss_pct=1).problems] == ["stop_above_last"]
    assert "safety order 1" in shown(**chosen, stop_loss_pct=1).problems[0].message


def test_where_a_win_brings_nothing_no_number_of_wins_is_enough() -> None:
    """The target rests as a maker for nothing; were it taken, the fee would eat it."""
    on = replace(market(), maker_fee=D(0), taker_fee=D("0.002"))
    found = shown(on, max_safety_orders=0, take_profit_pct="0.1", stop_loss_pct=4)
    assert codes(found) == {"no_profit": "take_profit_pct"}
    assert found.wins_needed_pct is None


def test_more_orders_than_may_rest() -> None:
    on = replace(market(), open_orders_max=3)
    found = shown(on, active_safety_orders=3)
    assert [(problem.code, problem.fix) for problem in found.problems] == [("too_many_orders", "2")]


def test_a_ladder_under_the_lowest_price_is_refused() -> None:
    on = market(tick="1", min_cost="0.1")
    found = shown(on, price=2, safety_order_step_pct=12, safety_order_step_scale=1, max_safety_orders=6)
    assert codes(found) == {"too_deep": "max_safety_orders"}
