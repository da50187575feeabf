"""Candles on disk: `root/<exchange>/<BASE-QUOTE>/<timeframe>/<YYYY-MM>.npy`, one file a month.

A month is an array of six rows (at, open, high, low, close, volume), so a column lies in one piece
and is read through a memory map. A file is replaced whole or not at all.
"""

import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bots.strategies.base import Candles
from tradingbot.clock import TIMEFRAMES_S

COLUMNS = ("at", "open", "high", "low", "close", "volume")
EXCHANGE = re.compile(r"[a-z0-9_-]{1,40}")
TICKER = re.compile(r"[A-Z0-9]{1,15}/[A-Z0-9]{1,15}")
MONTH = re.compile(r"\d{4}-\d{2}\.npy")

Table = NDArray[np.float64]


class WrongName(ValueError):
    """Not an exchange, a ticker or a timeframe; the text says what it should look like."""


class BrokenMonth(Exception):
    """A file of the store cannot be read; the text names it."""


@dataclass(frozen=True, slots=True)
class Series:
    """What the store holds of one market and timeframe; `first` and `last` are open times in ms UTC."""

    exchange: str
    ticker: str
    timeframe: str
    rows: int
    first: int
    last: int
    size_bytes: int


class CandleStore:
    """The candles under one directory. Of two that write the same month at once the later one stands."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, *, exchange: str, ticker: str, timeframe: str, candles: Candles) -> None:
        """Merge `candles`, which are sorted by time, into what is there: the newer row stands.

        Months are replaced one by one; after a crash between two, writing again completes it.
        """
        folder = self._folder(exchange, ticker, timeframe)
        _check(candles, timeframe)
        folder.mkdir(parents=True, exist_ok=True)
        months = [(folder / f"{month}.npy", part) for month, part in _by_month(_table(candles))]
        # All are merged before the first is replaced: a broken file stops it with nothing written.
        merged = [(path, _merged(_load(path), part) if path.exists() else part) for path, part in months]
        for path, table in merged:
            _replace(path, table)

    def read(
        self,
        *,
        exchange: str,
        ticker: str,
        timeframe: str,
        since: int | None = None,
        until: int | None = None,
    ) -> Candles:
        """Candles with `since` ≤ open time < `until` (ms UTC), oldest first; none is not an error."""
        folder = self._folder(exchange, ticker, timeframe)
        first = "" if since is None else f"{_month(since)}.npy"
        last = "9999-99" if until is None else f"{_month(until)}.npy"
        parts = [
            _between(_load(path), since, until) for path in _months(folder) if first <= path.name <= last
        ]
        if len(parts) == 1:
            return _candles(parts[0])
        return _candles(np.concatenate(parts, axis=1) if parts else np.empty((len(COLUMNS), 0)))

    def series(self) -> list[Series]:
        """Everything there is, in the order of the names."""
        found = (self._series(folder) for folder in sorted(self.root.glob("*/*/*")) if folder.is_dir())
        return [series for series in found if series]

    def of_market(self, *, exchange: str, ticker: str) -> list[Series]:
        """What there is of one market, in whichever timeframes."""
        folders = (self._folder(exchange, ticker, timeframe) for timeframe in TIMEFRAMES_S)
        found = (self._series(folder) for folder in folders if folder.is_dir())
        return [series for series in found if series]

    def stamp(self, *, exchange: str, ticker: str, timeframe: str) -> int:
        """Another number whenever a file of the series was written or deleted; 0 when there is none."""
        folder = self._folder(exchange, ticker, timeframe)
        return folder.stat().st_mtime_ns if folder.is_dir() else 0

    def delete(self, *, exchange: str, ticker: str, timeframe: str) -> int:
        """Forget one series; how many files that were."""
        folder = self._folder(exchange, ticker, timeframe)
        months = _months(folder)
        for path in months:
            path.unlink()
        for empty in (folder, folder.parent, folder.parent.parent):
            if not empty.is_dir() or any(empty.iterdir()):
                break
            empty.rmdir()
        return len(months)

    def _folder(self, exchange: str, ticker: str, timeframe: str) -> Path:
        if not EXCHANGE.fullmatch(exchange):
            raise WrongName(f"{exchange!r} is not an exchange: lower-case letters, digits and hyphens only.")
        if not TICKER.fullmatch(ticker):
            raise WrongName(f"{ticker!r} is not a ticker: write it like BTC/USDT.")
        if timeframe not in TIMEFRAMES_S:
            raise WrongName(f"{timeframe!r} is not a timeframe: use one of {', '.join(TIMEFRAMES_S)}.")
        return self.root / exchange / ticker.replace("/", "-") / timeframe

    def _series(self, folder: Path) -> Series | None:
        exchange, pair, timeframe = folder.relative_to(self.root).parts
        months = _months(folder)
        if not months:
            return None
        tables = [_load(path) for path in months]
        return Series(
            exchange=exchange,
            ticker=pair.replace("-", "/"),
            timeframe=timeframe,
            rows=sum(table.shape[1] for table in tables),
            first=int(_at(tables[0])[0]),
            last=int(_at(tables[-1])[-1]),
            size_bytes=sum(path.stat().st_size for path in months),
        )


def _check(candles: Candles, timeframe: str) -> None:
    step = TIMEFRAMES_S[timeframe] * 1000
    if (np.diff(candles.at) <= 0).any() or (candles.at % step).any():
        raise ValueError(f"candles of {timeframe} must be sorted, each at the start of its own {timeframe}")


def _table(candles: Candles) -> Table:
    return np.stack([candles.at.astype(np.float64), *(getattr(candles, name) for name in COLUMNS[1:])])


def _candles(table: Table) -> Candles:
    _, opened, high, low, close, volume = table
    return Candles(at=_at(table), open=opened, high=high, low=low, close=close, volume=volume)


def _at(table: Table) -> NDArray[np.int64]:
    """Open times; ms since 1970 are exact in a float64."""
    at: NDArray[np.int64] = table[0].astype(np.int64)
    return at


def _month(ms: int) -> str:
    return str(np.datetime64(ms, "ms").astype("datetime64[M]"))


def _by_month(table: Table) -> Iterator[tuple[str, Table]]:
    months = _at(table).astype("datetime64[ms]").astype("datetime64[M]")
    names, starts = np.unique(months, return_index=True)
    return zip(map(str, names), np.split(table, starts[1:], axis=1), strict=False)


def _merged(old: Table, new: Table) -> Table:
    both = np.concatenate([new, old], axis=1)
    _, first_of_each = np.unique(both[0], return_index=True)
    return both[:, first_of_each]


def _between(table: Table, since: int | None, until: int | None) -> Table:
    start = 0 if since is None else int(np.searchsorted(table[0], since))
    end = table.shape[1] if until is None else int(np.searchsorted(table[0], until))
    return table[:, start:end]


def _months(folder: Path) -> list[Path]:
    entries: Iterable[Path] = folder.iterdir() if folder.is_dir() else ()
    return sorted(path for path in entries if MONTH.fullmatch(path.name))


def _load(path: Path) -> Table:
    """A month through a memory map: what is not looked at is not read."""
    try:
        table: Table = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (ValueError, EOFError) as fault:
        raise BrokenMonth(
            f"{path} is not a whole file of candles ({fault}): delete it, import it again."
        ) from None
    if table.dtype != np.float64 or table.ndim != 2 or table.shape[0] != len(COLUMNS):
        raise BrokenMonth(f"{path} does not hold candles: delete it, import it again.")
    return table


def _replace(path: Path, table: Table) -> None:
    """Put `table` in the place of `path`; a reader or a crash sees the old file or the new one."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft-")
    try:
        with os.fdopen(handle, "wb") as file:
            np.save(file, np.ascontiguousarray(table), allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Make the new name survive a power cut, where a directory can be opened."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
