"""The rules all bots share, by the vectors of their page."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from bots.strategies.base import Role
from bots.strategies.exits import (
    break_even,
    exit_intent,
    trail,
    trail_keeps_profit,
    trail_limit,
    trail_nets_profit,
)
from bots.strategies.indicators import recursive_window, rsi
from bots.strategies.sizing import by_risk
from orders.accounting import Fill, Position
from orders.rules import FeeIn, OrderKind, Side
from tests.strategies.dcas import market

D = Decimal


def bought(amount: str, price: str, **fees: Decimal) -> Fill:
    return Fill("any", Side.BUY, D(amount), D(price), 0, **fees)


def sold(amount: str, price: str, **fees: Decimal) -> Fill:
    return Fill("any", Side.SELL, D(amount), D(price), 0, **fees)


def test_v_min_1_the_minimum_holds_at_the_stop_too() -> None:
    on = market(min_amount="20", min_cost="0", lot="0.0001")
    price = D("0.60")
    assert on.min_amount * price == D("12.00")
    assert on.smallest(price) * price == D("12.60")
    assert on.smallest(price, D("0.1")) * price == pytest.approx(D("14.00"), abs=D("0.0001"))
    assert on.smallest(price, D("0.9")) == D(30), "the factor is capped at 1.5"


def test_a_wish_under_the_minimum_is_raised_by_at_most_thirty_percent() -> None:
    on = market(min_amount="10", min_cost="0", lot="0.1")
    assert on.sized(D("8.1"), D(1)) == D("10.5")
    assert on.sized(D("8.0"), D(1)) is None


def test_v_fee_1_a_fee_in_base_leaves_less_to_sell() -> None:
    held = Position().after(bought("1", "28500", fee_base=D("0.0015")))
    assert held.amount == D("0.9985")
    target = break_even(held.average, D(0)) * D("1.1")
    assert target.quantize(D("0.0001")) == D("31397.0956")


def test_v_fee_3_profit_counts_the_fee_of_both_sides() -> None:
    buy, sell = D(".00258580"), D(".00279266")
    rate = D("0.0025")
    cost = Position().after(bought("1", f"{buy}", fee_quote=buy * rate))
    after = cost.after(sold("1", f"{sell}", fee_quote=sell * rate))
    assert (after.realised / cost.cost * 100).quantize(D("0.001")) == D("7.461")


def test_v_fee_4_a_fee_is_taken_once() -> None:
    held = Position().after(bought("1", "18.47"))
    assert (held.after(sold("1", "21.92")).realised / held.cost * 100).quantize(D("0.01")) == D("18.68")


def test_a_fee_in_a_third_asset_counts_in_the_profit_and_leaves_the_base_whole() -> None:
    held = Position().after(bought("1", "100", fee_other=D("0.1")))
    assert (held.amount, held.cost, held.realised) == (D(1), D(100), D("-0.1"))


def test_v_be_1_break_even_with_fees_in_quote() -> None:
    held = Position().after(bought("1", "100", fee_quote=D("0.1")))
    assert break_even(held.average, D("0.001")).quantize(D("1e-7")) == D("100.2002002")


@pytest.mark.parametrize(("ratio", "net_pct"), [("1.002", "-0.0003"), ("1.004", "0.1993")])
def test_v_be_2_break_even_with_fees_in_what_is_received(ratio: Any, net_pct: Any) -> None:
    fee = D("0.001")
    held = Position().after(bought("1", "100", fee_base=fee))
    price = D(100) * D(ratio)
    after = held.after(sold("0.999", f"{price}", fee_quote=D("0.999") * price * fee))
    assert (after.realised / held.cost * 100).quantize(D("0.0001")) == D(net_pct)
    assert (price > break_even(held.average, fee)) is (D(net_pct) > 0)


def stop_at(peak: str, **chosen: str) -> Decimal:
    """Where the stop of an entry at 100 stands, 10 % under it until it trails."""
    trails = {name: D(value) for name, value in chosen.items()}
    return trail(entry=D(100), peak=D(peak), stop_pct=D(10), **trails)


def test_v_tr_1_a_fixed_stop_stays_under_the_entry() -> None:
    assert stop_at("102") == 90


def test_v_tr_2_a_trail_from_the_start_follows_the_high() -> None:
    assert stop_at("102", trail_pct="10") == D("91.8")


def test_v_tr_3_a_trail_once_in_profit() -> None:
    assert stop_at("102", trail_pct="2") == D("99.96")


def test_v_tr_5_a_trail_is_armed_at_its_profit() -> None:
    assert stop_at("102.99", trail_pct="2", arm_pct="3") == 90
    assert stop_at("103", trail_pct="2", arm_pct="3") == D("100.94")


@pytest.mark.parametrize(("trail_pct", "kept"), [("4.76", True), ("4.77", False), ("4.8", False)])
def test_a_trail_must_end_in_profit(trail_pct: Any, kept: Any) -> None:
    assert trail_keeps_profit(D(5), D(trail_pct)) is kept
    assert trail_limit(D(5)) == D("4.76")


def test_a_trail_net_of_fees() -> None:
    assert trail_nets_profit(D(5), D("4.5"), D("0.001"))
    assert not trail_nets_profit(D(5), D("4.7"), D("0.001"))


def test_v_size_1_size_by_risk() -> None:
    amount = by_risk(equity=D(10_000), risk_pct=D(1), entry=D(100), stop=D(100) - 3 * D(2), balance=D(10_000))
    assert amount.quantize(D("0.0001")) == D("16.6667")
    assert market(lot="0.0001").amount(amount) == D("16.6666")
    assert by_risk(equity=D(10_000), risk_pct=D(1), entry=D(100), stop=D(94), balance=D(500)) == 5


def test_rule_8_an_exit_at_market_escalates() -> None:
    tries = [exit_intent(market(), D(100), D(1), attempt, D("0.5")) for attempt in range(5)]
    assert [(one.kind, one.price) for one in tries] == [
        (OrderKind.IOC, D("99.5")),
        (OrderKind.IOC, D(99)),
        *[(OrderKind.MARKET, None)] * 3,
    ]
    assert {one.role for one in tries} == {Role.EXIT}


def test_an_exit_never_asks_for_a_price_of_nothing() -> None:
    assert exit_intent(market(), D(100), D(1), 1, D(60)).kind is OrderKind.MARKET


def test_v_rsi_1_wilders_rsi() -> None:
    closes = (
        "44.34 44.09 44.15 43.61 44.33 44.83 45.10 45.42 45.84 46.08 "
        "45.89 46.03 45.61 46.28 46.28 46.00 46.03 46.41 46.22 45.64"
    )
    column = rsi(np.array([float(close) for close in closes.split()]), 14)
    assert np.isnan(column[:14]).all()
    expected = [70.4641, 66.2496, 66.4809, 69.3469, 66.2947, 57.9150]
    assert column[14:] == pytest.approx(expected, abs=5e-5)


def test_rsi_without_movement_is_fifty() -> None:
    assert set(rsi(np.full(30, 5.0), 14)[14:]) == {50.0}
    moved_long_ago = np.concatenate(([4.0, 6.0, 5.0], np.full(2_000, 5.0)))
    assert rsi(moved_long_ago, 14)[-1] == pytest.approx(50, abs=30)
    assert rsi(moved_long_ago, 14)[-1] != 0


def test_rsi_that_only_fell_is_zero() -> None:
    assert rsi(np.arange(40.0, 0.0, -1.0), 14)[-1] == 0


def test_warm_up_is_thirty_periods() -> None:
    assert recursive_window(14) == 420
    assert recursive_window() == 0


def test_rounding_keeps_its_promise() -> None:
    on = market(tick="0.05", lot="0.01", fee_in=FeeIn.RECEIVED)
    assert on.amount(D("1.239")) == D("1.23")
    assert on.price(Side.BUY, D("10.09")) == D("10.05")
    assert on.price(Side.SELL, D("10.06")) == D("10.10")
