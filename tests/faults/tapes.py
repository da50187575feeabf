"""Candle files for the process tests: a crash as it was recorded, and a made-up market."""

import csv
import gzip
import random
from collections.abc import Container
from pathlib import Path

from bots.strategies.base import Candles
from tests.processes import ROOT

HEADER = ("timestamp", "open", "high", "low", "close", "volume")
RECORDED = ROOT.parent / "shared" / "data" / "binance_BTCUSDT_1m_2024-07-26_2024-08-25.csv.gz"
CRASH_FROM_MS = 1_722_816_000_000  # 5 August 2024, 00:00 UTC
MINUTE_MS = 60_000
WALK_PRICE = 60_000
WALK_STEP = 0.0025
WALK_SEED = 7


def recorded_crash(path: Path, minutes: int) -> Path:
    """The first `minutes` of 5 August 2024, when BTC fell from 58,000 to 49,000 in hours."""
    end = CRASH_FROM_MS + minutes * MINUTE_MS
    with gzip.open(RECORDED, "rt", newline="") as source, path.open("w", newline="") as target:
        rows, writer = csv.reader(source), csv.writer(target)
        writer.writerow(next(rows))
        writer.writerows(row for row in rows if CRASH_FROM_MS <= int(row[0]) < end)
    return path


def walked(path: Path, minutes: int) -> Path:
    """`minutes` of a wild random walk, each time the same."""
    chance, price = random.Random(WALK_SEED), float(WALK_PRICE)
    with path.open("w", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(HEADER)
        for minute in range(minutes):
            opened, price = price, price * (1 + chance.gauss(0, WALK_STEP))
            wick = abs(chance.gauss(0, WALK_STEP / 2))
            high, low = max(opened, price) * (1 + wick), min(opened, price) * (1 - wick)
            row = (round(value, 2) for value in (opened, high, low, price))
            writer.writerow([CRASH_FROM_MS + minute * MINUTE_MS, *row, 1.5])
    return path


def written(path: Path, candles: Candles, *, without: Container[int] = ()) -> Path:
    """These candles as a file, but for the rows `without`."""
    columns = (candles.at, candles.open, candles.high, candles.low, candles.close, candles.volume)
    with path.open("w", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(HEADER)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        writer.writerows(row for number, row in enumerate(rows) if number not in without)
    return path


def reach(path: Path) -> tuple[str, str]:
    """The lowest and the highest price of a file."""
    with path.open(newline="") as source:
        rows = list(csv.DictReader(source))
    lowest, highest = min(float(row["low"]) for row in rows), max(float(row["high"]) for row in rows)
    return str(lowest), str(highest)
