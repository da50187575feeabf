#!/usr/bin/env python3
"""Runs every test: `python3 test.py [--long] [anything pytest understands]`.

First on SQLite; then, where PostgreSQL is to be had, the tests that touch the database once more on it.
"""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Dict, Iterable, List, Sequence, Tuple

import start

REPORTS = start.ROOT / "var" / "reports"
NOTHING_COLLECTED = 5
WORKERS = ("-n", "2", "--dist", "loadfile")
ONE_PROCESS = ("-n", "-s", "--pdb", "--numprocesses", "--trace")


def pytest_words(given: Sequence[str]) -> List[str]:
    """Adds what a run has by default, unless the given words choose otherwise."""
    words = [word for word in given if word != "--long"]
    if "--long" not in given and not has(words, ("-m",)):
        words = ["-m", "not long", *words]
    if not has(words, ONE_PROCESS):
        words = [*WORKERS, *words]
    return words


def has(words: Sequence[str], options: Sequence[str]) -> bool:
    return any(
        word == option or word.startswith(option + "=") for word in words for option in options
    ) or any(word[:2] in options and word[2:].isdecimal() for word in words)


def run(python: Path, words: Sequence[str], name: str, changes: Dict[str, str]) -> int:
    report = REPORTS / (name + ".xml")
    command = [str(python), "-m", "pytest", f"--junit-xml={report}", *words]
    return subprocess.call(command, cwd=str(start.ROOT), env={**os.environ, **changes})


def counts(reports: Iterable[Path]) -> Tuple[int, int, int]:
    """Adds up passed, failed and skipped over the reports of all passes."""
    total = failed = skipped = 0
    for report in reports:
        for suite in ElementTree.parse(report).getroot().iter("testsuite"):  # noqa: S314 - pytest wrote it just now
            total += int(suite.get("tests", 0))
            failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            skipped += int(suite.get("skipped", 0))
    return total - failed - skipped, failed, skipped


def main() -> None:
    start.stop_at(start.python_fault(tuple(sys.version_info[:2])))
    start.stop_at(start.modules_fault(start.missing_modules()))
    python = start.prepare(start.VENV, start.ROOT / "requirements.txt")
    start.prepare(start.VENV, start.ROOT / "requirements-dev.txt")
    REPORTS.mkdir(parents=True, exist_ok=True)
    for old in REPORTS.glob("*.xml"):
        old.unlink()
    words = pytest_words(sys.argv[1:])
    asked = subprocess.run(
        [str(python), "-m", "tests.postgres"], cwd=str(start.ROOT), stdout=subprocess.PIPE, check=False
    )
    missing = asked.stdout.decode().strip() if asked.returncode else ""
    print("== The suite on SQLite ==")
    sys.stdout.flush()
    sqlite = {"TEST_DATABASE": "sqlite", "TEST_SECOND_PASS": missing or "follows"}
    statuses = [run(python, words, "sqlite", sqlite)]
    if missing:
        print(f"== Not run on PostgreSQL: {missing} ==")
    else:
        print("== What touches the database, again on PostgreSQL ==")
        sys.stdout.flush()
        statuses.append(run(python, words, "postgres", {"TEST_DATABASE": "postgres"}))
    passed, failed, skipped = counts(sorted(REPORTS.glob("*.xml")))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    # One pass may have nothing to run when single tests are named; both may not.
    ran = [status for status in statuses if status != NOTHING_COLLECTED]
    sys.exit(max(ran, key=abs) if ran else NOTHING_COLLECTED)


if __name__ == "__main__":
    main()
