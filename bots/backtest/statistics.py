"""What a backtest is judged by. What cannot be known is None, never a number that stands for it.

Formulas: "Statistics" in the contract of the bots. Money is exact in Decimal, ratios are float64,
percents are percent (1.5 is 1.5 %), moments are ms UTC.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, pairwise
from operator import attrgetter, mul

import numpy as np
from numpy.typing import NDArray

from bots.backtest.record import Deal, Record
from bots.strategies.limits import DAY_MS
from orders.accounting import Fill, money, share
from orders.rules import HUNDRED, ONE, ZERO, Side

YEAR_DAYS = 365
CAGR_DAYS_MIN = 30
RESULTS_MIN = 30
Z_95 = 1.959963984540054
# float64 keeps 16 digits: what differs by less than the 12th does not differ.
NOISE = 1e-12

START, MIDNIGHT, FILL, END = range(4)


@dataclass(frozen=True, slots=True)
class EquityPath:
    """Equity in quote at the start, at each UTC midnight, right after each fill and at the end, in the
    order of time. `at` in ms UTC; `kinds` holds START, MIDNIGHT, FILL or END; all of one length."""

    at: NDArray[np.int64]
    kinds: NDArray[np.int64]
    equities: Sequence[Decimal]


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The fall from a peak of equity that was the deepest in percent of its peak; `quote` is what that
    same fall lost. The moments are None when equity never fell."""

    pct: float
    quote: Decimal
    peak_at: int | None
    low_at: int | None


@dataclass(frozen=True, slots=True)
class Results:
    """What is won and lost, one result a closed deal or, for a grid, a sell. Money in quote, net of fees.

    A result of exactly 0 is neither a win nor a loss and counts in `count`. `win_rate` and the bounds
    of its 95 % interval are fractions of 1 (Wilson 1927); `profit_factor` Σ wins / |Σ losses|; `payoff`
    mean win / |mean loss|; `sqn` √n · mean / std (ddof 1, Van Tharp, n not capped).
    """

    count: int
    wins: int
    losses: int
    gross_profit: Decimal
    gross_loss: Decimal
    win_rate: float | None
    win_rate_low: float | None
    win_rate_high: float | None
    profit_factor: float | None
    expectancy: Decimal | None
    payoff: float | None
    sqn: float | None
    best: Decimal | None
    worst: Decimal | None


@dataclass(frozen=True, slots=True)
class Statistics:
    """One backtest's result. Money in quote; `turnover` is Σ amount · price of all fills, `turnover_times`
    that in start equities; `fees` those in quote, those in base at their fill's price, and others.

    `by_deals`: `results` are closed deals, else sells, and then there are no deals (None).
    `too_few`: under 30 results, so luck may have decided. `days` is the length of the backtest.
    """

    by_deals: bool
    too_few: bool
    days: float
    net_profit: Decimal
    net_profit_pct: float
    cagr_pct: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    drawdown: Drawdown
    results: Results
    closed_deals: int | None
    mean_deal_ms: int | None
    trades: int
    exposure_pct: float | None
    turnover: Decimal
    turnover_times: float
    fees: Decimal


def statistics_of(record: Record, *, by_deals: bool) -> Statistics:
    """Everything about one backtest, whose start equity is above 0; see `Statistics`."""
    start, span_ms = record.start_equity, record.until - record.since
    profit, turnover = record.end_equity - start, _turnover(record.fills)
    closed = [deal for deal in record.deals if deal.closed_at is not None] if by_deals else None
    results = _results([deal.pnl for deal in closed] if closed is not None else _sold(record))
    drawdown = _drawdown(equity_path(record))
    cagr_pct = _cagr_pct(float(record.end_equity / start), span_ms / DAY_MS)
    returns = daily_returns(record)
    return Statistics(
        by_deals=by_deals,
        too_few=results.count < RESULTS_MIN,
        days=span_ms / DAY_MS,
        net_profit=profit,
        net_profit_pct=float(profit / start * HUNDRED),
        cagr_pct=cagr_pct,
        sharpe=_sharpe(returns),
        sortino=_sortino(returns),
        calmar=None if cagr_pct is None or not drawdown.pct else cagr_pct / drawdown.pct,
        drawdown=drawdown,
        results=results,
        closed_deals=None if closed is None else len(closed),
        mean_deal_ms=_mean_duration(closed or ()),
        trades=len(record.fills),
        exposure_pct=100 * record.exposed_ms / span_ms if span_ms else None,
        turnover=turnover,
        turnover_times=float(turnover / start),
        fees=_fees(record.fills),
    )


