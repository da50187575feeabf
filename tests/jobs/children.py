"""Children that stand in for the real one: small programs that answer as their names say."""

import json
import sys
from pathlib import Path
from typing import Any

from bots.jobs.child import Program

READS = "import json, sys, time, os; asked = json.loads(sys.stdin.readline())\n"
SAYS = "say = lambda **told: print(json.dumps(told), flush=True)\n"
READY = "say(ready=True)\n"


def result(**changes: Any) -> dict[str, Any]:
    """What a real child tells of a finished backtest, in short."""
    return {
        "ok": True,
        "start_equity": "1000",
        "end_equity": "1012.5",
        "statistics": {
            "by_deals": True,
            "too_few": True,
            "net_profit": "12.5",
            "net_profit_pct": 1.25,
            "drawdown": {"pct": 3.5, "quote": "35", "peak_at": None, "low_at": None},
            "results": {"count": 2, "wins": 1, "losses": 1, "win_rate": 0.5},
        },
        "benchmark": [
            {
                "name": "Buy and hold",
                "end_equity": "990",
                "profit": "-10",
                "profit_pct": -1.0,
                "max_drawdown_pct": 9.5,
            }
        ],
        "phases_s": {},
        "trades": [{"at": "2026-01-01T00:00:00.000Z", "slot": "line-1", "side": "buy", "price": "100"}],
        "deals": [
            {"number": 1, "opened_at": "2026-01-01T00:00:00.000Z", "closed_at": None, "pnl": "12.5"},
        ],
        "equity": [{"at": "2026-01-02T00:00:00.000Z", "equity": "1010"}],
    } | changes


def program(root: Path, *steps: str) -> Program:
    """A child that reads its request and then does `steps`."""
    (root / "child.py").write_text(READS + SAYS + READY + "\n".join(steps) + "\n")
    return Program((sys.executable, "-I", "-S", "child.py"), root, {})


def finishes(root: Path, **changes: Any) -> Program:
    return program(root, "say(id=1, progress=0.5)", f"say(id=1, result={result(**changes)!r})")


def refuses(root: Path) -> Program:
    wrong = [{"code": "warm_up", "field": "candles", "message": "Give more candles.", "fix": ""}]
    return program(root, f"say(id=1, refused={wrong!r})")


def gives_up(root: Path) -> Program:
    return program(root, "say(id=1, failed='BadPlan: a slot twice')")


def says(root: Path, line: str) -> Program:
    return program(root, f"sys.stdout.write({line!r}); sys.stdout.flush(); time.sleep(60)")


def crashes(root: Path, with_words: str = "boom") -> Program:
    return program(root, f"raise SystemExit({with_words!r})")


def hangs(root: Path) -> Program:
    """Says half of it is done, leaves its process id behind, and never ends by itself."""
    return program(
        root, "open('pid', 'w').write(str(os.getpid()))", "say(id=1, progress=0.5)", "time.sleep(600)"
    )


def never_starts(root: Path) -> Program:
    return Program((sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"), root, {})


def tells(told: dict[str, Any]) -> str:
    return json.dumps(told) + "\n"
