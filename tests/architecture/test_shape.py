"""The shape of the code: imports point down, names come from the glossary, nothing grows too long."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "activity", "bots", "orders", "tradingbot")
FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 40
KNOWN_MODULES = frozenset(
    {
        "__init__",
        # models and what they hold
        *(
            "accounting",
            "apps",
            "clock",
            "db",
            "heard",
            "fees",
            "following",
            "journal",
            "booking",
            "keys",
            "late",
            "matching",
            "migrations",
            "missing",
            "models",
            "money",
            "queries",
        ),
        *("records", "recovery", "rules", "services", "states", "switches"),
        # faces
        *("admin", "api", "consumers", "forms", "management", "routing", "tasks", "telegram", "templatetags"),
        *("urls", "views"),
        # what a bot is made of, and where its orders go
        *("analytics", "backtest", "backtest_forms", "results"),
        *("engine", "equity", "fragments", "gateways", "invariants", "jobs", "previews", "strategies"),
        # the demo people and the candles they trade on
        *("candles", "demo", "markets"),
        # wiring
        *(
            "asgi",
            "celery",
            "channel_layer",
            "confirming",
            "embedded",
            "env",
            "installation",
            "lock",
            "logs",
            "parts",
            "settings",
        ),
        *("caching", "chimes", "counting", "live", "market_stream", "topology"),
    }
)
EMPTY_NOUNS = frozenset(
    {
        "manager",
        "helper",
        "helpers",
        "util",
        "utils",
        "processor",
        "handler",
        "data",
        "info",
        "common",
        "misc",
    }
)


def project_files() -> Iterator[Path]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def test_imports_point_down() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("app", APPS)
def test_every_module_has_a_known_name(app: str) -> None:
    names = {path.stem for path in (ROOT / app).glob("*.py")}
    names |= {path.parent.name for path in (ROOT / app).glob("*/*.py")}
    assert names - KNOWN_MODULES == set()


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = [str(path) for path in project_files() if EMPTY_NOUNS.intersection(path.stem.split("_"))]
    assert empty == []


def test_files_stay_short() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in project_files()}
    assert {name: length for name, length in lengths.items() if length > FILE_LINES_MAX} == {}


def test_functions_stay_short() -> None:
    long = []
    for path in project_files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length >= FUNCTION_LINES_MAX:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {length} lines")
    assert long == []
