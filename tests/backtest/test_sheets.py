"""The CSV files of a record: every digit, no exponent, whole or not at all."""

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.backtest.sheets import number_words, text_cell, write_sheets
from bots.strategies.limits import DAY_MS
from orders.records import replace
from tests.backtest.records import BEGAN, V_MET_1, D, bought, record_of, sold, trades_of


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_three_files_are_written_into_a_folder_that_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "results" / "first"
    written = write_sheets(record_of(trades_of(V_MET_1)), folder)
    assert [path.name for path in written] == ["trades.csv", "deals.csv", "equity.csv"]
    assert sorted(folder.iterdir()) == sorted(written)


def test_a_trade_is_told_with_every_digit(tmp_path: Path) -> None:
    fills = [
        bought("0.00000001", "58120.37", BEGAN + 1, fee_base=D("1E-11")),
        sold("0.00000000999", "60000", BEGAN + DAY_MS, fee_quote=D("0.000000599400000000")),
    ]
    trades, _, _ = write_sheets(record_of(fills), tmp_path)
    first, second = rows_of(trades)
    assert list(first.values()) == [
        *("1", "2025-01-01T00:00:00.001Z", "entry", "buy", "taker", "0.00000001", "58120.37"),
        *("0.0005812037", "0.00000000001", "0", "0", "0", first["equity USDT"]),
    ]
    assert (second["side"], second["liquidity"], second["fee USDT"]) == ("sell", "maker", "0.0000005994")
    assert first["equity USDT"].startswith("999.9999994187963")


def test_trades_add_up_to_the_profit(tmp_path: Path) -> None:
    record = record_of(trades_of(V_MET_1))
    trades, deals, _ = write_sheets(record, tmp_path)
    for path in (trades, deals):
        assert sum(D(row["pnl USDT"]) for row in rows_of(path)) == D(15)


def test_an_open_deal_has_no_end(tmp_path: Path) -> None:
    record = record_of([*trades_of(["10"]), bought("1", "100", BEGAN + DAY_MS)])
    _, deals, _ = write_sheets(record, tmp_path)
    closed, still_open = rows_of(deals)
    assert closed["closed"] == "2025-01-01T02:00:00.000Z"
    assert closed["duration s"] == "3600"
    assert (still_open["opened"], still_open["closed"]) == ("2025-01-02T00:00:00.000Z", "")
    assert still_open["duration s"] == ""


def test_equity_is_told_by_time_with_its_kind(tmp_path: Path) -> None:
    _, _, equity = write_sheets(record_of(trades_of(["10"])), tmp_path)
    assert [tuple(row.values()) for row in rows_of(equity)] == [
        ("2025-01-01T00:00:00.000Z", "start", "1000"),
        ("2025-01-01T01:00:00.000Z", "fill", "1000"),
        ("2025-01-01T02:00:00.000Z", "fill", "1010"),
        ("2025-01-02T00:00:00.000Z", "midnight", "1010"),
        ("2025-01-02T00:00:00.000Z", "end", "1010"),
    ]


def test_a_record_without_fills_has_files_with_headers(tmp_path: Path) -> None:
    trades, deals, equity = write_sheets(record_of([], until=BEGAN + DAY_MS), tmp_path)
    assert trades.read_text().startswith("number,time,slot,side,")
    assert rows_of(trades) == rows_of(deals) == []
    assert len(rows_of(equity)) == 3


def test_a_slot_that_looks_like_a_formula_stays_text(tmp_path: Path) -> None:
    fills = [replace(bought("1", "100", BEGAN), slot='=HYPERLINK("x","y")')]
    trades, _, _ = write_sheets(record_of(fills), tmp_path)
    assert rows_of(trades)[0]["slot"] == '\'=HYPERLINK("x","y")'


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", "\r=1"])
def test_what_could_begin_a_formula_is_escaped(text: str) -> None:
    assert text_cell(text) == "'" + text


def test_other_text_and_losses_are_left_alone(tmp_path: Path) -> None:
    assert text_cell("line-3") == "line-3"
    trades, _, _ = write_sheets(record_of(trades_of(["-5"])), tmp_path)
    assert rows_of(trades)[1]["pnl USDT"] == "-5"


def test_a_record_that_cannot_be_written_leaves_the_old_files(tmp_path: Path) -> None:
    write_sheets(record_of(trades_of(V_MET_1)), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    no_number: Any = "no number"
    broken = replace(record_of(trades_of(["1"])), end_equity=no_number)
    with pytest.raises(AttributeError):
        write_sheets(broken, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_new_files_stand_in_the_place_of_old_ones(tmp_path: Path) -> None:
    write_sheets(record_of(trades_of(V_MET_1)), tmp_path)
    trades, _, _ = write_sheets(record_of(trades_of(["1"])), tmp_path)
    assert len(rows_of(trades)) == 2
    assert len(list(tmp_path.iterdir())) == 3


@given(st.decimals(min_value="-1e20", max_value="1e20", places=18))
def test_a_number_has_no_exponent_and_reads_back_the_same(value: Decimal) -> None:
    words = number_words(value)
    assert set(words) <= set("-.0123456789")
    assert D(words) == value
