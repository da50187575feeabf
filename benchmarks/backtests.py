"""`python -m benchmarks.backtests`: the five jobs on a year of minutes, beside the peers' figures."""

import resource
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import numpy as np

from benchmarks.jobs import JOBS, QUARTER, YEAR, Job, prepared, quarter, year
from bots.backtest.statistics import statistics_of
from bots.backtest.yardsticks import yardsticks_of
from bots.strategies.base import Candles
from bots.strategies.registry import BOT_TYPES
from orders.gateways.candle_store import CandleStore

RUNS = 5
MB = 1024
SERIES: dict[str, Any] = {"exchange": "bitfinex", "ticker": "BTC/USD", "timeframe": "1m"}
STATUS = Path("/proc/self/status")


def numpy_pass(candles: Candles) -> float:
    """CPU seconds of one pass over highs and lows: two compares."""
    took = []
    for _ in range(20):
        began = process_time()
        np.count_nonzero(candles.low < 250.0)
        np.count_nonzero(candles.high > 260.0)
        took.append(process_time() - began)
    return median(took)


def once(job: Job, candles: Candles, **changes: Any) -> tuple[float, int, int]:
    """CPU seconds with indicators, run and statistics; closed deals; fills."""
    began = process_time()
    run = prepared(job, candles, **changes)
    record = run.run()
    statistics_of(record, by_deals=BOT_TYPES[job.bot_type].deals)
    yardsticks_of(record, candles)
    took = process_time() - began
    return took, sum(deal.closed_at is not None for deal in record.deals), len(record.fills)


def peak_mb(number: int, store: Path) -> str:
    """The peak memory of a process that takes the year from a candle store and runs one job, once."""
    command = [sys.executable, "-m", "benchmarks.backtests", str(number), str(store)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def in_one_process(number: int, store: Path) -> None:
    once(JOBS[number], CandleStore(store).read(**SERIES))
    print(round(own_peak_kb() / MB))


def own_peak_kb() -> int:
    """Of this program alone: what `getrusage` tells a new process begins with its parent's peak."""
    if not STATUS.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return next(int(line.split()[1]) for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))


def main() -> None:
    if not YEAR.exists():
        print(f"{YEAR.name} is not there: nothing to measure.")
        return
    if len(sys.argv) > 1:
        in_one_process(int(sys.argv[1]), Path(sys.argv[2]))
        return
    candles = year()
    with TemporaryDirectory() as folder:
        CandleStore(Path(folder)).write(**SERIES, candles=candles)
        show_year(candles, Path(folder))
    if QUARTER.exists():
        show_quarter()


def show_year(candles: Candles, store: Path) -> None:
    unit, total = numpy_pass(candles), 0.0
    print(f"{len(candles):,} candles; a numpy pass over highs and lows {unit * 1000:.2f} ms; best of {RUNS}")
    print("job           deals   fills    CPU s   Mbars/s  × numpy  peer's s (its machine)   ratio  peak MB")
    for number, job in enumerate(JOBS):
        best, deals, fills = min(once(job, candles) for _ in range(RUNS))
        total += best
        bars, ratio = len(candles) / best / 1e6, job.peer_s / best
        print(
            f"{job.name:12} {deals:6,} {fills:7,} {best:8.3f} {bars:9.2f} {best / unit:8.0f}"
            f"  {job.peer_s:5.2f} {job.peer:16} {ratio:6.1f}  {peak_mb(number, store):>7}"
        )
    print(f"together {total:.3f} s")


def show_quarter() -> None:
    print("\nthe quarter:")
    small = quarter()
    for job in JOBS:
        grid = {"lower_price": "3.0", "upper_price": "4.2"} if job.bot_type == "grid" else {}
        best, deals, fills = min(once(job, small, tick="0.0001", **grid) for _ in range(RUNS))
        print(f"{job.name:12} {deals:6,} {fills:7,} {best:8.3f} s")


if __name__ == "__main__":
    main()
