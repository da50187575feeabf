"""Every environment variable is told in docs/operations.md, and kept away from the tests."""

import ast
from pathlib import Path

from tests.servers import PROJECT_VARIABLES

ROOT = Path(__file__).resolve().parents[2]


def variables_read() -> set[str]:
    """The names handed to readers together with the environment."""
    names = set()
    for path in sorted((ROOT / "tradingbot").rglob("*.py")):
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


def test_the_environment_is_read_in_one_place() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for app in ("accounts", "activity", "bots", "orders", "tradingbot")
        for path in (ROOT / app).rglob("*.py")
        if "os.environ" in path.read_text().replace("os.environ.setdefault", "")
        or "getenv" in path.read_text()
    }
    assert readers == {"tradingbot/settings.py"}
