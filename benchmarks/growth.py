"""`python -m benchmarks.growth`: how a backtest's time grows with candles, and a grid's with its lines."""

from time import process_time
from typing import Any

import numpy as np

from benchmarks.jobs import JOBS, YEAR, Job, prepared, year
from bots.strategies.base import Candles
from bots.strategies.candles import part

SIZES = (50_000, 525_600, 5_000_000)
LINES = (10, 20, 50, 100, 200)
MINUTE_MS = 60_000


def stretched(candles: Candles, count: int) -> Candles:
    """The same prices over `count` minutes, each candle followed by flat ones: the same events."""
    rows = np.arange(count, dtype=np.int64) * len(candles) // count
    fresh = np.diff(rows, prepend=-1) > 0
    close = candles.close[rows]
    return Candles(
        at=candles.at[0] + np.arange(count, dtype=np.int64) * MINUTE_MS,
        open=np.where(fresh, candles.open[rows], close),
        high=np.where(fresh, candles.high[rows], close),
        low=np.where(fresh, candles.low[rows], close),
        close=close,
        volume=np.where(fresh, candles.volume[rows], 0.0),
    )


def timed(job: Job, candles: Candles, **changes: Any) -> tuple[float, int]:
    began = process_time()
    record = prepared(job, candles, **changes).run()
    return process_time() - began, len(record.fills)


def main() -> None:
    if not YEAR.exists():
        print(f"{YEAR.name} is not there: nothing to measure.")
        return
    candles = year()
    print("candles with the same prices stretched over them (best of 3):")
    for job in (JOBS[1], JOBS[2]):
        for size in SIZES:
            tape = part(candles, 0, size) if size < len(candles) else stretched(candles, size)
            best, fills = min(timed(job, tape) for _ in range(3))
            print(f"{job.name:12} {size:10,} candles {fills:6,} fills {best * 1000:9.1f} ms")
    print("\nlines of a grid on the year (best of 3):")
    for lines in LINES:
        best, fills = min(timed(JOBS[1], candles, lines=lines) for _ in range(3))
        print(f"{lines:4} lines {fills:6,} fills {best * 1000:9.1f} ms, {best / fills * 1e6:6.1f} µs a fill")


if __name__ == "__main__":
    main()
