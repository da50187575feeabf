"""The scalper's net edge, its settings' rules and what it says before it may start."""

from decimal import Decimal
from typing import Any

import pytest

from bots.strategies.registry import SettingsRefused, read_settings
from bots.strategies.scalper import Scalper, ScalperSettings
from bots.strategies.scalper.edge import Edge, net_edge
from orders.rules import FeeIn, OrderKind, Side
from tests.strategies.dcas import market
from tests.strategies.scalpers import AT_MARKET, scalper

D = Decimal


def edge(fee: str = "0.001", fee_in: FeeIn = FeeIn.QUOTE, **chosen: Any) -> Edge:
    return net_edge(scalper(**chosen).settings, market(fee, fee_in))


def codes(strategy: Scalper, price: Any = 100) -> dict[str, str]:
    return {problem.code: problem.fix for problem in strategy.preflight(D(price)).problems}


def assert_edge(profit: str, stop: str, *, win: str, loss: str, wins: str) -> None:
    """In percent, at a fee of .1 % and no slippage."""
    found = edge(take_profit_pct=profit, stop_loss_pct=stop)
    assert found.win * 100 == pytest.approx(D(win), abs=D("0.00005"))
    assert found.loss * 100 == pytest.approx(D(loss), abs=D("0.00005"))
    assert found.wins_needed_pct == pytest.approx(D(wins), abs=D("0.005"))
    shown = scalper(market("0.001"), take_profit_pct=profit, stop_loss_pct=stop).preflight(D(100))
    assert shown.wins_needed_pct == found.wins_needed_pct


def test_v_sc_1_net_edge_and_wins_needed() -> None:
    assert_edge("0.5", "0.3", win=".2992", loss=".4992", wins="62.53")


def test_v_sc_2_a_far_stop_needs_more_wins() -> None:
    assert_edge("1", "4", win=".7982", loss="4.1918", wins="84.0")


def test_v_sc_4_a_target_that_fees_eat_is_refused_with_the_least_that_is_not() -> None:
    assert edge(take_profit_pct="0.2").win * 100 == pytest.approx(D("-.0002"), abs=D("0.00001"))
    strategy = scalper(market("0.001"), take_profit_pct="0.2")
    assert not strategy.preflight(D(100)).ok
    fix = codes(strategy)["no_profit"]
    assert fix == "0.21"
    assert scalper(market("0.001"), take_profit_pct=fix).preflight(D(100)).ok


def test_a_fee_in_what_is_received_counts_by_its_own_formula() -> None:
    """V-BE-2: a ratio of 1.002 nets −.0003 %, one of 1.004 nets +.1993 %."""
    for profit, win in (("0.2", "-.0003"), ("0.4", ".1993")):
        found = edge(fee_in=FeeIn.RECEIVED, take_profit_pct=profit)
        assert found.win * 100 == pytest.approx(D(win), abs=D("0.00005"))


def test_slippage_counts_once_for_each_leg_at_market() -> None:
    resting, slipping = edge(), edge(max_slippage_pct="0.05")
    assert slipping.win == resting.win
    assert slipping.loss - resting.loss == D("0.0005")
    at_market = edge(**AT_MARKET, max_slippage_pct="0.05")
    assert resting.win - at_market.win == D("0.0005")
    assert at_market.loss - resting.loss == D("0.001")


@pytest.mark.parametrize("fee_in", list(FeeIn))
def test_the_default_configuration_passes_its_own_rules(fee_in: Any) -> None:
    settings = ScalperSettings(investment=D(250))
    found = Scalper(settings, market("0.001", fee_in, min_cost="5")).preflight(D(60_000))
    assert (settings.problems(), found.problems) == ([], ())
    assert (settings.loss_guard_count, settings.cooldown_s) == (0, 15)
    assert settings.max_slippage_pct == D("0.05")
    assert found.wins_needed_pct is not None


