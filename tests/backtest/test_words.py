"""The report as a trader reads it: units everywhere, and a reason where a number is missing."""

from typing import Any

import pytest

from bots.backtest.record import Record
from bots.backtest.statistics import statistics_of
from bots.backtest.words import About, money_words, pct_words, price_words, report_of, span_words
from bots.backtest.yardsticks import yardsticks_of
from bots.strategies.limits import DAY_MS, HOUR_MS
from orders.accounting import Position
from tests.backtest.records import BEGAN, V_MET_1, D, bought, candles_of, market, record_of, trades_of


def report(record: Record, *, by_deals: bool = True, **about: Any) -> str:
    days = (record.until - record.since) // DAY_MS
    stakes = yardsticks_of(record, candles_of([(100, 100)] * (days - 1) + [(100, 107)]))
    told = About("DCA", "1d", Position().after_all(record.fills), **about)
    return report_of(record, statistics_of(record, by_deals=by_deals), stakes, told)


def line(text: str, label: str) -> str:
    """What the one line with this label says behind it."""
    (found,) = [row.strip() for row in text.splitlines() if row.strip().startswith(label)]
    return found.removeprefix(label).strip()


def block(text: str, title: str) -> str:
    (found,) = [part for part in text.split("\n\n") if part.splitlines()[0] == title]
    return found


def test_the_first_lines_say_what_was_run_and_when() -> None:
    lines = report(record_of(trades_of(V_MET_1))).splitlines()
    assert lines[0] == "DCA backtest of BTC/USDT on paper, candles of 1d"
    assert lines[1] == "2025-01-01 00:00 to 2025-01-06 00:00 UTC, 5 days"


def test_the_result_stands_beside_hold_and_even_dca() -> None:
    text = report(record_of(trades_of(V_MET_1)))
    compared = text[text.index("Result ") :].split("\n\n")[0].splitlines()
    assert compared[:5] == [
        "Result               This bot    Buy and hold        Even DCA",
        "End equity      1,015.00 USDT   1,070.00 USDT   1,070.00 USDT",
        "Net profit        +15.00 USDT     +70.00 USDT     +70.00 USDT",
        "Return                +1.50 %         +7.00 %         +7.00 %",
        "Max drawdown           0.50 %          0.00 %          0.00 %",
    ]
    assert "1,000.00 USDT" in compared[5]


def test_deals_are_told_with_their_units() -> None:
    text = block(report(record_of(trades_of(V_MET_1))), "Deals")
    assert line(text, "Won / lost") == "3 / 2"
    assert line(text, "Win rate") == "60.0 % (95 % sure: between 23.1 % and 88.2 %)"
    assert line(text, "Expectancy") == "+3.00 USDT a deal"
    assert line(text, "Best / worst") == "+10.00 USDT / -5.00 USDT"
    assert line(text, "Mean duration") == "1 h"


def test_the_drawdown_is_told_with_its_time() -> None:
    text = block(report(record_of(trades_of(V_MET_1))), "Risk")
    assert "0.50 %, 5.00 USDT\n                2025-01-02 01:00 to 2025-01-02 02:00 UTC" in text


def test_what_is_not_known_says_why() -> None:
    text = report(record_of(trades_of(["1", "2"])))
    assert line(text, "Profit factor") == "– (nothing was lost)"
    assert line(text, "CAGR") == "– (needs 30 days)"
    assert "nan" not in text.lower()
    assert "none" not in block(text, "Deals").lower()


def test_too_few_to_judge_is_said_before_the_numbers() -> None:
    text = report(record_of(trades_of(V_MET_1)))
    assert "Too few to judge: 5 closed deals" in text[: text.index("Result ")]
    assert "Too few" not in report(record_of(trades_of(["1"] * 30)))


def test_a_grid_tells_of_sells_and_not_of_deals() -> None:
    text = report(record_of(trades_of(V_MET_1)), by_deals=False)
    assert "Too few to judge: 5 sells" in text
    assert line(text, "Expectancy") == "+3.00 USDT a sell"
    assert "deal" not in text


def test_the_open_position_and_its_deal_are_told() -> None:
    record = record_of([*trades_of(["10"]), bought("0.5", "107", BEGAN + 30 * HOUR_MS)])
    end = block(report(record), "At the end")
    assert line(end, "Realised") == "+10.00 USDT"
    assert line(end, "Position") == "0.5 BTC at an average of 107.00 USDT"
    assert line(end, "Unrealised") == "+0.00 USDT"
    assert line(end, "Open deal") == "no. 2 since 2025-01-02 06:00 UTC, realised +0.00 USDT"


def test_a_flat_end_has_no_position() -> None:
    end = block(report(record_of(trades_of(["10"]))), "At the end")
    assert line(end, "Position") == "none"
    assert "Open deal" not in end
    assert "Unrealised" not in end


def test_settings_remarks_and_times_are_told() -> None:
    text = report(
        record_of(trades_of(["10"])),
        settings="take_profit_pct 1.5, " * 9 + "stop_loss_pct 2",
        remarks=["Results of spread_capture from candles are not reliable."],
        seconds={"read": 0.11, "run": 0.204},
    )
    assert "Settings: take_profit_pct 1.5" in text
    assert "\nResults of spread_capture from candles are not reliable.\n" in text
    assert text.endswith("\nTime taken: read 0.110 s, run 0.204 s, together 0.314 s")
    assert max(map(len, text.splitlines())) <= 100


def test_a_backtest_without_a_fill_has_a_report() -> None:
    text = report(record_of([], until=BEGAN + 40 * DAY_MS))
    assert line(text, "Closed deals") == "0"
    assert "Win rate" not in text
    assert line(block(text, "Risk"), "Max drawdown") == "none: equity never fell"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("1234567.891", "1,234,567.89 USDT"),
        ("-3", "-3.00 USDT"),
        ("0", "0.00 USDT"),
        ("-0E-18", "0.00 USDT"),
        ("0.5", "0.5000 USDT"),
        ("0.000012345678", "0.00001235 USDT"),
        ("1E+3", "1,000.00 USDT"),
        ("1E-18", "0.000000000000000001 USDT"),
    ],
)
def test_money_has_two_decimals_and_more_when_it_is_small(value: str, words: str) -> None:
    assert money_words(D(value), "USDT") == words


def test_gains_and_losses_carry_a_sign_and_nothing_is_minus_nought() -> None:
    assert money_words(D("2.5"), "USDT", signed=True) == "+2.50 USDT"
    assert pct_words(-0.001, signed=True) == "+0.00 %"
    assert pct_words(None) == "–"


@pytest.mark.parametrize(
    ("tick", "price", "words"),
    [
        ("0.01", "60000", "60,000.00 USDT"),
        ("0.025", "12.5", "12.500 USDT"),
        ("100", "60000", "60,000.00 USDT"),
    ],
)
def test_prices_have_the_decimals_of_the_tick(tick: str, price: str, words: str) -> None:
    assert price_words(D(price), market(tick=tick)) == words


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (999, "under 1 s"),
        (45_000, "45 s"),
        (2 * HOUR_MS + 300_000, "2 h 5 min"),
        (3 * DAY_MS + 300_000, "3 d"),
        (3 * DAY_MS + 4 * HOUR_MS + 300_000, "3 d 4 h"),
    ],
)
def test_spans_are_told_in_their_two_largest_units(ms: int, words: str) -> None:
    assert span_words(ms) == words
