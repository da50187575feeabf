"""Every environment variable is told in docs/operations.md, and kept away from the tests."""

import ast
from pathlib import Path

import pytest

from tests.servers import PROJECT_VARIABLES

ROOT = Path(__file__).resolve().parents[2]
# The settings, and the one process that begins without them. Both hand the environment to env's readers.
ENTRANCES = {"tradingbot/settings.py", "bots/backtest/__main__.py"}


def variables_read() -> set[str]:
    """The names handed to readers together with the environment."""
    names = set()
    for path in sorted({*(ROOT / "tradingbot").rglob("*.py"), *(ROOT / name for name in ENTRANCES)}):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and len(node.args) >= 2 and is_environment(node.args[0]):
                name = node.args[1]
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    names.add(name.value)
    return names


def is_environment(node: ast.expr) -> bool:
    return ast.unparse(node) in {"environ", "os.environ"}


def test_the_manual_tells_exactly_the_variables_that_are_read() -> None:
    rows = (ROOT / "docs" / "operations.md").read_text().split("## Every variable")[1].split("\n## ")[0]
    told = {line.split("`")[1] for line in rows.splitlines() if line.startswith("| `")}
    assert len(told) > 10
    assert told == variables_read()


def test_no_variable_of_a_developer_reaches_the_tests() -> None:
    assert set(PROJECT_VARIABLES) == variables_read()


def test_the_environment_is_read_where_a_process_begins() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for app in ("accounts", "activity", "bots", "orders", "tradingbot")
        for path in (ROOT / app).rglob("*.py")
        if "os.environ" in path.read_text().replace("os.environ.setdefault", "")
        or "getenv" in path.read_text()
    }
    assert readers == ENTRANCES


@pytest.mark.parametrize("name", sorted(ENTRANCES))
def test_the_environment_is_only_ever_handed_to_a_reader(name: str) -> None:
    """Never looked into: `os.environ` stands nowhere but as what a reader of env is given."""
    whole = ast.parse((ROOT / name).read_text())
    given = [node.args[0] for node in ast.walk(whole) if isinstance(node, ast.Call) and node.args]
    handed = [node for node in given if is_environment(node)]
    stands = [node for node in ast.walk(whole) if isinstance(node, ast.Attribute) and is_environment(node)]
    assert len(stands) == len(handed) > 0
