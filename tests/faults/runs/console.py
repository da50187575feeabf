"""Seeded random runs of live trading with faults: `python -m tests.faults --seeds 200 [--seed 17]`.

Each seed plays by itself on an empty database; the first that shows something wrong is printed with what was
done, and ends it with status 1.
"""

import argparse
import logging
import sys
import time
from collections import Counter

from django.core.management.color import no_style
from django.db import connection

from tests.exchange import Exchange
from tests.faults.runs.run import STEPS, Failed, run
from tests.faults.runs.stage import MarketTime

KEPT = frozenset({"django_migrations", "django_content_type", "auth_permission"})


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="the first")
    parser.add_argument("--steps", type=int, default=STEPS, help="of each run")
    parser.add_argument("--verbose", action="store_true", help="a line for each seed")
    return parser.parse_args()


def emptied() -> None:
    tables = [name for name in connection.introspection.table_names() if name not in KEPT]
    connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), tables))


def main() -> int:
    asked = arguments()
    # What a turn logs is heard by the run.
    logging.getLogger("bots").propagate = False
    connection.creation.create_test_db(verbosity=0, serialize=False)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            # Processes die here, never the machine.
            cursor.execute("PRAGMA synchronous=OFF")
    market_time, began = MarketTime(), time.monotonic()
    sums: Counter[str] = Counter()
    struck: Counter[str] = Counter()
    with Exchange.running(clock=market_time) as exchange:
        for seed in range(asked.seed, asked.seed + asked.seeds):
            emptied()
            try:
                told = run(seed, exchange, market_time, asked.steps)
            except Failed as failed:
                sys.stdout.write(f"{failed}\nseed {seed} failed\n")
                return 1
            sums.update(orders=told.orders, fills=told.fills, crashes=told.crashes, pauses=told.pauses)
            struck += told.struck
            if asked.verbose:
                sys.stdout.write(f"{seed}: {told}\n")
    took = time.monotonic() - began
    counts = ", ".join(f"{count:,} {noun}" for noun, count in sums.items())
    faults = ", ".join(f"{name} {count}" for name, count in sorted(struck.items()))
    sys.stdout.write(f"{asked.seeds} seeds in {took:.0f} s: {counts}; faults: {faults}\n")
    return 0