@pytest.mark.parametrize("price", [D("0.02"), D(100), D(60_000)])
@pytest.mark.parametrize("minimum", ["1", "5", "30", "400"])
@pytest.mark.parametrize("fee", ["0", "0.001", "0.006"])
def test_what_a_form_suggests_passes(price: Any, minimum: Any, fee: Any) -> None:
    on = market(fee, FeeIn.RECEIVED, min_cost=minimum, tick="0.0001", lot="0.00001")
    settings = read_settings("scalper", ScalperSettings.suggested(price, on))
    assert isinstance(settings, ScalperSettings)
    assert Scalper(settings, on).preflight(price).problems == ()


def test_every_order_of_one_deal() -> None:
    found = scalper(market("0.001"), quote_width_bps=40, order_amount=50).preflight(D(100))
    entry, target = found.orders
    assert (entry.side, entry.kind, entry.price) == (Side.BUY, OrderKind.LIMIT, D("99.8"))
    assert (target.side, target.price) == (Side.SELL, D("100.30"))
    assert found.take_profit_price == D("100.30")
    assert found.required_quote == entry.cost * D("1.001")
    assert found.break_even_price == pytest.approx(D("99.8") * D("1.001") / D("0.999"), abs=D("1e-9"))
    lost = entry.cost * D("1.001") - entry.amount * D("99.8") * D("0.996") * D("0.999")
    assert found.worst_case_loss == pytest.approx(lost, abs=D("1e-9"))
    assert found.levels[0].target == D("100.30")


def test_market_entries_are_budgeted_with_their_slippage() -> None:
    found = scalper(market("0.001"), **AT_MARKET, max_slippage_pct=1).preflight(D(100))
    assert found.orders[0].kind is OrderKind.MARKET
    assert found.required_quote == found.orders[0].cost * D("1.01") * D("1.001")


def test_a_width_under_both_fees_and_two_bps_is_refused() -> None:
    on = market("0.001")
    assert codes(scalper(on, quote_width_bps="21.9")) == {"width_too_small": "22"}
    assert codes(scalper(on, quote_width_bps=22)) == {}
    assert codes(scalper(on, quote_width_bps="21.9", entry="rsi")) == {}


def test_amounts_that_do_not_fit_are_told_with_their_fix() -> None:
    on = market("0.001", min_cost="50")
    assert codes(scalper(on, order_amount=50)) == {"order_raised": ""}
    least = codes(scalper(on, order_amount=10))["order_too_small"]
    assert "order_too_small" not in codes(scalper(on, order_amount=least))
    assert codes(scalper(market("0.001"), investment=50)) == {"over_investment": "50.05"}
    assert codes(scalper(market(tick="1"), max_spread_bps=15), 99) == {"spread_under_tick": "101.1"}


ROI = [{"after_s": 60, "profit_pct": "0.4"}, {"after_s": 120, "profit_pct": "0.3"}]


@pytest.mark.parametrize(
    ("chosen", "code"),
    [
        ({"entry_order": "market", "post_only": False}, "spread_at_market"),
        ({"entry": "rsi", "entry_order": "market"}, "post_only_at_market"),
        ({"max_hold_s": 4}, "hold_short"),
        ({"order_amount": 60, "investment": 50}, "over_investment"),
        ({"roi_steps": ROI[::-1]}, "roi_not_rising"),
        ({"roi_steps": [ROI[0], {"after_s": 90, "profit_pct": "0.4"}]}, "roi_not_falling"),
        ({"roi_steps": ROI, "take_profit_pct": "0.4"}, "roi_not_falling"),
    ],
)
def test_rules_between_settings(chosen: Any, code: Any) -> None:
    with pytest.raises(SettingsRefused) as refusal:
        read_settings("scalper", {"investment": 250, **chosen})
    assert code in [problem.code for problem in refusal.value.problems]


def test_what_is_allowed_and_what_only_warns() -> None:
    for chosen in ({"max_hold_s": 0}, {"max_hold_s": 5}, AT_MARKET, {"roi_steps": ROI}):
        read_settings("scalper", {"investment": 250, **chosen})
    assert codes(scalper(market("0.002"), take_profit_pct=1, roi_steps=ROI)) == {"roi_without_profit": ""}
    assert codes(scalper(roi_steps=ROI, max_hold_s=90)) == {"roi_after_hold": ""}
