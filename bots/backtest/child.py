"""`python -m bots.backtest.child`: backtests in a process of their own, one request a line.

CPU-bound work in a thread would starve the pages, and a child can be killed. It reads lines of
`{"id", "request"}` (`rows` false: sums alone; `equities` true: with the equity at each UTC midnight)
and answers with lines of `{"id", "progress"}`, and at last one of `{"id", "result"}`,
`{"id", "refused"}` or `{"id", "failed"}`. It ends when its input does, and never touches the
database: only the parent writes.
"""

import json
import sys
from time import monotonic
from typing import Any, TextIO

from pydantic import ValidationError

from bots.backtest.decisions import NeverAtRest
from bots.backtest.outcome import outcome_of
from bots.backtest.request import BacktestRefused, read_request
from bots.backtest.run import TooManyEvents
from bots.backtest.told import plain, refused_of, told_of
from bots.strategies.difference import BadPlan

PROGRESS_EVERY_S = 0.25


class Progress:
    """Says the part done to the parent, a few times a second at most."""

    def __init__(self, out: TextIO, number: int) -> None:
        self._out, self._number, self._next_at = out, number, monotonic() + PROGRESS_EVERY_S

    def __call__(self, part: float) -> None:
        now = monotonic()
        if now >= self._next_at:
            self._next_at = now + PROGRESS_EVERY_S
            say(self._out, id=self._number, progress=round(part, 3))


def say(out: TextIO, **told: Any) -> None:
    out.write(json.dumps(told) + "\n")
    out.flush()


def answer(line: str, out: TextIO) -> None:
    asked = json.loads(line)
    number, rows = asked["id"], asked.get("rows", True)
    try:
        outcome = outcome_of(read_request(asked["request"]), Progress(out, number))
    except BacktestRefused as wrong:
        say(out, id=number, refused=refused_of(wrong.problems)["problems"])
    except (BadPlan, NeverAtRest, TooManyEvents, ValidationError) as fault:
        say(out, id=number, failed=f"{type(fault).__name__}: {fault}")
    else:
        told = told_of(outcome, rows=rows)
        if asked.get("equities", False):
            told["equities"] = [plain(mark.equity) for mark in outcome.record.daily]
        say(out, id=number, result=told)


def serve(lines: TextIO, out: TextIO) -> None:
    say(out, ready=True)
    for line in lines:
        answer(line, out)


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)
