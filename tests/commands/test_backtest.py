"""`manage.py backtest` at a terminal: reports, JSON, sheets, and one sentence for whatever is wrong."""

import csv
import io
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bots.backtest.command import main
from orders.gateways.candle_file import read_candles
from orders.gateways.candle_store import CandleStore
from tests.backtest.walks import BUSY, walk
from tests.faults.tapes import HEADER, written
from tests.processes import ROOT

GRID = ["--set", "investment=2000", "--set", "lower_price=57000", "--set", "upper_price=63000"]
FIELDS = {"code", "field", "message", "fix"}


class Run:
    """One call of the command: its exit status and what it printed."""

    def __init__(self, root: Path, *words: str) -> None:
        out, error = io.StringIO(), io.StringIO()
        try:
            self.status = main(words, root=root, out=out, error=error)
        except SystemExit as end:
            self.status = int(end.code or 0)
        self.out, self.error = out.getvalue(), error.getvalue()

    @property
    def told(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.out)
        return told


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path / "walk.csv", walk(1, 400))


def test_a_report_can_be_read(file: Path, tmp_path: Path) -> None:
    run = Run(tmp_path, "grid", "--candles", str(file), "--ticker", "BTC/USDT", *GRID)
    assert run.status == 0
    for word in ("BTC/USDT", "Buy and hold", "Even DCA", "Max drawdown", "Fees paid", "Time taken"):
        assert word in run.out


def test_json_holds_every_trade_as_decimal_strings_and_adds_up(file: Path, tmp_path: Path) -> None:
    run = Run(tmp_path, "grid", "--candles", str(file), "--ticker", "BTC/USDT", *GRID, "--json")
    told = run.told
    assert run.status == 0
    assert told["ok"] is True
    assert told["statistics"]["trades"] == len(told["trades"]) > 0
    profit = Decimal(told["end_equity"]) - Decimal(told["start_equity"])
    assert Decimal(told["statistics"]["net_profit"]) == profit
    fees = sum(Decimal(trade["fee_quote"]) for trade in told["trades"])
    assert Decimal(told["statistics"]["fees"]) == fees
    assert {one["name"] for one in told["benchmark"]} == {"Buy and hold", "Even DCA"}
    assert set(told["phases_s"]) == {"load and prepare", "run", "statistics"}


