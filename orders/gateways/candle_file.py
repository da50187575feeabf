"""Candles from a CSV or CSV.gz file: `timestamp,open,high,low,close,volume`, ms UTC, oldest first.

The numbers are read all at once; a file that is wrong is refused with the rows that make it so,
and only then walked row by row. Rows are named by their line in the file: the header is line 1.
"""

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bots.strategies.base import Candles
from tradingbot.clock import TIMEFRAMES_S

COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")
HEADER = ",".join(COLUMNS)
FIRST_ROW = 2
ROWS_NAMED_MAX = 10
CANDLES_MAX = 20_000_000
FILE_BYTES_MAX = 2 * 1024**3
PRICE_MIN, PRICE_MAX = 1e-12, 1e15
AT_MS_MAX = 2**53
# A market stands at the same prices again and again, and a close is most often the next open.
PRICES_KEPT_MAX = 8192

_TIMEFRAMES = {seconds * 1000: name for name, seconds in TIMEFRAMES_S.items()}

Rows = NDArray[np.intp]
Columns = NDArray[np.float64]


class CandlesRefused(Exception):
    """The file cannot be used: one sentence, and the lines of up to ten rows that make it so."""

    def __init__(self, reason: str, rows: tuple[int, ...] = (), count: int = 0) -> None:
        super().__init__(f"{_named(rows, count)}{reason}")
        self.reason, self.rows, self.count = reason, rows, count


@dataclass(frozen=True, slots=True)
class Gap:
    """No candle from `start` to `end`, both open times in ms UTC and both missing."""

    start: int
    end: int
    missing: int


@dataclass(frozen=True, slots=True)
class CandleFile:
    """What a file held. `gaps` are those of the file, `filled` how many candles were put into them."""

    candles: Candles
    timeframe: str
    gaps: tuple[Gap, ...]
    filled: int = 0


@lru_cache(maxsize=PRICES_KEPT_MAX)
def exact(price: float) -> Decimal:
    """The decimal as it was written: the shortest one that reads back as this float64."""
    return Decimal(repr(float(price)))


def read_candles(path: Path, *, fill_gaps: bool = False) -> CandleFile:
    """The candles of a file; raises `CandlesRefused`.

    The timeframe is the smallest step between two rows. With `fill_gaps` missing candles become flat
    ones of volume 0 at the last close.
    """
    body = _body(path)
    table = _table(body)
    for reason, wrong in _faults(table):
        if wrong.any():
            raise _refusal(reason, np.flatnonzero(wrong))
    candles = _candles(table)
    step = _step(candles.at)
    gaps = gaps_in(candles.at, step)
    missing = sum(gap.missing for gap in gaps)
    if not (fill_gaps and gaps):
        return CandleFile(candles, _TIMEFRAMES[step], gaps)
    if len(candles) + missing > CANDLES_MAX:
        raise CandlesRefused(f"The gaps hold {missing:,} candles, more than can be filled: split the file.")
    return CandleFile(filled_up(candles, step), _TIMEFRAMES[step], gaps, filled=missing)


def _named(rows: tuple[int, ...], count: int) -> str:
    if not rows:
        return ""
    more = f" and {count - len(rows):,} more" if count > len(rows) else ""
    return f"{'Row' if count == 1 else 'Rows'} {', '.join(map(str, rows))}{more}: "


def _refusal(reason: str, rows: Rows) -> CandlesRefused:
    return CandlesRefused(reason, tuple(int(row) + FIRST_ROW for row in rows[:ROWS_NAMED_MAX]), len(rows))


def _body(path: Path) -> bytes:
    """The rows as bytes, without the header and the last line's end."""
    header, _, body = _text(path).partition(b"\n")
    named = header.decode("utf-8", "replace").strip()
    if named != HEADER:
        raise CandlesRefused(f"The first line must be {HEADER}, it is {named[:80]!r}.")
    body = body.rstrip()
    if not body:
        raise CandlesRefused("The file has no candles.")
    return body


