"""Every row of the fault matrix that concerns one installation is shown by a test that says so.

By its mark, `@pytest.mark.row(5)`, or by the number its name begins with, `test_5_and_6_...`. Row 28 is about
a standby server, and those from 60 on are not about trading.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ROWS = frozenset(range(1, 60)) - {28}
NUMBERED = re.compile(r"test_((?:\d+_and_)*\d+)_[a-z]")


def shown(path: Path) -> Iterator[int]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if numbered := NUMBERED.match(node.name):
                yield from map(int, numbered[1].split("_and_"))
            for decorator in node.decorator_list:
                yield from marked(decorator)
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            for one in ast.walk(node.value):
                yield from marked(one)


def marked(node: ast.AST) -> Iterator[int]:
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.row":
        yield from map(int, map(ast.unparse, node.args))


def test_every_row_is_shown_by_some_test() -> None:
    found = {row for path in sorted(TESTS.rglob("test_*.py")) for row in shown(path)}
    assert sorted(ROWS - found) == []


def test_no_mark_names_a_row_that_is_not_there() -> None:
    marks = {row for path in sorted(TESTS.rglob("test_*.py")) for row in shown(path)}
    assert sorted(marks - ROWS - {28, *range(60, 65)}) == []
