"""What a bot was worth at each midnight, and how long it held coins: computed once, after the run."""

from bisect import bisect_left
from decimal import Decimal

import numpy as np

from bots.backtest.desk import Log
from bots.backtest.record import Mark
from bots.backtest.tape import Tape
from bots.strategies.limits import DAY_MS
from orders.accounting import product
from orders.matching import quote_around
from orders.rules import Market


def daily_marks(
    log: Log, tape: Tape, market: Market, *, spread_bps: Decimal, since: int, until: int
) -> list[Mark]:
    """Equity at each UTC midnight after `since` up to `until` (ms), marked to the bid of the last close
    before it."""
    midnights = np.arange((since // DAY_MS + 1) * DAY_MS, until + 1, DAY_MS)
    rows = np.searchsorted(tape.candles.at, midnights) - 1
    times = [row.fill.at for row in log.rows]
    marks = []
    for midnight, row in zip(midnights.tolist(), rows.tolist(), strict=True):
        bid = quote_around(tape.close(row), market, spread_bps, midnight).bid
        cash, amount = log.holding(bisect_left(times, midnight))
        marks.append(Mark(midnight, cash + product(amount, bid)))
    return marks


def exposure_ms(log: Log, *, since: int, until: int) -> int:
    """How long a position was held between `since` and `until` (ms)."""
    exposed, before, held = 0, since, log.holding(0)[1]
    for row in log.rows:
        if held:
            exposed += row.fill.at - before
        before, held = row.fill.at, row.position.amount
    return exposed + (until - before if held else 0)
