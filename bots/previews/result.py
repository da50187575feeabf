"""What a child tells of a result, as a page shows it: numbers, yardsticks, cautions, equity as a line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from bots.strategies.limits import DAY_MS
from tradingbot.clock import ms_of

LINE_WIDTH, LINE_HEIGHT = 600, 120


@dataclass(frozen=True, slots=True)
class Yard:
    """What doing almost nothing would have brought with the same money, in quote and in percent."""

    name: str
    profit: Decimal
    profit_pct: Decimal


@dataclass(frozen=True, slots=True)
class Line:
    """Equity as the points of an SVG polyline; `begin` is where the start equity stands."""

    points: str
    begin: float
    least: Decimal
    most: Decimal
    width: int = LINE_WIDTH
    height: int = LINE_HEIGHT


@dataclass(frozen=True, slots=True)
class Result:
    """Money in quote; what cannot be known is None. `won_pct` and its 95 % bounds are percents."""

    profit: Decimal
    profit_pct: Decimal
    yards: tuple[Yard, ...]
    fall_pct: Decimal
    trades: int
    by_deals: bool
    results: int
    won_pct: Decimal | None
    won_low_pct: Decimal | None
    won_high_pct: Decimal | None
    fees: Decimal
    sharpe: Decimal | None
    since: datetime
    until: datetime
    timeframe: str
    cautions: tuple[str, ...]
    line: Line


def result_of(told: Mapping[str, Any]) -> Result:
    statistics, candles = told["statistics"], told["candles"]
    results = statistics["results"]
    since, until = datetime.fromisoformat(candles["since"]), datetime.fromisoformat(candles["until"])
    return Result(
        profit=Decimal(statistics["net_profit"]),
        profit_pct=_exact(statistics["net_profit_pct"]),
        yards=tuple(
            Yard(one["name"], Decimal(one["profit"]), _exact(one["profit_pct"])) for one in told["benchmark"]
        ),
        fall_pct=_exact(statistics["drawdown"]["pct"]),
        trades=statistics["trades"],
        by_deals=statistics["by_deals"],
        results=results["count"],
        won_pct=_percent(results["win_rate"]),
        won_low_pct=_percent(results["win_rate_low"]),
        won_high_pct=_percent(results["win_rate_high"]),
        fees=Decimal(statistics["fees"]),
        sharpe=None if statistics["sharpe"] is None else _exact(statistics["sharpe"]),
        since=since,
        until=until,
        timeframe=candles["timeframe"],
        cautions=tuple(_cautions(told)),
        line=_drawn(list(_path(told, ms_of(since), ms_of(until)))),
    )


def _cautions(told: Mapping[str, Any]) -> Iterator[str]:
    """What a reader should know before believing the figures."""
    statistics, missing = told["statistics"], told["candles"]["missing"]
    count = statistics["results"]["count"]
    if statistics["too_few"] and count:
        kind = "deal" if statistics["by_deals"] else "sell"
        yield f"Too few to judge: luck may have decided {count} closed {kind}{'' if count == 1 else 's'}."
    if missing:
        yield f"{missing:,} candles are missing in between."
    # Those that name a word of the command line are for a terminal.
    yield from (remark for remark in told["remarks"] if "--" not in remark)


def _path(told: Mapping[str, Any], since: int, until: int) -> Iterator[tuple[int, Decimal]]:
    """Equity at the start, at each UTC midnight after it, and at the end."""
    yield since, Decimal(told["start_equity"])
    first = (since // DAY_MS + 1) * DAY_MS
    for day, equity in enumerate(told["equities"]):
        yield first + day * DAY_MS, Decimal(equity)
    yield until, Decimal(told["end_equity"])


def _drawn(path: Sequence[tuple[int, Decimal]]) -> Line:
    equities = [equity for _, equity in path]
    least, most = min(equities), max(equities)
    (first, began), (last, _) = path[0], path[-1]

    def height_of(equity: Decimal) -> float:
        return round(LINE_HEIGHT * (1 - float((equity - least) / (most - least or 1))), 1)

    points = (
        f"{LINE_WIDTH * (at - first) / max(last - first, 1):.1f},{height_of(equity)}" for at, equity in path
    )
    return Line(" ".join(points), height_of(began), least, most)


def _exact(ratio: float) -> Decimal:
    return Decimal(str(ratio))


def _percent(fraction: float | None) -> Decimal | None:
    return None if fraction is None else _exact(fraction) * 100
