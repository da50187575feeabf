"""Takes each safety line away once, in a copy of the project, and asks whether a test notices; then
turns each line around that makes a number right.

`python -m tests.faults.mutations` prints one line each and ends with 1 if any was not noticed. A
mutation whose text is gone stops it: whoever moves a safety line moves its mutation too.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.faults import exact_lines, safety_lines, stop_lines
from tests.faults.safety_lines import Edit, Mutation, Without
from tests.processes import ROOT, embedded, say
from tests.servers import child_environment

LEFT_OUT = (
    ".git",
    ".venv",
    "var",
    "node_modules",
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
    ".hypothesis",
)
TESTS_TIMEOUT_S = 240
# Each in a copy of its own.
AT_ONCE = 2
MUTATIONS = (*safety_lines.MUTATIONS, *exact_lines.MUTATIONS, *stop_lines.MUTATIONS)
REMOVAL = "0999_without_a_guard.py"


class Gone(Exception):
    """The text that a mutation changes is not there, or not once."""


def main() -> int:
    """Prints a line for each mutation; returns 1 if one was not noticed."""
    with tempfile.TemporaryDirectory(prefix="tradingbot-mutations-") as folder:
        copies = [Path(folder) / f"project-{number}" for number in range(AT_ONCE)]
        for copy in copies:
            shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
        sound, said = _tests_pass(copies[0], sorted({one.test for one in MUTATIONS}))
        if not sound:
            say(f"The tests fail before anything is taken away:\n{said}")
            return 1
        shares = [MUTATIONS[number::AT_ONCE] for number in range(AT_ONCE)]
        with ThreadPoolExecutor(AT_ONCE) as threads:
            survived = [one for missed in threads.map(_survivors, shares, copies) for one in missed]
    say(f"{len(MUTATIONS) - len(survived)} of {len(MUTATIONS)} caught")
    return 1 if survived else 0


def _survivors(share: Sequence[Mutation], copy: Path) -> list[Mutation]:
    return [one for one in share if not _is_caught(one, copy)]


def _is_caught(mutation: Mutation, copy: Path) -> bool:
    began = time.monotonic()
    with _applied(mutation, copy):
        passed, said = _tests_pass(copy, [mutation.test])
    say(f"{'NOT caught' if passed else 'caught'}: {mutation.name} ({time.monotonic() - began:.1f} s)")
    if not passed and ("error" in said or " failed" not in said):
        raise Gone(f"{mutation.name}: the test could not even run: {said}")
    return not passed


@contextmanager
def _applied(mutation: Mutation, copy: Path) -> Iterator[None]:
    before: dict[Path, str] = {}
    made: list[Path] = []
    try:
        for change in mutation.changes:
            if isinstance(change, Edit):
                path = copy / change.path
                before.setdefault(path, path.read_text())
                path.write_text(_edited(path.read_text(), change))
            else:
                made.append(_removal(change, copy))
        yield
    finally:
        for path, text in before.items():
            path.write_text(text)
        for path in made:
            path.unlink()


def _edited(text: str, change: Edit) -> str:
    found = text.count(change.old)
    if found != 1:
        raise Gone(f"{change.path} holds {found} times: {change.old!r}")
    return text.replace(change.old, change.new)


def _removal(change: Without, copy: Path) -> Path:
    """A migration after the last one that takes the constraints away."""
    folder = copy / change.app / "migrations"
    last = max(path.stem for path in folder.glob("[0-9]*.py"))
    removed = ", ".join(f"migrations.RemoveConstraint({change.model!r}, {name!r})" for name in change.names)
    path = folder / REMOVAL
    path.write_text(
        "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"
        f"    dependencies = [({change.app!r}, {last!r})]\n    operations = [{removed}]\n"
    )
    return path


def _tests_pass(copy: Path, tests: list[str]) -> tuple[bool, str]:
    """Whether they pass, and the last line of what pytest said."""
    # Two texts of one length within a second would look like one file to a compiled cache.
    quick = {"PYTHONDONTWRITEBYTECODE": "1", "DJANGO_SETTINGS_MODULE": "tests.settings"}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests],
        cwd=copy,
        env=child_environment(**embedded(), **quick),
        capture_output=True,
        text=True,
        timeout=TESTS_TIMEOUT_S,
        check=False,
    )
    lines = ran.stdout.strip().splitlines() or [ran.stderr.strip()]
    return ran.returncode == 0, lines[-1]


if __name__ == "__main__":
    sys.exit(main())
