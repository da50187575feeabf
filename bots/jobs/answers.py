"""What a child may say, one JSON object a line, and what each answer means for its backtest."""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bots.models import RowKind
from bots.models.backtest import PROGRESS_WHOLE
from bots.states import BacktestStatus

ROWS_PER_BLOCK = 500
SUMS_BYTES_MAX = 256 * 1024
PROBLEMS_MAX = 50
MESSAGE_MAX = 500
PACKING = 6


class Rubbish(Exception):
    """A line that is no answer; the text says why."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended: the status it leads to, and what is written with it.

    `blocks` are the rows of a result, packed: kind, number and gzip of a JSON list.
    """

    status: BacktestStatus
    why: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    blocks: Sequence[tuple[str, int, bytes]] = ()


def heard(line: bytes, number: int) -> Ending | int | None:
    """An end, a progress in thousandths, or None for a child that is ready. Raises `Rubbish`."""
    said = _object(line)
    if said == {"ready": True}:
        return None
    if said.get("id") != number:
        raise Rubbish(f"an answer to {said.get('id')!r}, which was not asked")
    if "progress" in said:
        return _progress(said["progress"])
    if "result" in said:
        return _done(said["result"])
    if "refused" in said:
        return _refused(said["refused"])
    if isinstance(said.get("failed"), str):
        return Ending(BacktestStatus.FAILED, said["failed"][:MESSAGE_MAX])
    raise Rubbish(f"an answer of {sorted(said)}")


def _object(line: bytes) -> dict[str, Any]:
    # PostgreSQL stores no NUL, and neither of the two databases a number that is none.
    if b"\\u0000" in line:
        raise Rubbish("a text with a NUL in it")
    try:
        said = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError) as fault:
        raise Rubbish(f"no JSON: {fault}") from None
    if not isinstance(said, dict):
        raise Rubbish(f"no object but {type(said).__name__}")
    return said


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _progress(part: Any) -> int:
    if isinstance(part, bool) or not isinstance(part, int | float) or not 0 <= part <= 1:
        raise Rubbish(f"a progress of {part!r}")
    return round(part * PROGRESS_WHOLE)


def _done(result: Any) -> Ending:
    if not isinstance(result, dict) or not isinstance(result.get("statistics"), dict):
        raise Rubbish("a result without statistics")
    rows = {kind: result.pop(kind, []) for kind in RowKind.values}
    for kind, found in rows.items():
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise Rubbish(f"{kind} that are no list of rows")
    if len(json.dumps(result)) > SUMS_BYTES_MAX:
        raise Rubbish("sums of a size that no backtest has")
    blocks = [block for kind, found in rows.items() for block in _packed(kind, found)]
    kept = {kind: len(found) for kind, found in rows.items()}
    fields = {"result": result, "rows_kept": kept, "progress": PROGRESS_WHOLE}
    return Ending(BacktestStatus.DONE, fields=fields, blocks=blocks)


def _packed(kind: str, rows: list[Any]) -> list[tuple[str, int, bytes]]:
    starts = range(0, len(rows), ROWS_PER_BLOCK)
    return [(kind, number, _pack(rows[at : at + ROWS_PER_BLOCK])) for number, at in enumerate(starts)]


def _pack(rows: list[Any]) -> bytes:
    return gzip.compress(json.dumps(rows, separators=(",", ":")).encode(), PACKING, mtime=0)


def _refused(problems: Any) -> Ending:
    if not isinstance(problems, list) or not all(isinstance(one, dict) for one in problems):
        raise Rubbish("problems that are no list")
    told = [
        {name: str(one.get(name, ""))[:MESSAGE_MAX] for name in ("code", "field", "message", "fix")}
        for one in problems[:PROBLEMS_MAX]
    ]
    why = " ".join(one["message"] for one in told)
    return Ending(BacktestStatus.REFUSED, why, {"problems": told})
