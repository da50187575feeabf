"""A backtest's record as CSV files, for a spreadsheet: trades, deals, equity."""

import csv
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np

from bots.backtest.record import Record
from bots.backtest.statistics import equity_path

TRADES, DEALS, EQUITY = "trades.csv", "deals.csv", "equity.csv"
KINDS = ("start", "midnight", "fill", "end")
# What a spreadsheet takes for the beginning of a formula (OWASP, "CSV Injection").
FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")

Cell = str | int
Rows = Iterable[Sequence[Cell]]


def write_sheets(record: Record, folder: Path) -> tuple[Path, ...]:
    """Write the record's three CSV files into `folder`, which is made, and return where they are.

    Amounts in base, money in quote, without an exponent; times in ISO 8601, UTC; what is not there
    is an empty cell. Each file is replaced whole or not at all, and none before all are written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sheets = {TRADES: _trades(record), DEALS: _deals(record), EQUITY: _equity(record)}
    drafts = {folder / name: folder / f".{name}.{secrets.token_hex(4)}.draft" for name in sheets}
    try:
        for draft, rows in zip(drafts.values(), sheets.values(), strict=True):
            _write(draft, rows)
        for path, draft in drafts.items():
            draft.replace(path)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
    return tuple(drafts)


def number_words(value: Decimal) -> str:
    """Every digit, no exponent and no zeros behind the last one that counts."""
    return f"{value.normalize():f}"


def text_cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe before what could begin one."""
    return f"'{text}" if text.startswith(FORMULA_BEGINS) else text


def _write(path: Path, rows: Rows) -> None:
    with path.open("x", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
        file.flush()
        os.fsync(file.fileno())


def _trades(record: Record) -> Iterator[Sequence[Cell]]:
    base, quote = record.market.base, record.market.quote
    yield (
        *("number", "time", "slot", "side", "liquidity", f"amount {base}", f"price {quote}"),
        *(f"value {quote}", f"fee {base}", f"fee {quote}", f"other fee in {quote}"),
        *(f"pnl {quote}", f"equity {quote}"),
    )
    times = _times([fill.at for fill in record.fills])
    columns = zip(times, record.fills, record.makers, record.pnls, record.equities, strict=True)
    for number, (at, fill, maker, pnl, equity) in enumerate(columns, 1):
        numbers = (fill.amount, fill.price, fill.value, fill.fee_base, fill.fee_quote, fill.fee_other)
        yield (
            *(number, at, text_cell(fill.slot), fill.side.value, "maker" if maker else "taker"),
            *map(number_words, (*numbers, pnl, equity)),
        )


def _deals(record: Record) -> Iterator[Sequence[Cell]]:
    yield "number", "opened", "closed", "duration s", f"pnl {record.market.quote}"
    opened = _times([deal.opened_at for deal in record.deals])
    closed = iter(_times([deal.closed_at for deal in record.deals if deal.closed_at is not None]))
    for deal, began in zip(record.deals, opened, strict=True):
        ended, lasted = "", ""
        if deal.closed_at is not None:
            ended, lasted = next(closed), number_words(Decimal(deal.closed_at - deal.opened_at) / 1000)
        yield deal.number, began, ended, lasted, number_words(deal.pnl)


def _equity(record: Record) -> Iterator[Sequence[Cell]]:
    path = equity_path(record)
    yield "time", "kind", f"equity {record.market.quote}"
    kinds = map(KINDS.__getitem__, path.kinds.tolist())
    yield from zip(_times(path.at.tolist()), kinds, map(number_words, path.equities), strict=True)


def _times(ms: Sequence[int]) -> list[str]:
    """ISO 8601 in UTC, with milliseconds, of market times in ms."""
    moments = np.array(ms, np.int64).astype("datetime64[ms]")
    words: list[str] = np.datetime_as_string(moments, unit="ms", timezone="UTC").tolist()
    return words
