"""What a momentum bot says before it starts, and which settings it refuses."""

from decimal import Decimal
from typing import Any

import pytest

from bots.strategies.momentum import MomentumSettings
from bots.strategies.registry import BOT_TYPES, SettingsRefused, read_settings
from orders.rules import FeeIn, OrderKind
from tests.strategies.dcas import market
from tests.strategies.momentums import momentum

D = Decimal


def codes(given: dict[str, Any]) -> dict[str, str]:
    try:
        read_settings("momentum", {"investment": 1000, **given})
    except SettingsRefused as refused:
        return {problem.code: problem.fix for problem in refused.problems}
    return {}


def test_the_defaults_pass_their_own_rules() -> None:
    settings = MomentumSettings(investment=D(1000))
    assert settings.problems() == []
    assert settings.loss_guard_count == 0
    found = BOT_TYPES["momentum"].build(settings, market("0.001")).preflight(D(100))
    assert found.ok
    assert [problem.code for problem in found.problems] == ["atr_not_known"]


@pytest.mark.parametrize(
    ("given", "code", "fix"),
    [
        ({"ema_fast": 21}, "ema_fast_over_slow", "20"),
        ({"macd_fast": 30}, "macd_fast_over_slow", "25"),
        ({"rsi_period": 1}, "rsi_period_short", "2"),
        ({"adx_period": 1}, "adx_period_short", "2"),
        ({"entry": "rsi", "rsi_period": 0}, "rsi_off", "14"),
        ({"entry": "rsi", "rsi_min": 0}, "rsi_cross_at_zero", "50"),
        ({"rsi_max": 50}, "rsi_band", "0"),
        ({"profit_trail_pct": "4.77"}, "trail_too_wide", "4.76"),
        ({"profit_trail_pct": "4.8"}, "trail_too_wide", "4.76"),
        ({"amount": 1001}, "over_investment", "1001"),
        ({"roi_steps": [{"after_s": 9, "profit_pct": 2}, {"after_s": 9, "profit_pct": 1}]}, "roi_times", ""),
        (
            {"roi_steps": [{"after_s": 9, "profit_pct": 2}, {"after_s": 10, "profit_pct": 2}]},
            "roi_profits",
            "",
        ),
        ({"take_profit_pct": 2, "roi_steps": [{"after_s": 9, "profit_pct": 2}]}, "roi_profits", ""),
    ],
)
def test_rules_between_settings(given: Any, code: str, fix: str) -> None:
    assert codes(given) == {code: fix}


def test_what_the_rules_let_through() -> None:
    assert codes({"profit_trail_pct": "4.76"}) == {}
    assert codes({"rsi_max": 0, "rsi_min": 60}) == {}
    assert codes({"amount": 5000, "size_mode": "risk"}) == {}


def test_every_order_and_figure_of_one_deal() -> None:
    bot = momentum(market("0.001"), take_profit_pct=4, stop_pct=2, investment=200, max_slippage_pct="0.5")
    found = bot.preflight(D(100))
    assert found.ok
    assert [(one.slot, one.kind, one.price, one.amount) for one in found.orders] == [
        ("deal-1/entry", OrderKind.MARKET, D(100), D(1)),
        ("deal-1/target", OrderKind.LIMIT, D(104), D(1)),
    ]
    assert found.required_quote == D("100.6005")
    assert found.break_even_price is not None
    assert found.break_even_price.quantize(D("0.0000001")) == D("100.2002002")
    assert found.take_profit_price == D(104)
    assert found.worst_case_loss == D("2.198")
    win = D("103.896") - D("100.1")
    assert found.wins_needed_pct == D("2.198") / (win + D("2.198")) * 100


def test_wins_needed_is_told_only_where_a_win_has_one_size() -> None:
    assert momentum(stop_pct=2).preflight(D(100)).wins_needed_pct is None
    assert momentum(take_profit_pct=4, stop_trailing=True).preflight(D(100)).wins_needed_pct is None


def test_by_risk_the_worst_case_is_the_risk_and_the_fees() -> None:
    bot = momentum(market("0.001"), size_mode="risk", risk_pct=1, stop_pct=6, investment=10_000)
    found = bot.preflight(D(100))
    amount = found.orders[0].amount
    assert amount == D("16.666666")
    assert found.worst_case_loss == pytest.approx(100 + amount * D("0.194"), abs=D("0.001"))


@pytest.mark.parametrize(
    ("chosen", "code"),
    [
        ({"take_profit_pct": "0.2"}, "no_profit"),
        ({"roi_steps": [{"after_s": 60, "profit_pct": "0.2"}]}, "no_profit_by_time"),
        ({"amount": "0.5"}, "amount_too_small"),
        ({"size_mode": "risk", "investment": 1, "risk_pct": "0.1"}, "risk_too_small"),
        ({"investment": 100}, "over_investment"),
    ],
)
@pytest.mark.parametrize("fee_in", list(FeeIn))
def test_what_forbids_a_start_and_its_fix(chosen: Any, code: str, fee_in: FeeIn) -> None:
    on = market("0.001", fee_in)
    found = momentum(on, **chosen).preflight(D(100))
    wrong = {problem.code: problem for problem in found.problems if not problem.warning}
    assert not found.ok
    assert list(wrong) == [code]
    problem = wrong[code]
    if problem.fix:
        assert momentum(on, **{**chosen, problem.field: problem.fix}).preflight(D(100)).ok


def test_what_is_only_told() -> None:
    narrow = {"profit_trail_arm_pct": 5, "profit_trail_pct": "4.76"}
    found = momentum(market("0.001"), **narrow).preflight(D(100))
    assert [(one.code, one.warning) for one in found.problems] == [("trail_nets_nothing", True)]
    raised = momentum(market(min_cost="95"), amount=90).preflight(D(100))
    assert [(one.code, one.warning) for one in raised.problems] == [("amount_raised", True)]


@pytest.mark.parametrize("price", ["0.00002", "1", "100", "70000"])
@pytest.mark.parametrize("rules", [{"min_cost": "1"}, {"min_cost": "120"}, {"min_amount": "3", "lot": "1"}])
def test_the_suggested_values_can_start(price: str, rules: Any) -> None:
    on = market("0.001", tick="0.00000001", **rules)
    chosen = MomentumSettings.suggested(D(price), on)
    assert MomentumSettings(**chosen).problems() == []
    found = BOT_TYPES["momentum"].build(read_settings("momentum", chosen), on).preflight(D(price))
    assert found.ok, found.problems


def test_the_help_says_who_watches_the_stop() -> None:
    said = MomentumSettings.model_fields["protective_stop"].description or ""
    assert "the bot watches the stop itself" in said
