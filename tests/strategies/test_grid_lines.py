"""Where a grid's lines are, and what its pairs earn."""

from itertools import pairwise
from typing import Any

import pytest

from bots.strategies.grid.lines import gap_line, ladder_of, lines_at_most, pair_net, steps_below
from bots.strategies.grid.settings import GapRule
from orders.rules import FeeIn
from tests.strategies.grids import D, grid, market
from tests.strategies.playground import Playground


def test_fifty_arithmetic_lines_v_grid_1() -> None:
    settings = grid(lower_price=56_000, upper_price=72_000, lines=50).settings
    ladder = ladder_of(settings, market(), D(60_000))
    assert round(ladder.exact(1) - ladder.exact(0), 6) == D("326.530612")
    assert ladder.prices(50)[-2:] == [D("71673.47"), D("72000.00")]


def test_geometric_lines_end_exactly_at_both_prices_and_keep_one_ratio() -> None:
    settings = grid(lower_price=100, upper_price=200, lines=11, spacing="geometric").settings
    ladder = ladder_of(settings, market(tick="0.0001"), D(150))
    prices = ladder.prices(11)
    assert (prices[0], prices[-1]) == (D(100), D(200))
    ratios = [high / low for low, high in pairwise(prices)]
    assert max(ratios) - min(ratios) < D("0.00001")
    assert round(ladder.price(11) / 200, 5) == round(ratios[0], 5)


def test_a_line_is_rounded_half_up_once_for_both_sides() -> None:
    settings = grid(lower_price=10, upper_price=11, lines=5).settings
    assert ladder_of(settings, market(tick="0.1"), D(10)).prices(5) == [
        D("10.0"),
        D("10.3"),
        D("10.5"),
        D("10.8"),
        D("11.0"),
    ]


@pytest.mark.parametrize(
    ("price", "rule", "gap"),
    [
        ("101", GapRule.NEAREST, 2),
        ("104", GapRule.NEAREST, 3),
        ("102.5", GapRule.NEAREST, 2),  # a tie goes to the lower line
        ("101", GapRule.ABOVE, 3),
        ("104", GapRule.BELOW, 2),
        ("100", GapRule.ABOVE, 2),
        ("100", GapRule.BELOW, 2),
        ("120", GapRule.BELOW, 4),
        ("120", GapRule.ABOVE, 4),
        ("80", GapRule.ABOVE, 0),
        ("80", GapRule.NEAREST, 0),
    ],
)
def test_which_line_stays_empty(price: Any, rule: Any, gap: Any) -> None:
    assert gap_line([D(90), D(95), D(100), D(105), D(110)], D(price), rule) == gap


def test_pair_ratios_v_be_2() -> None:
    received = market(fee="0.001", fee_in=FeeIn.RECEIVED)
    assert round(pair_net(D(1000), D(1002), received) * 100, 4) == D("-0.0003")
    assert round(pair_net(D(1000), D(1004), received) * 100, 4) == D("0.1993")


@pytest.mark.parametrize(
    ("low", "high", "in_received", "in_quote"),
    [(90, 95, "5.3446", "5.3447"), (105, 110, "4.5525", "4.5526")],
)
def test_pair_net_by_where_the_fee_is_taken_v_grid_13(
    low: int, high: int, in_received: str, in_quote: str
) -> None:
    received, quote = market(fee="0.001", fee_in=FeeIn.RECEIVED), market(fee="0.001")
    assert round(pair_net(D(low), D(high), received) * 100, 4) == D(in_received)
    assert round(pair_net(D(low), D(high), quote) * 100, 4) == D(in_quote)


@pytest.mark.parametrize("spacing", ["arithmetic", "geometric"])
def test_the_most_lines_offered_have_steps_as_wide_as_asked_and_one_more_has_not(spacing: Any) -> None:
    ratio = D("1.004")
    settings = grid(lower_price=90, upper_price=110, spacing=spacing).settings
    most = lines_at_most(settings, D("0.01"), ratio)

    def worst(lines: int) -> D:
        ladder = ladder_of(settings.model_copy(update={"lines": lines}), market(), D(100))
        return min(ladder.exact(i + 1) / ladder.exact(i) for i in range(lines - 1))

    assert worst(most) >= ratio > worst(most + 1)


def test_an_infinity_grid_has_a_line_at_its_first_price_and_none_below_its_lower_price() -> None:
    settings = grid(infinity=True, upper_price=None, size_mode="quote", lower_price=90, step_pct=1).settings
    below = steps_below(settings, D(100))
    ladder = ladder_of(settings, market(), D(100))
    assert ladder.price(below) == 100
    assert ladder.exact(0) >= 90 > ladder.exact(-1)


def test_the_lines_a_bybit_user_sees_v_grid_15() -> None:
    play = Playground(
        grid(lower_price=25_000, upper_price=30_000, lines=6, gap_rule="above"), price=26_500, cash=100_000
    )
    assert [order.intent.price for order in play.live.values() if order.intent.side == "sell"] == [
        28_000,
        29_000,
        30_000,
    ]
    assert "line-2" not in play.live
    assert play.live["line-0"].intent.price == 25_000
    assert play.live["line-1"].intent.price == 26_000
