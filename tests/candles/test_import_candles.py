"""The import command: what it says, and that a refusal writes nothing."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from orders.gateways.candle_file import HEADER
from orders.gateways.candle_store import CandleStore

ROWS = [f"{minute * 60_000},10,12,9,11,3" for minute in (0, 1, 4)]


@pytest.fixture
def var(tmp_path: Path, settings: Settings) -> Path:
    settings.VAR_DIR = tmp_path / "var"
    return tmp_path / "var"


def file_of(folder: Path, rows: list[str]) -> Path:
    path = folder / "candles.csv"
    path.write_text("\n".join([HEADER, *rows]))
    return path


def imported(path: Path, *more: str, exchange: str = "binance") -> str:
    said = StringIO()
    call_command(
        "import_candles", str(path), "--exchange", exchange, "--ticker", "BTC/USDT", *more, stdout=said
    )
    return said.getvalue()


def test_it_says_what_it_imported_and_what_is_missing(tmp_path: Path, var: Path) -> None:
    said = imported(file_of(tmp_path, ROWS), "--timeframe", "1m")
    assert (
        "Imported 3 candles of 1m for BTC/USDT on binance, 1970-01-01 00:00 to 1970-01-01 00:04 UTC." in said
    )
    assert "1 gaps, 2 candles missing, left open" in said
    assert "1970-01-01 00:02 to 1970-01-01 00:03 UTC: 2 missing" in said
    assert [series.rows for series in CandleStore(var / "candles").series()] == [3]


def test_gaps_are_filled_only_when_asked(tmp_path: Path, var: Path) -> None:
    assert "filled with flat candles" in imported(file_of(tmp_path, ROWS), "--fill-gaps")
    assert [series.rows for series in CandleStore(var / "candles").series()] == [5]


@pytest.mark.parametrize(
    ("rows", "more", "exchange", "words"),
    [
        ([*ROWS, "300000,10,12,0,11,3"], [], "binance", "Row 5: a price must be above zero."),
        (ROWS, ["--timeframe", "5m"], "binance", "has candles of 1m, not of 5m"),
        (ROWS, [], "../up", "is not an exchange"),
    ],
)
def test_what_is_refused_leaves_nothing(
    tmp_path: Path, var: Path, rows: list[str], more: list[str], exchange: str, words: str
) -> None:
    with pytest.raises(CommandError, match="Nothing was imported") as refused:
        imported(file_of(tmp_path, rows), *more, exchange=exchange)
    assert words in str(refused.value)
    assert refused.value.returncode == 2
    assert not var.exists()
