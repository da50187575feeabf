"""What a dip bot says before it may start."""

from decimal import Decimal
from typing import Any

import pytest

from bots.strategies.base import Preflight
from bots.strategies.dip import Dip, DipSettings
from bots.strategies.registry import BOT_TYPES, SettingsRefused, read_settings
from orders.rules import FeeIn, Side
from tests.strategies.dcas import market
from tests.strategies.dips import dip

D = Decimal
WHOLE = [{"profit_pct": 2, "share_pct": 100}]

POOR = [{"profit_pct": "0.2", "share_pct": 100}]


def shown(on: Any = None, price: Any = 100, **chosen: Any) -> Preflight:
    return dip(on, **chosen).preflight(D(price))


def codes(found: Preflight) -> dict[str, str]:
    return {problem.code: problem.field for problem in found.problems}


@pytest.mark.parametrize("fee_in", list(FeeIn))
def test_the_default_configuration_passes_its_own_rules(fee_in: Any) -> None:
    settings = DipSettings(investment=D(250))
    assert settings.problems() == []
    found = Dip(settings, market("0.001", fee_in, min_cost="5")).preflight(D(60_000))
    assert found.problems == ()
    assert found.required_quote < 250
    assert BOT_TYPES["dip"].settings is DipSettings


@pytest.mark.parametrize("price", ["0.02", "100", "60000"])
@pytest.mark.parametrize("minimum", ["1", "5", "30", "400"])
def test_what_a_form_suggests_passes(price: Any, minimum: Any) -> None:
    on = market("0.001", min_cost=minimum, tick="0.0001", lot="0.00001")
    settings = read_settings("dip", DipSettings.suggested(D(price), on))
    assert isinstance(settings, DipSettings)
    assert [one for one in Dip(settings, on).preflight(D(price)).problems if not one.warning] == []


def test_every_order_of_one_dip() -> None:
    found = shown(market("0.001"), max_buys=2, limit_offset_pct=1)
    assert [order.slot for order in found.orders] == [
        "deal-1/buy-1",
        "deal-1/buy-2",
        "deal-1/target-1",
        "deal-1/target-2",
        "deal-1/target-3",
    ]
    bought = [order for order in found.orders if order.side is Side.BUY]
    assert [order.price for order in bought] == [D(99), D("95.06")], "3 % under 99, and 1 % under that"
    assert found.required_quote == sum(order.cost for order in bought) * D("1.001")
    assert found.break_even_price == pytest.approx(D(99) * D("1.002002002"))
    assert found.take_profit_price == D("102.96")
    assert [level.slot for level in found.levels] == ["deal-1/buy-1", "deal-1/buy-2"]
    assert found.levels[1].average is not None
    assert found.levels[1].average < 99


def test_the_worst_case_is_the_stop_under_all_buys_or_the_whole_budget() -> None:
    stopped = shown(max_buys=2, stop_loss_pct=10)
    cost = sum(order.cost for order in stopped.orders if order.side is Side.BUY)
    assert stopped.worst_case_loss == pytest.approx(cost / 10)
    early = shown(max_buys=2, stop_loss_pct=2)
    assert early.worst_case_loss == pytest.approx(D(1), abs=D("0.001")), "the second buy is never made"
    assert shown(stop_loss_pct=0).worst_case_loss == shown(stop_loss_pct=0).required_quote


def test_the_wins_needed_where_a_win_and_a_loss_have_one_size() -> None:
    one: dict[str, Any] = {"take_profits": WHOLE, "max_buys": 1, "trail_pct": 0, "stop_loss_pct": 2}
    assert shown(**one).wins_needed_pct == pytest.approx(D(50))
    assert shown(**{**one, "max_buys": 2}).wins_needed_pct is None
    assert shown(**{**one, "stop_loss_pct": 0}).wins_needed_pct is None