def equity_path(record: Record) -> EquityPath:
    """All moments at which the equity is known. A mark comes before a fill of the same moment: it is
    taken with what was held before midnight."""
    counts = [1, len(record.daily), len(record.fills), 1]
    moments = chain([record.since], map(_AT, record.daily), map(_AT, record.fills), [record.until])
    times = np.fromiter(moments, np.int64, sum(counts))
    order = np.argsort(times, kind="stable")
    marked = [mark.equity for mark in record.daily]
    equities = [record.start_equity, *marked, *record.equities, record.end_equity]
    kinds = np.repeat(np.arange(len(counts)), counts)
    return EquityPath(times[order], kinds[order], [equities[row] for row in order.tolist()])


def daily_returns(record: Record) -> NDArray[np.float64]:
    """What each whole UTC day gained, as a fraction of the equity it began with.

    Only whole days count: a start after midnight and an end before it leave a part of a day, whose
    return is not a day's. Counted as one, it would lower the spread of the days that √365 turns into
    a year's; so both parts are left out here. Every other figure counts them.
    """
    times = [record.since, *map(_AT, record.daily), record.until]
    marks = [record.start_equity, *(mark.equity for mark in record.daily), record.end_equity]
    # Subtracted as Decimals, so that a gain of a millionth keeps all its digits as a float.
    gains = np.array([float(after - before) for before, after in pairwise(marks)])
    begun = np.array(marks[:-1], np.float64)
    whole = (np.diff(times) == DAY_MS) & (begun > 0)
    returns: NDArray[np.float64] = gains[whole] / begun[whole]
    return returns


def wilson(wins: int, count: int) -> tuple[float, float] | tuple[None, None]:
    """The 95 % interval of a rate of `wins` in `count`, as fractions of 1 (Wilson 1927, no correction
    for continuity)."""
    if not count:
        return None, None
    rate, squared = wins / count, Z_95 * Z_95
    middle = rate + squared / (2 * count)
    apart = Z_95 * math.sqrt(rate * (1 - rate) / count + squared / (4 * count * count))
    whole = 1 + squared / count
    return max((middle - apart) / whole, 0.0), min((middle + apart) / whole, 1.0)


_AT = attrgetter("at")
_AMOUNT, _PRICE = attrgetter("amount"), attrgetter("price")


def _sold(record: Record) -> list[Decimal]:
    return [pnl for fill, pnl in zip(record.fills, record.pnls, strict=True) if fill.side is Side.SELL]


def _results(pnls: Sequence[Decimal]) -> Results:
    won, lost = [pnl for pnl in pnls if pnl > ZERO], [pnl for pnl in pnls if pnl < ZERO]
    gained, given, count = sum(won, ZERO), -sum(lost, ZERO), len(pnls)
    low, high = wilson(len(won), count)
    return Results(
        count=count,
        wins=len(won),
        losses=len(lost),
        gross_profit=gained,
        gross_loss=given,
        win_rate=len(won) / count if count else None,
        win_rate_low=low,
        win_rate_high=high,
        profit_factor=float(gained / given) if lost else None,
        expectancy=share(gained - given, ONE, Decimal(count)) if count else None,
        payoff=float(gained / len(won) / (given / len(lost))) if won and lost else None,
        sqn=_sqn(pnls),
        best=max(pnls, default=None),
        worst=min(pnls, default=None),
    )


