"""What a backtest is judged by: the published numbers, and None for what cannot be known."""

import math
from dataclasses import fields, is_dataclass
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots.backtest.record import Mark, Record
from bots.backtest.statistics import Statistics, daily_returns, equity_path, statistics_of, wilson
from bots.strategies.limits import DAY_MS, HOUR_MS
from orders.records import replace
from orders.rules import ZERO
from tests.backtest.records import BEGAN, V_MET_1, D, bought, flat_record, record_of, sold, trades_of


def judged(record: Record) -> Statistics:
    return statistics_of(record, by_deals=True)


def equities_of(*equities: str) -> Record:
    """A record whose equity at the end of each hour is known from a fill; the first is the start's."""
    first, *others = equities
    fills = [bought("1", "1", BEGAN + number * HOUR_MS) for number in range(1, len(equities))]
    record = record_of(fills, cash=first, until=BEGAN + len(equities) * HOUR_MS)
    return replace(record, equities=list(map(D, others)), end_equity=D(equities[-1]))


def test_v_met_1_five_trades_one_a_day() -> None:
    found = judged(record_of(trades_of(V_MET_1)))
    results = found.results
    assert found.net_profit == D(15)
    assert (results.count, results.wins, results.losses) == (5, 3, 2)
    assert results.profit_factor == pytest.approx(2.6667, abs=5e-5)
    assert results.win_rate == 0.6
    assert (results.win_rate_low, results.win_rate_high) == pytest.approx((0.2307, 0.8824), abs=5e-5)
    assert results.expectancy == D(3)
    assert results.sqn == pytest.approx(0.9583, abs=5e-5)
    assert results.payoff == pytest.approx(1.7778, abs=5e-5)
    assert found.drawdown.pct == pytest.approx(0.4950, abs=5e-5)
    assert found.drawdown.quote == D(5)
    assert found.sharpe == pytest.approx(8.2387, abs=5e-5)
    assert found.sortino == pytest.approx(20.2489, abs=5e-5)


def test_the_rest_of_v_met_1_follows() -> None:
    found = judged(record_of(trades_of(V_MET_1)))
    assert (found.net_profit_pct, found.days, found.trades) == (1.5, 5, 10)
    assert (found.closed_deals, found.mean_deal_ms, found.too_few) == (5, HOUR_MS, True)
    assert (found.results.best, found.results.worst) == (D(10), D(-5))
    assert (found.results.gross_profit, found.results.gross_loss) == (D(24), D(9))
    assert (found.turnover, found.turnover_times) == (D(1015), 1.015)
    assert found.cagr_pct is found.calmar is None


# Days


def test_parts_of_days_at_both_ends_are_no_days() -> None:
    fills = [
        *(bought("1", "100", BEGAN + 20 * HOUR_MS), sold("1", "150", BEGAN + 21 * HOUR_MS)),
        *(bought("1", "100", BEGAN + 30 * HOUR_MS), sold("1", "121", BEGAN + 31 * HOUR_MS)),
        *(bought("1", "100", BEGAN + 50 * HOUR_MS), sold("1", "10", BEGAN + 51 * HOUR_MS)),
    ]
    record = record_of(fills, since=BEGAN + 12 * HOUR_MS, until=BEGAN + 60 * HOUR_MS)
    assert daily_returns(record).tolist() == [21 / 1050]
    assert judged(record).sharpe is None


def test_an_end_at_midnight_is_no_second_day() -> None:
    record = record_of(trades_of(["10"]))
    assert record.daily[-1].at == record.until
    assert daily_returns(record).tolist() == [0.01]


def test_an_end_at_midnight_that_has_no_mark_is_a_whole_day() -> None:
    record = record_of(trades_of(["10", "20"]))
    unmarked = replace(record, daily=record.daily[:-1])
    assert daily_returns(unmarked).tolist() == daily_returns(record).tolist()


def test_days_that_are_all_alike_have_no_sharpe() -> None:
    grown = [Mark(BEGAN + day * DAY_MS, D(1000) * D("1.01") ** day) for day in range(1, 8)]
    record = replace(record_of([], until=BEGAN + 7 * DAY_MS), daily=grown, end_equity=grown[-1].equity)
    found = judged(record)
    assert found.sharpe is None
    assert found.sortino is None


def test_tiny_gains_keep_their_digits() -> None:
    """A float of a thousand keeps 13 places; the returns of gains far behind them are right all the same."""
    small = [f"{D(result).scaleb(-13):f}" for result in V_MET_1]
    assert judged(record_of(trades_of(small))).sharpe == pytest.approx(8.2387, rel=0.01)


