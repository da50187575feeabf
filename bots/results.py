"""What a page shows of a backtest's result: figures, comparison, rows page by page, equity as a line.

A result is read as it was stored, perhaps by an older version: what it does not say is shown as unknown.
"""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from bots.jobs.answers import ROWS_PER_BLOCK
from bots.models import Backtest, BacktestRows, RowKind
from orders.rules import Market
from tradingbot.clock import moment_of

LINE_POINTS_MAX = 600
LINE_WIDTH, LINE_HEIGHT = 1000, 240
AMOUNTS = ("pnl", "price", "amount")
MOMENTS = ("at", "opened_at", "closed_at")


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a result; `kind` says how it is written, `unit` what stands behind it."""

    label: str
    value: Any
    kind: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """The bot, or what doing almost nothing would have earned."""

    name: str
    end_equity: Decimal | None
    profit: Decimal | None
    profit_pct: Decimal | None
    drawdown_pct: Decimal | None


@dataclass(frozen=True, slots=True)
class Line:
    """Equity as the points of an SVG polyline; `begin` is where the start equity stands."""

    points: str
    begin: float
    least: Decimal
    most: Decimal
    since: datetime
    until: datetime
    width: int = LINE_WIDTH
    height: int = LINE_HEIGHT


def number(value: Any) -> Decimal | None:
    """A stored amount or ratio, None for what is not known."""
    if value is None or isinstance(value, bool):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def headline(backtest: Backtest) -> list[Figure]:
    told = _statistics(backtest)
    results, drawdown = _part(told, "results"), _part(told, "drawdown")
    return [
        Figure("Profit", number(told.get("net_profit")), "gain", backtest.quote),
        Figure("Profit in percent", number(told.get("net_profit_pct")), "gain", "%"),
        Figure("Deepest fall", number(drawdown.get("pct")), "quote", "%"),
        Figure("Won", _percent(results.get("win_rate")), "quote", "%"),
        Figure("Profit factor", number(results.get("profit_factor")), "quote"),
    ]


def figures(backtest: Backtest) -> list[Figure]:
    told, quote = _statistics(backtest), backtest.quote
    results, drawdown = _part(told, "results"), _part(told, "drawdown")
    mean_deal_ms = number(told.get("mean_deal_ms"))
    return [
        Figure("Start equity", number(_result(backtest).get("start_equity")), "quote", quote),
        Figure("End equity", number(_result(backtest).get("end_equity")), "quote", quote),
        Figure("A year", number(told.get("cagr_pct")), "gain", "%"),
        Figure("Sharpe", number(told.get("sharpe")), "quote"),
        Figure("Sortino", number(told.get("sortino")), "quote"),
        Figure("Calmar", number(told.get("calmar")), "quote"),
        Figure("SQN", number(results.get("sqn")), "quote"),
        Figure("Deepest fall", number(drawdown.get("quote")), "quote", quote),
        Figure("Deals closed" if told.get("by_deals") else "Sells", number(results.get("count")), "count"),
        Figure("Wins", number(results.get("wins")), "count"),
        Figure("Losses", number(results.get("losses")), "count"),
        Figure("Expectancy", number(results.get("expectancy")), "gain", quote),
        Figure("Payoff", number(results.get("payoff")), "quote"),
        Figure("Best", number(results.get("best")), "gain", quote),
        Figure("Worst", number(results.get("worst")), "gain", quote),
        Figure("Mean deal", None if mean_deal_ms is None else mean_deal_ms / 3_600_000, "quote", "h"),
        Figure("Trades", number(told.get("trades")), "count"),
        Figure("Time in the market", number(told.get("exposure_pct")), "quote", "%"),
        Figure("Turnover", number(told.get("turnover")), "quote", quote),
        Figure("Fees", number(told.get("fees")), "quote", quote),
    ]


def compared(backtest: Backtest) -> list[Compared]:
    """The bot first, then the yardsticks."""
    told = _statistics(backtest)
    own = Compared(
        "This bot",
        number(_result(backtest).get("end_equity")),
        number(told.get("net_profit")),
        number(told.get("net_profit_pct")),
        number(_part(told, "drawdown").get("pct")),
    )
    others = [one for one in _result(backtest).get("benchmark", ()) if isinstance(one, Mapping)]
    return [own, *map(_yardstick, others)]


def cautions(backtest: Backtest) -> list[str]:
    """What a reader should know before believing the figures."""
    result, told = _result(backtest), _statistics(backtest)
    candles = _part(result, "candles")
    found = [str(result.get("unreliable") or ""), str(result.get("stopped") or "")]
    if told.get("too_few"):
        count = _part(told, "results").get("count", 0)
        found.append(f"Only {count} results: luck may have decided.")
    if candles.get("missing"):
        found.append(f"{candles['missing']:,} candles are missing in the series.")
    return [one for one in found if one]


def market_of(backtest: Backtest) -> Market | None:
    """The rules it was run with, as far as a page needs them: the steps of price and amount."""
    told = _part(_result(backtest), "market")
    tick, lot = number(told.get("tick")), number(told.get("lot"))
    if not tick or not lot:
        return None
    return Market(backtest.exchange, backtest.ticker, tick, lot, lot, Decimal(0))


def listed_kind(backtest: Backtest) -> RowKind:
    """What a page lists: deals, or the trades of a bot that never is flat."""
    return RowKind.DEALS if _statistics(backtest).get("by_deals") else RowKind.TRADES


def rows_of(backtest: Backtest, kind: RowKind, first: int, count: int) -> list[dict[str, Any]]:
    """`count` rows from the one numbered `first`, unpacking no more blocks than hold them."""
    blocks = range(first // ROWS_PER_BLOCK, (first + count - 1) // ROWS_PER_BLOCK + 1)
    found = [row for block in _blocks(backtest, kind, list(blocks)) for row in json.loads(block)]
    skipped = first - blocks[0] * ROWS_PER_BLOCK
    return found[skipped : skipped + count]


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its amounts as numbers and its moments as times, None where it tells none."""
    amounts = {name: number(row.get(name)) for name in AMOUNTS}
    return {**row, **amounts, **{name: _moment(row.get(name)) for name in MOMENTS}}


