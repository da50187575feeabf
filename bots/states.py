"""The life of a backtest: one table of the moves that may happen."""

from enum import StrEnum


class BacktestStatus(StrEnum):
    """`refused` means that it could not be run as asked; `failed` that it should have run and did not."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"


S = BacktestStatus

MOVES: dict[BacktestStatus, frozenset[BacktestStatus]] = {
    S.QUEUED: frozenset({S.RUNNING, S.CANCELLED}),
    # A run that is begun again after its worker died stays RUNNING: only its lease changes hands.
    S.RUNNING: frozenset({S.DONE, S.REFUSED, S.FAILED, S.CANCELLED, S.TIMED_OUT}),
    S.DONE: frozenset(),
    S.REFUSED: frozenset(),
    S.FAILED: frozenset(),
    S.CANCELLED: frozenset(),
    S.TIMED_OUT: frozenset(),
}

UNFINISHED = frozenset({S.QUEUED, S.RUNNING})
FINISHED = frozenset(S) - UNFINISHED


def may_move(old: BacktestStatus, new: BacktestStatus) -> bool:
    return new in MOVES[old]