def _text(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            whole: Any = gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file
            text: bytes = whole.read(FILE_BYTES_MAX + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise CandlesRefused(f"{path.name} is not a whole gzip file.") from None
    except OSError as fault:
        raise CandlesRefused(f"{path} cannot be read: {fault.strerror or fault}.") from None
    if len(text) > FILE_BYTES_MAX:
        raise CandlesRefused(f"{path.name} holds more than {FILE_BYTES_MAX // 1024**3} GiB: split it.")
    return text


def _table(body: bytes) -> Columns:
    """All rows as float64, one row of six a line."""
    lines = body.count(b"\n") + 1
    if lines > CANDLES_MAX:
        raise CandlesRefused(f"The file has {lines:,} rows, more than {CANDLES_MAX:,}: split it.")
    try:
        table = np.loadtxt(io.BytesIO(body), delimiter=",", comments=None, ndmin=2)
    except ValueError:
        raise _unreadable(body) from None
    if table.shape != (lines, len(COLUMNS)):
        raise _unreadable(body)
    return table


def _unreadable(body: bytes) -> CandlesRefused:
    wrong = [index for index, line in enumerate(body.split(b"\n")) if not _is_row(line)]
    return _refusal("each row must hold six numbers.", np.array(wrong))


def _is_row(line: bytes) -> bool:
    try:
        return len([float(cell) for cell in line.split(b",")]) == len(COLUMNS) and b"_" not in line
    except ValueError:
        return False


def _faults(table: Columns) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Each rule with the rows that break it, the plainest rule first."""
    columns: list[Columns] = list(table.T)
    at, opened, high, low, close, volume = columns
    yield "a value is not a finite number.", np.logical_or.reduce(~np.isfinite(columns))
    yield "the timestamp must be whole milliseconds since 1970.", (at < 0) | (at > AT_MS_MAX) | (at % 1 != 0)
    yield "the timestamp was there before.", _repeated(at)
    yield "the rows must be sorted by timestamp, oldest first.", np.diff(at, prepend=-1) <= 0
    yield from price_faults(opened, high, low, close, volume)


def price_faults(
    opened: Columns, high: Columns, low: Columns, close: Columns, volume: Columns
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """What no candle can be: each rule with the rows of these finite columns that break it."""
    lowest: Columns = np.minimum.reduce([opened, high, low, close])
    highest: Columns = np.maximum.reduce([opened, high, low, close])
    yield "a price must be above zero.", lowest <= 0
    bounds = f"a price must be between {PRICE_MIN:g} and {PRICE_MAX:g}."
    yield bounds, (lowest < PRICE_MIN) | (highest > PRICE_MAX)
    yield "the high is below the low.", high < low
    yield "the open is not between low and high.", (opened < low) | (opened > high)
    yield "the close is not between low and high.", (close < low) | (close > high)
    yield "the volume is negative.", volume < 0


def _repeated(at: NDArray[np.float64]) -> NDArray[np.bool_]:
    wrong = np.zeros(len(at), dtype=np.bool_)
    if (np.diff(at) <= 0).any():
        wrong[:] = True
        wrong[np.unique(at, return_index=True)[1]] = False
    return wrong


def _candles(table: Columns) -> Candles:
    columns = np.ascontiguousarray(table.T)
    return Candles(
        at=columns[0].astype(np.int64),
        open=columns[1],
        high=columns[2],
        low=columns[3],
        close=columns[4],
        volume=columns[5],
    )


def _step(at: NDArray[np.int64]) -> int:
    """The timeframe in ms. Where the smallest step is none, the usual one tells which rows are off."""
    if len(at) == 1:
        raise CandlesRefused("A single candle does not tell its timeframe: the file needs at least two.")
    steps, counts = np.unique(np.diff(at), return_counts=True)
    smallest, usual = int(steps[0]), int(steps[counts.argmax()])
    step = smallest if smallest in _TIMEFRAMES else usual
    if step not in _TIMEFRAMES:
        raise CandlesRefused(
            f"The rows are {smallest / 1000:g} s apart, which is no timeframe: "
            f"timestamps are in milliseconds and a timeframe is one of {', '.join(TIMEFRAMES_S)}."
        )
    off = np.flatnonzero(at % step)
    if len(off):
        raise _refusal(f"the timestamp is not the start of a {_TIMEFRAMES[step]} candle.", off)
    return step


def gaps_in(at: NDArray[np.int64], step: int) -> tuple[Gap, ...]:
    """Where open times that rise leave out some; `step` in ms."""
    before = np.flatnonzero(np.diff(at) > step)
    starts, ends = at[before] + step, at[before + 1] - step
    return tuple(
        Gap(start, end, (end - start) // step + 1)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    )


def filled_up(candles: Candles, step: int, until: int | None = None) -> Candles:
    """Flat candles of volume 0 at the last close wherever one is missing, and on to `until` if that is
    given; in ms."""
    end = candles.at[-1] + step if until is None else until
    at = np.arange(candles.at[0], end, step, dtype=np.int64)
    index = np.searchsorted(candles.at, at, side="right") - 1
    there = candles.at[index] == at
    close = candles.close[index]
    return Candles(
        at=at,
        open=np.where(there, candles.open[index], close),
        high=np.where(there, candles.high[index], close),
        low=np.where(there, candles.low[index], close),
        close=close,
        volume=np.where(there, candles.volume[index], 0.0),
    )
