"""Which choices of a grid cannot be, whatever the market."""

from typing import Any

import pytest
from pydantic import ValidationError

from bots.strategies.grid import GridSettings
from bots.strategies.grid.settings import ExitAction, GapRule
from tests.strategies.grids import grid


def test_a_grid_offered_with_nothing_but_its_range_and_investment_is_whole() -> None:
    settings = GridSettings.model_validate({"investment": "1000", "lower_price": "90", "upper_price": "110"})
    assert settings.problems() == []
    assert (settings.lines, settings.spacing, settings.size_mode, settings.order_size) == (
        21,
        "geometric",
        "quote",
        None,
    )
    assert (settings.gap_rule, settings.exit_action) == (GapRule.NEAREST, ExitAction.SELL)
    assert settings.step_pct == 1


@pytest.mark.parametrize(
    ("chosen", "field"),
    [
        ({"upper_price": None}, "upper_price"),
        ({"upper_price": 90}, "upper_price"),
        ({"stop_loss_price": 90}, "stop_loss_price"),
        ({"stop_loss_price": 85, "trigger_price": 85}, "stop_loss_price"),
        ({"stop_loss_price": 85, "trailing_down": True, "trailing_down_limit": 80}, "stop_loss_price"),
        ({"take_profit_price": 110}, "take_profit_price"),
        ({"take_profit_price": 115, "trigger_price": 115}, "take_profit_price"),
        ({"take_profit_price": 115, "trailing_up": True, "trailing_up_limit": 120}, "take_profit_price"),
        ({"trailing_down": True}, "trailing_down_limit"),
        ({"trailing_down": True, "trailing_down_limit": 91}, "trailing_down_limit"),
        ({"trailing_up": True, "trailing_up_limit": 109}, "trailing_up_limit"),
        ({"trailing_up": True, "trailing_down": True, "trailing_down_limit": 80}, "trailing_down"),
        ({"infinity": True}, "size_mode"),
        ({"infinity": True, "size_mode": "quote", "trailing_up": True}, "trailing_up"),
    ],
)
def test_choices_that_contradict_each_other_name_the_field(chosen: Any, field: Any) -> None:
    found = grid(**chosen).settings.problems()
    assert [problem.field for problem in found] == [field]
    assert found[0].message.endswith(".")
    if found[0].fix:
        assert not any(p.field == field for p in grid(**{**chosen, field: found[0].fix}).settings.problems())
    assert not grid(**chosen).preflight(grid().settings.lower_price + 10).ok


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lines", 1),
        ("lines", 201),
        ("lower_price", 0),
        ("order_size", 0),
        ("initial_base", -1),
        ("step_pct", 0),
        ("max_active_orders", 0),
        ("spacing", "diagonal"),
        ("lower_price", "NaN"),
    ],
)
def test_a_value_out_of_range_is_refused_by_the_model(field: Any, value: Any) -> None:
    with pytest.raises(ValidationError):
        grid(**{field: value})
