"""Past candles page by page, from exchanges that keep few of them, skip some, or tell nonsense.

Nothing here asks by itself: `ask` does, for the page of rows that begins at an open time. Times are ms
UTC, open times unless told otherwise. It knows neither Django nor ccxt.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bots.strategies.base import Candles
from orders.gateways.candle_file import Gap, gaps_in, price_faults

COLUMNS = 6
# Pages that bring little are followed by more of them, up to so many times the full ones.
PAGES_SPARSE = 4
PAGES_SPARE = 100
UNREADABLE = "a value is not a finite number."
OFF_GRID = "the time is not the start of a candle."
TWICE = "the time was there before."
OUT_OF_ORDER = "the time is before that of the row above."

Times = NDArray[np.int64]
Table = NDArray[np.float64]
Ask = Callable[[int], Sequence[Any]]
NO_TIMES: Times = np.empty(0, dtype=np.int64)
NO_CANDLES = Candles(NO_TIMES, *(np.empty(0) for _ in range(COLUMNS - 1)))


class Endless(Exception):
    """There were more pages than the candles that were wanted can need."""


@dataclass(frozen=True, slots=True)
class Past:
    """How an exchange tells past candles: `page` at most at a time.

    `windowed`: an answer covers one page of time from its beginning, and may be empty though later ones are
    not; others go on to the next candles there are. `newest`: it has so many, the newest; None: all.
    """

    page: int
    windowed: bool = False
    newest: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Candles of `step` ms that open at `start` or later and before `end`; both are whole steps."""

    start: int
    end: int
    step: int


@dataclass(frozen=True, slots=True)
class Page:
    """What an answer brought: candles as wanted, oldest first, how many rows were rubbish and why, and
    whether all that it tells lies after what was wanted."""

    candles: Candles
    dropped: Counter[str]
    beyond: bool


def pages(
    ask: Ask, wanted: Wanted, past: Past, have: Times = NO_TIMES, skip: Callable[[int], int] = int
) -> Iterator[Page]:
    """Ask for what is wanted and not among the rising times of `have`, from the oldest on.

    After an empty window `skip` may name a later time before which there is nothing. Raises `Endless`.
    """
    full = (wanted.end - wanted.start) // (past.page * wanted.step)
    at = wanted.start
    for _ in range(PAGES_SPARE + PAGES_SPARSE * max(full, 0)):
        at = next_missing(have, at, wanted.step)
        if at >= wanted.end:
            return
        rows = ask(at)
        page = page_of(rows, replace(wanted, start=at))
        yield page
        if len(page.candles):
            at = int(page.candles.at[-1]) + wanted.step
        elif page.beyond or not (rows or past.windowed):
            return
        else:
            at = max(at + past.page * wanted.step, skip(at + past.page * wanted.step))
    if at < wanted.end:
        raise Endless("more pages than so many candles can need")


def page_of(rows: Sequence[Any], wanted: Wanted) -> Page:
    """The rows that are candles as wanted; what is not finished or older was not asked for, and is no
    rubbish. Of two rows for one time the first stands."""
    dropped: Counter[str] = Counter()
    table: Table = np.array([_numbers(row) for row in rows], dtype=np.float64).reshape(-1, COLUMNS)
    table = _without(table, np.logical_or.reduce(~np.isfinite(table.T)), UNREADABLE, dropped)
    beyond = bool(len(table)) and bool((table[:, 0] >= wanted.end).all())
    table = table[(table[:, 0] >= wanted.start) & (table[:, 0] < wanted.end)]
    table = _without(table, table[:, 0] % wanted.step != 0, OFF_GRID, dropped)
    broken = np.zeros(len(table), dtype=np.bool_)
    for reason, wrong in price_faults(*table[:, 1:].T):
        dropped[reason] += int((wrong & ~broken).sum())
        broken |= wrong
    return Page(_candles(_rising(table[~broken], dropped)), +dropped, beyond)


def next_missing(have: Times, at: int, step: int) -> int:
    """The first open time from `at` on that is not among the rising times of `have`."""
    later = have[int(np.searchsorted(have, at)) :]
    breaks = np.flatnonzero(later != at + step * np.arange(len(later)))
    return at + step * int(breaks[0] if len(breaks) else len(later))


def missing(have: Times, wanted: Wanted) -> tuple[Gap, ...]:
    """Where candles that are wanted are not among the rising times of `have`."""
    inside = have[(have >= wanted.start) & (have < wanted.end)]
    return gaps_in(np.concatenate([[wanted.start - wanted.step], inside, [wanted.end]]), wanted.step)


def joined(parts: Sequence[Candles]) -> Candles:
    """One after the other, as one."""
    names = ("at", "open", "high", "low", "close", "volume")
    every = [NO_CANDLES, *parts]
    return Candles(*(np.concatenate([getattr(part, name) for part in every]) for name in names))


def _numbers(row: Any) -> list[float]:
    """Six floats; all NaN where the row does not have them. A text is the number as it was written."""
    try:
        numbers = [float(cell) for cell in row[:COLUMNS]]
    except (TypeError, ValueError, OverflowError):
        numbers = []
    return numbers if len(numbers) == COLUMNS else [np.nan] * COLUMNS


def _without(table: Table, wrong: NDArray[np.bool_], reason: str, dropped: Counter[str]) -> Table:
    dropped[reason] += int(wrong.sum())
    return table[~wrong]


def _rising(table: Table, dropped: Counter[str]) -> Table:
    """Rows whose time is after that of all above them."""
    kept, seen, latest = list[int](), set[float](), -np.inf
    for place, at in enumerate(table[:, 0].tolist()):
        if at > latest:
            kept.append(place)
            latest = at
        else:
            dropped[TWICE if at in seen else OUT_OF_ORDER] += 1
        seen.add(at)
    return table[kept]


def _candles(table: Table) -> Candles:
    at, opened, high, low, close, volume = np.ascontiguousarray(table.T)
    return Candles(at.astype(np.int64), opened, high, low, close, volume)