def json_of(backtest: Backtest) -> Iterator[str]:
    """The whole result as JSON in pieces; rows are passed on as they were told, unread."""
    told = {
        "id": str(backtest.pk),
        "name": backtest.name,
        "status": backtest.status,
        "progress": backtest.progress / 1000,
        "why": backtest.why,
        "problems": backtest.problems,
        "result": backtest.result,
    }
    yield json.dumps(told)[:-1]
    for kind in RowKind.values:
        blocks = (block.strip()[1:-1] for block in _blocks(backtest, kind))
        yield f', "{kind}": [{",".join(blocks)}]'
    yield "}"


def equity_line(backtest: Backtest) -> Line | None:
    """Equity at the start, at each UTC midnight and at the end; None when there is nothing to draw."""
    result = _result(backtest)
    marks = [(_moment(row.get("at")), number(row.get("equity"))) for row in _all_equity(backtest)]
    ends = (
        (backtest.since, number(result.get("start_equity"))),
        (backtest.until, number(result.get("end_equity"))),
    )
    path = [
        (at, equity) for at, equity in (ends[0], *marks, ends[1]) if at is not None and equity is not None
    ]
    return _drawn(path) if len(path) > 1 and path[0][0] < path[-1][0] else None


def _drawn(path: Sequence[tuple[datetime, Decimal]]) -> Line:
    equities = [equity for _, equity in path]
    least, most = min(equities), max(equities)
    span_s = (path[-1][0] - path[0][0]).total_seconds()

    def height_of(equity: Decimal) -> float:
        return round(LINE_HEIGHT * (1 - float((equity - least) / (most - least or 1))), 1)

    step = -(-len(path) // LINE_POINTS_MAX)
    drawn = [*path[:-1:step], path[-1]]
    points = (
        f"{LINE_WIDTH * (at - path[0][0]).total_seconds() / span_s:.1f},{height_of(equity)}"
        for at, equity in drawn
    )
    return Line(" ".join(points), height_of(equities[0]), least, most, path[0][0], path[-1][0])


def _all_equity(backtest: Backtest) -> Iterator[dict[str, Any]]:
    for block in _blocks(backtest, RowKind.EQUITY):
        yield from json.loads(block)


def _blocks(backtest: Backtest, kind: str, numbers: list[int] | None = None) -> Iterator[str]:
    found = BacktestRows.objects.filter(backtest=backtest, kind=kind).order_by("number")
    if numbers is not None:
        found = found.filter(number__in=numbers)
    for packed in found.values_list("packed", flat=True):
        yield gzip.decompress(bytes(packed)).decode()


def _result(backtest: Backtest) -> Mapping[str, Any]:
    return backtest.result or {}


def _statistics(backtest: Backtest) -> Mapping[str, Any]:
    return _part(_result(backtest), "statistics")


def _part(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = told.get(name)
    return part if isinstance(part, Mapping) else {}


def _percent(fraction: Any) -> Decimal | None:
    found = number(fraction)
    return None if found is None else found * 100


def _yardstick(told: Mapping[str, Any]) -> Compared:
    return Compared(
        str(told.get("name", "")),
        number(told.get("end_equity")),
        number(told.get("profit")),
        number(told.get("profit_pct")),
        number(told.get("max_drawdown_pct")),
    )


def _moment(value: Any) -> datetime | None:
    """An ISO time or ms UTC."""
    if isinstance(value, int):
        return moment_of(value)
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None
