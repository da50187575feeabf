"""What a backtest leaves behind: fills, deals and equity, append-only, exact."""

from collections.abc import Sequence
from decimal import Decimal

from orders.accounting import Fill
from orders.records import Frozen
from orders.rules import Market


class Deal(Frozen):
    """From flat to flat. `pnl` is realised and net, in quote; `closed_at` None: still open at the end.
    Times in ms UTC."""

    number: int
    opened_at: int
    closed_at: int | None
    pnl: Decimal


class Mark(Frozen):
    """Equity in quote (cash, and the position marked to the bid) at market time `at`, ms UTC."""

    at: int
    equity: Decimal


class Record(Frozen):
    """One finished backtest. The four sequences about fills have one entry a fill, oldest first.

    `since` and `until` are the first candle's open and the last one's close in ms UTC; `start_equity`
    is the investment with any coins brought along, in quote, valued at the first price; `pnls` what
    each fill realised, net; `equities` the equity right after it; `daily` the equity at each UTC
    midnight passed; `end_equity` that at the end. `exposed_ms` counts the time a position was held.
    """

    market: Market
    since: int
    until: int
    start_equity: Decimal
    end_equity: Decimal
    fills: Sequence[Fill]
    makers: Sequence[bool]
    pnls: Sequence[Decimal]
    equities: Sequence[Decimal]
    deals: Sequence[Deal]
    daily: Sequence[Mark]
    exposed_ms: int