def test_cagr_needs_thirty_days() -> None:
    days_29 = judged(record_of(trades_of(["100"]), until=BEGAN + 30 * DAY_MS - 1))
    days_30 = judged(record_of(trades_of(["100"]), until=BEGAN + 30 * DAY_MS))
    assert days_29.cagr_pct is None
    assert days_30.cagr_pct == pytest.approx((1.1 ** (365 / 30) - 1) * 100)


def test_calmar_is_cagr_over_the_drawdown() -> None:
    found = judged(record_of(trades_of(["-50", "150"]), until=BEGAN + 365 * DAY_MS))
    assert found.cagr_pct == pytest.approx(10)
    assert found.drawdown.pct == 5
    assert found.calmar == pytest.approx(2)


def test_without_a_fall_there_is_no_calmar() -> None:
    found = judged(record_of(trades_of(["100"]), until=BEGAN + 365 * DAY_MS))
    assert (found.drawdown.pct, found.drawdown.peak_at, found.drawdown.low_at) == (0, None, None)
    assert found.calmar is None


# Drawdown


def test_a_drawdown_tells_when_it_began_and_ended() -> None:
    fall = judged(equities_of("100", "120", "110", "120", "90", "100", "125", "115")).drawdown
    assert (fall.pct, fall.quote) == (25, D(30))
    assert (fall.peak_at, fall.low_at) == (BEGAN + 3 * HOUR_MS, BEGAN + 4 * HOUR_MS)


def test_the_deepest_fall_is_that_of_percent_not_of_money() -> None:
    fall = judged(equities_of("10", "5", "1000", "900")).drawdown
    assert (fall.pct, fall.quote) == (50, D(5))


def test_a_fall_between_fills_is_seen_at_midnight() -> None:
    record = record_of([bought("1", "100", BEGAN + HOUR_MS)], until=BEGAN + 2 * DAY_MS)
    low = replace(record, daily=[Mark(BEGAN + DAY_MS, D(800)), *record.daily[1:]])
    fall = judged(low).drawdown
    assert (fall.pct, fall.low_at) == (20, BEGAN + DAY_MS)


def test_a_fall_to_the_end_is_seen() -> None:
    record = record_of([bought("1", "100", BEGAN + HOUR_MS)], until=BEGAN + 5 * HOUR_MS)
    fall = judged(replace(record, end_equity=D(750))).drawdown
    assert (fall.pct, fall.low_at) == (25, record.until)


def test_a_mark_at_midnight_comes_before_a_fill_of_that_moment() -> None:
    record = record_of([bought("1", "100", BEGAN + DAY_MS)], until=BEGAN + DAY_MS + 1)
    path = equity_path(replace(record, equities=[D(7)]))
    assert path.equities == [D(1000), D(1000), D(7), D(1000)]
    assert path.kinds.tolist() == [0, 1, 2, 3]
    assert path.at.tolist() == [BEGAN, BEGAN + DAY_MS, BEGAN + DAY_MS, BEGAN + DAY_MS + 1]


@settings(max_examples=25)
@given(st.lists(st.integers(1, 60).map(str), min_size=1, max_size=20))
def test_the_drawdown_is_the_worst_of_all_pairs(equities: list[str]) -> None:
    values = list(map(D, equities))
    worst = max(1 - later / earlier for number, earlier in enumerate(values) for later in values[number:])
    assert judged(equities_of(*equities)).drawdown.pct == pytest.approx(float(worst * 100))


# Results


@pytest.mark.parametrize(("count", "too_few"), [(29, True), (30, False)])
def test_under_thirty_results_are_too_few_to_judge(count: int, too_few: bool) -> None:
    assert judged(record_of(trades_of(["1"] * count))).too_few is too_few


def test_without_losses_there_is_no_profit_factor_and_no_payoff() -> None:
    results = judged(record_of(trades_of(["1", "2"]))).results
    assert (results.profit_factor, results.payoff) == (None, None)
    assert results.win_rate == 1


def test_without_wins_the_profit_factor_is_nought_and_known() -> None:
    results = judged(record_of(trades_of(["-1", "-2"]))).results
    assert (results.profit_factor, results.payoff) == (0, None)


def test_a_result_of_nothing_is_neither_won_nor_lost() -> None:
    results = judged(record_of(trades_of(["0", "5", "-1"]))).results
    assert (results.count, results.wins, results.losses) == (3, 1, 1)
    assert results.win_rate == pytest.approx(1 / 3)


@pytest.mark.parametrize("results", [["4"], ["4", "4", "4"]])
def test_results_that_do_not_differ_have_no_sqn(results: list[str]) -> None:
    assert judged(record_of(trades_of(results))).results.sqn is None