def test_sheets_are_written_on_demand(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    run = Run(tmp_path, "dca", "--candles", str(file), "--set", "investment=250", "--output", str(folder))
    assert run.status == 0
    assert {path.name for path in folder.iterdir()} == {"trades.csv", "deals.csv", "equity.csv"}
    with (folder / "trades.csv").open(newline="") as sheet:
        assert len(list(csv.DictReader(sheet))) > 0


def test_the_store_gives_the_same_as_the_file_and_its_past_warms_up(file: Path, tmp_path: Path) -> None:
    read = read_candles(file)
    store = CandleStore(tmp_path)
    store.write(exchange="simulated", ticker="BTC/USDT", timeframe="1m", candles=read.candles)
    of_store = ["--exchange", "simulated", "--ticker", "BTC/USDT", "--timeframe", "1m"]
    one = Run(tmp_path, "grid", "--candles", str(file), "--ticker", "BTC/USDT", *GRID, "--json").told
    other = Run(tmp_path, "grid", *of_store, *GRID, "--json").told
    assert one["trades"] == other["trades"]
    since = "2024-08-05T02:00"
    words = [f"--set={name}={json.dumps(value) if isinstance(value, list) else value}"
             for name, value in BUSY["momentum"].items()]  # fmt: skip
    late = Run(tmp_path, "momentum", *of_store, *words, "--since", since, "--json").told
    assert late["candles"]["since"] == "2024-08-05T02:00:00.000Z"
    assert late["trades"]


def test_settings_of_a_file_lie_under_those_of_the_command_line(file: Path, tmp_path: Path) -> None:
    chosen = tmp_path / "grid.json"
    chosen.write_text(json.dumps({"investment": 500, "lower_price": 57000, "upper_price": 63000}))
    words = ["grid", "--candles", str(file), "--settings", str(chosen), "--json"]
    assert Run(tmp_path, *words).told["start_equity"] == "500"
    assert Run(tmp_path, *words, "--set", "investment=900").told["start_equity"] == "900"


def test_fees_and_slippage_cost(file: Path, tmp_path: Path) -> None:
    words = ["dca", "--candles", str(file), "--set", "investment=250", "--json"]
    free = Decimal(Run(tmp_path, *words, "--fee-pct", "0").told["end_equity"])
    paid = Decimal(Run(tmp_path, *words, "--fee-pct", "0.2").told["end_equity"])
    slipped = Decimal(Run(tmp_path, *words, "--fee-pct", "0", "--slippage-pct", "0.2").told["end_equity"])
    assert free > paid
    assert free > slipped


def header_only(tmp_path: Path) -> list[str]:
    (tmp_path / "empty.csv").write_text(",".join(HEADER) + "\n")
    return ["--candles", str(tmp_path / "empty.csv")]


def with_nan(tmp_path: Path) -> list[str]:
    rows = [",".join(HEADER), "1722816000000,1,1,1,1,1", "1722816060000,nan,1,1,1,1"]
    (tmp_path / "nan.csv").write_text("\n".join(rows))
    return ["--candles", str(tmp_path / "nan.csv")]


def short(tmp_path: Path) -> list[str]:
    return ["--candles", str(written(tmp_path / "short.csv", walk(1, 30)))]


def whole(tmp_path: Path) -> list[str]:
    return ["--candles", str(written(tmp_path / "whole.csv", walk(1, 200)))]


def settings_file(text: str) -> Any:
    def made(tmp_path: Path) -> list[str]:
        (tmp_path / "settings.json").write_text(text)
        return [*whole(tmp_path), "--settings", str(tmp_path / "settings.json")]

    return made


SCALPER = ["--set", "investment=500", "--set", "entry=rsi"]
WRONG: list[tuple[str, Any, list[str], str]] = [
    ("grid", header_only, GRID, "has no candles"),
    ("grid", with_nan, GRID, "Row 3: a value is not a finite number"),
    ("grid", lambda tmp_path: ["--candles", str(tmp_path / "no.csv")], GRID, "cannot be read"),
    ("scalper", short, SCALPER, "need 420 closed candles of 1m to warm up, and there are 30"),
    ("grid", whole, [*GRID, "--timeframe", "5m"], "has candles of 1m, not of 5m"),
    ("dip", whole, ["--set", "investment=500", "--set", "timeframe=1h"], "to warm up"),
    ("grid", settings_file('{"investmnt": 5}'), GRID, "Did you mean investment?"),
    ("grid", settings_file("[1]"), GRID, "must hold one JSON object"),
    ("grid", settings_file("{"), GRID, "is not JSON"),
    ("dca", whole, [], "Investment is required"),
    ("grid", whole, [*GRID, "--since", "2030-01-01"], "no candles after --since"),
    ("grid", whole, [*GRID, "--ticker", "BTC"], "--ticker must read BASE/QUOTE"),
    ("grid", whole, [*GRID, "--tick", "0"], "--tick must be above 0"),
    ("grid", whole, [*GRID, "--exchange", "binance"], "not both"),
    ("grid", lambda tmp_path: [], GRID, "Give a file with --candles"),
    ("grid", lambda tmp_path: ["--exchange", "no", "--ticker", "BTC/USDT", "--timeframe", "1m"], GRID,
     "The store has no candles of BTC/USDT 1m on no"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("bot_type", "candles", "words", "sentence"), WRONG, ids=[case[-1][:40] for case in WRONG]
)
def test_bad_input_gets_one_sentence_and_exit_2_and_writes_nothing(
    bot_type: str, candles: Any, words: list[str], sentence: str, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    run = Run(tmp_path, bot_type, *candles(tmp_path), *words, "--output", str(output))
    assert run.status == 2
    assert sentence in run.error
    assert len(run.error.strip().splitlines()) == 1
    assert run.out == ""
    assert not output.exists()


def test_bad_input_as_json_names_field_and_fix(file: Path, tmp_path: Path) -> None:
    run = Run(tmp_path, "grid", "--candles", str(file), *GRID, "--set", "linse=9", "--json")
    assert run.status == 2
    assert run.told["ok"] is False
    [problem] = run.told["problems"]
    assert set(problem) == FIELDS
    assert (problem["field"], problem["fix"]) == ("linse", "lines")


@pytest.mark.parametrize("word", ["--since=soon", "--fee-pct=-1", "--set=lines", "--timeframe=7m"])
def test_a_word_that_cannot_be_read_names_its_option(word: str, file: Path, tmp_path: Path) -> None:
    assert Run(tmp_path, "grid", "--candles", str(file), *GRID, word).status == 2


def test_it_needs_no_django_and_manage_py_hands_it_on(file: Path, tmp_path: Path) -> None:
    """The bot's own --settings must not be taken for Django's."""
    chosen = tmp_path / "grid.json"
    chosen.write_text(json.dumps({"investment": 500, "lower_price": 57000, "upper_price": 63000}))
    words = ["backtest", "grid", "--candles", str(file), "--settings", str(chosen), "--json"]
    done = subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["start_equity"] == "500"
    listed = "import sys, bots.backtest.command; print('django' in sys.modules, 'ccxt' in sys.modules)"
    seen = subprocess.run(
        [sys.executable, "-c", listed], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert seen.stdout.split() == ["False", "False"]