@pytest.mark.parametrize(
    ("chosen", "field"),
    [
        ({"dip_pct": 20}, "max_dip_pct"),
        ({"rebound_pct": 5}, "rebound_pct"),
        ({"rsi_period": 1}, "rsi_period"),
        ({"trend_sma": 1}, "trend_sma"),
        ({"buy_weights": ["1", "0"]}, "buy_weights"),
        ({"buy_amount": 60}, "investment"),
        ({"take_profits": [{"profit_pct": 4, "share_pct": 99}]}, "take_profits"),
        ({"take_profits": [{"profit_pct": 4, "share_pct": 50}] * 2}, "take_profits"),
        ({"take_profits": []}, "take_profits"),
        ({"take_profits": [{"profit_pct": n, "share_pct": 20} for n in range(1, 6)]}, "take_profits"),
        ({"trail_arm_pct": 5, "trail_pct": "4.77"}, "trail_pct"),
        ({"roi_steps": [{"after_s": 9, "profit_pct": 3}, {"after_s": 9, "profit_pct": 2}]}, "roi_steps"),
        ({"roi_steps": [{"after_s": 9, "profit_pct": 3}, {"after_s": 19, "profit_pct": 3}]}, "roi_steps"),
        ({"lookback": 1}, "lookback"),
        ({"lookback": 1001}, "lookback"),
        ({"rebuy_drop_pct": 0}, "rebuy_drop_pct"),
    ],
)
def test_rules_between_fields(chosen: Any, field: Any) -> None:
    with pytest.raises(SettingsRefused) as refused:
        read_settings("dip", {"investment": 250, **chosen})
    assert field in {problem.field for problem in refused.value.problems}


@pytest.mark.parametrize(
    "chosen",
    [
        {"trail_arm_pct": 5, "trail_pct": "4.76"},
        {"trail_arm_pct": 0, "trail_pct": 50},
        {"rsi_period": 0, "rebound_pct": 0, "knife_candles": 0, "max_hold_candles": 0, "stop_loss_pct": 0},
        {"roi_steps": [{"after_s": 9, "profit_pct": 3}, {"after_s": 19, "profit_pct": 2}]},
    ],
)
def test_rules_between_fields_let_pass(chosen: Any) -> None:
    read_settings("dip", {"investment": 250, **chosen})


def test_the_benchmarks_job_reads() -> None:
    chosen = {"timeframe": "1m", "lookback": 240, "dip_pct": 3, "max_dip_pct": 99, "max_buys": 1}
    off = {"rsi_period": 0, "rebound_pct": 0, "knife_candles": 0, "trail_pct": 0, "rearm_pct": 0}
    rest = {"take_profits": WHOLE, "stop_loss_pct": 5, "entry_order": "market", "investment": 1_000_000}
    settings = read_settings("dip", {**chosen, **off, **rest})
    strategy = Dip(settings, market("0.001"))  # type: ignore[arg-type]  # a dip's
    assert strategy.candles_needed == 240
    assert strategy.preflight(D(100)).ok


@pytest.mark.parametrize(
    ("on", "chosen", "code", "field"),
    [
        (
            market("0.001"),
            {"take_profits": [{"profit_pct": "0.2", "share_pct": 100}]},
            "no_profit",
            "take_profits",
        ),
        (market("0.001"), {"roi_steps": [{"after_s": 9, "profit_pct": "0.1"}]}, "no_profit", "roi_steps"),
        (market(min_cost="100"), {}, "buy_too_small", "buy_amount"),
        (market("0.001"), {"investment": 225}, "over_investment", "investment"),
    ],
)
def test_a_market_may_forbid_a_start(on: Any, chosen: Any, code: Any, field: Any) -> None:
    found = shown(on, **chosen)
    assert codes(found)[code] == field
    assert not found.ok
    fix = next(problem.fix for problem in found.problems if problem.code == code)
    if fix:
        assert code not in codes(shown(on, **{**chosen, field: fix})), "the fix mends it"


@pytest.mark.parametrize(
    ("on", "chosen", "code"),
    [
        (market(min_cost="45"), {}, "buy_raised"),
        (market(min_cost="20"), {}, "parts_joined"),
        (market("0.005"), {"trail_arm_pct": 3, "trail_pct": "2.5"}, "trail_no_profit"),
        (market(), {"stop_loss_pct": 3}, "stop_above_rebuy"),
    ],
)
def test_a_person_should_know_first(on: Any, chosen: Any, code: Any) -> None:
    found = shown(on, **chosen)
    assert code in codes(found)
    assert found.ok