def test_an_open_deal_is_not_judged() -> None:
    fills = [*trades_of(["10"]), bought("2", "100", BEGAN + DAY_MS), sold("1", "90", BEGAN + DAY_MS + 1)]
    found = judged(record_of(fills))
    assert (found.closed_deals, found.results.count, found.results.losses) == (1, 1, 0)
    assert found.net_profit == D(-10)


def test_a_grid_is_judged_by_its_sells_and_has_no_deals() -> None:
    fills = [*trades_of(["10"]), bought("2", "100", BEGAN + DAY_MS), sold("1", "90", BEGAN + DAY_MS + 1)]
    found = statistics_of(record_of(fills), by_deals=False)
    assert (found.results.count, found.results.wins, found.results.losses) == (2, 1, 1)
    assert (found.closed_deals, found.mean_deal_ms) == (None, None)


def test_a_record_without_fills_knows_only_that_nothing_happened() -> None:
    found = judged(record_of([], until=BEGAN + 40 * DAY_MS))
    results = found.results
    assert (found.net_profit, found.turnover, found.fees) == (ZERO, ZERO, ZERO)
    assert found.trades == 0
    assert (results.win_rate, results.win_rate_low, results.win_rate_high) == (None, None, None)
    assert (results.expectancy, results.best, results.worst) == (None, None, None)
    assert (found.sharpe, found.sortino, found.calmar, found.mean_deal_ms) == (None, None, None, None)
    assert (found.cagr_pct, found.exposure_pct) == (0, 0)


def test_exposure_is_the_share_of_the_time_in_a_position() -> None:
    record = replace(record_of(trades_of(["1"])), exposed_ms=6 * HOUR_MS)
    assert judged(record).exposure_pct == 25


@pytest.mark.parametrize(
    ("wins", "count", "low", "high"),
    [(0, 10, 0, 0.2775), (10, 10, 0.7225, 1), (5, 10, 0.2366, 0.7634), (600, 1000, 0.5693, 0.6299)],
)
def test_wilson_stays_between_nought_and_one(wins: int, count: int, low: float, high: float) -> None:
    assert wilson(wins, count) == pytest.approx((low, high), abs=5e-5)


# Money


def test_fees_in_any_currency_are_told_in_quote() -> None:
    fills = [
        bought("1", "200", BEGAN + 1, fee_base=D("0.01")),
        sold("0.5", "300", BEGAN + 2, fee_quote=D("0.3")),
        sold("0.49", "300", BEGAN + 3, fee_other=D("0.07")),
    ]
    assert judged(record_of(fills)).fees == D("2.37")


def test_sums_keep_the_digits_that_a_float_would_lose() -> None:
    fills = [
        bought("12.34567891", "58120.37", BEGAN + 1, fee_quote=D("0.000000000000000001")),
        bought("0.00000001", "58120.37", BEGAN + 2, fee_quote=D(100)),
    ]
    found = judged(record_of(fills, cash="1000000"))
    assert found.turnover == D("717535.4261503967") + D("0.0005812037")
    assert found.fees == D("100.000000000000000001")


prices = st.decimals(min_value="0.01", max_value="5000", places=2)
amounts = st.decimals(min_value="0.00001", max_value="10", places=5)
deals = st.lists(st.tuples(amounts, prices, prices, prices), min_size=1, max_size=4)


@settings(max_examples=25)
@given(deals)
def test_results_of_a_flat_record_are_its_net_profit_to_the_last_digit(rows: Any) -> None:
    record = flat_record(rows)
    for by_deals in (True, False):
        found = statistics_of(record, by_deals=by_deals)
        assert found.results.gross_profit - found.results.gross_loss == found.net_profit
    assert sum(record.pnls) == found.net_profit


@settings(max_examples=25)
@given(deals)
def test_no_number_stands_for_what_is_not_known(rows: Any) -> None:
    def numbers(value: Any) -> list[float]:
        if is_dataclass(value):
            return [number for part in fields(value) for number in numbers(getattr(value, part.name))]
        return [] if value is None else [float(value)]

    found = numbers(statistics_of(flat_record(rows), by_deals=True))
    assert len(found) > 20
    assert all(map(math.isfinite, found))


@settings(max_examples=25)
@given(deals)
def test_the_path_of_equity_never_goes_back_in_time(rows: Any) -> None:
    record = flat_record(rows)
    path = equity_path(record)
    assert all(before <= after for before, after in pairwise(path.at.tolist()))
    assert len(path.equities) == len(path.kinds) == len(record.fills) + len(record.daily) + 2
    assert [path.equities[row] for row in (path.kinds == 2).nonzero()[0]] == record.equities