def _sqn(pnls: Sequence[Decimal]) -> float | None:
    """√n · mean / std, which is Σx · √((n − 1) / (n · Σx² − (Σx)²)): in Decimals nothing cancels out."""
    count, total = len(pnls), sum(pnls, ZERO)
    spread = count * sum(map(mul, pnls, pnls), ZERO) - total * total
    return float(total) * math.sqrt((count - 1) / float(spread)) if spread else None


def _spread(values: NDArray[np.float64]) -> float | None:
    """The sample's standard deviation (ddof 1); None for under two values, or for equal ones."""
    if len(values) < 2:
        return None
    spread = float(np.std(values, ddof=1))
    return spread if spread > NOISE * float(np.max(np.abs(values))) else None


def _sharpe(returns: NDArray[np.float64]) -> float | None:
    """mean / std (ddof 1) · √365 of daily returns, over a riskless rate of 0 (Sharpe 1994)."""
    spread = _spread(returns)
    return None if spread is None else float(returns.mean()) / spread * math.sqrt(YEAR_DAYS)


def _sortino(returns: NDArray[np.float64]) -> float | None:
    """mean / √mean(min(0, r)²) · √365 of daily returns; None without a losing day (Sortino 1994)."""
    if len(returns) < 2:
        return None
    downside = math.sqrt(float(np.mean(np.minimum(returns, 0) ** 2)))
    return float(returns.mean()) / downside * math.sqrt(YEAR_DAYS) if downside else None


def _cagr_pct(growth: float, days: float) -> float | None:
    """growth^(365 / days) − 1, in percent; `growth` is end over start equity."""
    if days < CAGR_DAYS_MIN or growth < 0:
        return None
    return float((growth ** (YEAR_DAYS / days) - 1) * 100)


def _drawdown(path: EquityPath) -> Drawdown:
    """The deepest fall along the path, in exact Decimals."""
    equities = path.equities
    depth = lost = ZERO
    peak_at = low_at = None
    for peak_row, low_row in _falls(equities):
        peak = equities[peak_row]
        fall = peak - equities[low_row]
        # Peaks only rise: a fall that is deeper in percent also lost more, so few need the division.
        if fall > lost and fall / peak > depth:
            depth, lost = fall / peak, fall
            peak_at, low_at = int(path.at[peak_row]), int(path.at[low_row])
    return Drawdown(float(depth * HUNDRED), lost, peak_at, low_at)


def _falls(equities: Sequence[Decimal]) -> Iterator[tuple[int, int]]:
    """The rows of each peak that was left and of the lowest that followed before it was reached again.

    A loop over Decimals takes a third of the time of turning them into floats.
    """
    peak = low = equities[0]
    peak_row = low_row = 0
    for row, equity in enumerate(equities):
        if equity >= peak:
            if low < peak:
                yield peak_row, low_row
            peak = low = equity
            peak_row = low_row = row
        elif equity < low:
            low, low_row = equity, row
    if low < peak:
        yield peak_row, low_row


def _mean_duration(closed: Sequence[Deal]) -> int | None:
    lasted = [deal.closed_at - deal.opened_at for deal in closed if deal.closed_at is not None]
    return round(sum(lasted) / len(lasted)) if lasted else None


def _turnover(fills: Sequence[Fill]) -> Decimal:
    return money(sum(map(mul, map(_AMOUNT, fills), map(_PRICE, fills)), ZERO))


def _fees(fills: Sequence[Fill]) -> Decimal:
    in_quote = sum(map(attrgetter("fee_quote"), fills), ZERO)
    in_base = sum((fill.fee_base * fill.price for fill in fills if fill.fee_base), ZERO)
    return money(in_quote + in_base + sum((fill.fee_other for fill in fills if fill.fee_other), ZERO))
