"""Fails when the last run skipped a test for a reason that `.ci/allowed-skips.txt` does not list.

A line of that file is the beginning of a reason, ` # `, and why it may be skipped in CI.
"""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def allowed_reasons(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    for line in lines:
        if " # " not in line:
            raise SystemExit(f".ci/allowed-skips.txt: no reason is given after ' # ' in: {line}")
    return [line.split(" # ")[0].strip() for line in lines]


def skips(report: Path) -> list[tuple[str, str]]:
    """Name and reason of each skipped test."""
    found = []
    for case in ElementTree.parse(report).getroot().iter("testcase"):  # noqa: S314 - pytest wrote it just now
        found += [
            (f"{case.get('classname')}::{case.get('name')}", one.get("message", ""))
            for one in case.iter("skipped")
        ]
    return found


def main() -> None:
    reports = sorted((ROOT / "var" / "reports").glob("*.xml"))
    if [report.stem for report in reports] != ["postgres", "sqlite"]:
        raise SystemExit(f"expected a report for each database, found {[report.name for report in reports]}")
    allowed = allowed_reasons((ROOT / ".ci" / "allowed-skips.txt").read_text())
    found = [skip for report in reports for skip in skips(report)]
    refused = [
        f"{name}: {reason}" for name, reason in found if not any(reason.startswith(one) for one in allowed)
    ]
    print(f"{len(found)} skipped, {len(refused)} of them not allowed")
    print("\n".join(refused))
    sys.exit(1 if refused else 0)


if __name__ == "__main__":
    main()
