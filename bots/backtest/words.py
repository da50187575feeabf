"""A backtest's result as a trader reads it: plain text, a unit on everything, times in UTC."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from bots.backtest.record import Record
from bots.backtest.statistics import CAGR_DAYS_MIN, RESULTS_MIN, Results, Statistics
from bots.backtest.yardsticks import Yardstick
from bots.strategies.limits import DAY_MS, HOUR_MS
from orders.accounting import Position
from orders.rules import ONE, ZERO, Market
from tradingbot.clock import moment_of

NOTHING = "–"
WIDTH = 100
LABEL_WIDTH = 16
MINUTE_MS, SECOND_MS = 60_000, 1000
SMALL_DIGITS, PLACES, PLACES_MAX = 4, 2, 18

Row = tuple[str, str]


@dataclass(frozen=True, slots=True)
class About:
    """What a report says beside the numbers.

    `title` names the bot type, `settings` is one line of text, `position` what is held at the end;
    `seconds` how long each phase of the work took, by its name; `remarks` are sentences to read first;
    `figures` the bot's own, by name.
    """

    title: str
    timeframe: str
    position: Position
    settings: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    remarks: Sequence[str] = ()
    figures: Mapping[str, Decimal] = field(default_factory=dict)


def report_of(record: Record, found: Statistics, yardsticks: Sequence[Yardstick], about: About) -> str:
    """The whole report, without a line break at its end."""
    market = record.market
    blocks = [
        _head(record, found, about),
        _remarks(found, about),
        _compared(record, found, yardsticks),
        _section("Deals" if found.by_deals else "Sells", _judged(found, market.quote)),
        _section("Risk", _risk(found, market.quote)),
        _section("Costs", _costs(found, market.quote)),
        _section("At the end", _end(record, found, about.position)),
        _section("The bot's own figures", _own(about.figures)) if about.figures else [],
        _took(about.seconds),
    ]
    return "\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks if block)


def money_words(value: Decimal, unit: str, *, signed: bool = False) -> str:
    """2 decimals, or under 1 as many as show 4 digits: 1,234.50 USDT, 0.00001234 BTC."""
    return f"{value:{'+' if signed else ''}z,.{_places(value)}f} {unit}"


def price_words(value: Decimal, market: Market) -> str:
    """A price with at least the decimals of the market's tick."""
    places = max(_places(value), -int(market.tick.normalize().as_tuple().exponent))
    return f"{value:,.{places}f} {market.quote}"


def pct_words(value: float | None, *, signed: bool = False, why: str = "") -> str:
    return _or_nothing(value, f"{'+' if signed else ''}z,.2f", " %", why)


def span_words(ms: int) -> str:
    """A length of time in its two largest units: 3 d 4 h, 2 h 5 min, 45 s."""
    units = (("d", DAY_MS), ("h", HOUR_MS), ("min", MINUTE_MS), ("s", SECOND_MS))
    parts: list[str] = []
    for name, length in units:
        count, ms = divmod(ms, length)
        if count or parts:
            parts.append(f"{count} {name}" if count else "")
    return " ".join(part for part in parts[:2] if part) or "under 1 s"


def moment_words(ms: int) -> str:
    return f"{moment_of(ms):%Y-%m-%d %H:%M}"


def _places(value: Decimal) -> int:
    if not value or abs(value) >= ONE:
        return PLACES
    return min(SMALL_DIGITS - 1 - value.adjusted(), PLACES_MAX)


def _or_nothing(value: float | None, form: str, unit: str = "", why: str = "") -> str:
    if value is None:
        return f"{NOTHING} ({why})" if why else NOTHING
    return f"{value:{form}}{unit}"


def _head(record: Record, found: Statistics, about: About) -> list[str]:
    market = record.market
    days = f"{found.days:,.1f}".removesuffix(".0")
    lines = [
        f"{about.title} backtest of {market.ticker} on {market.exchange}, candles of {about.timeframe}",
        f"{moment_words(record.since)} to {moment_words(record.until)} UTC, "
        f"{days} {'day' if days == '1' else 'days'}",
    ]
    if about.settings:
        lines += textwrap.wrap(f"Settings: {about.settings}", WIDTH, subsequent_indent="  ")
    return lines


def _remarks(found: Statistics, about: About) -> list[str]:
    remarks = list(about.remarks)
    if found.too_few:
        count, noun = found.results.count, "closed deal" if found.by_deals else "sell"
        remarks.insert(0, f"Too few to judge: {_counted(count, noun)}; under {RESULTS_MIN}, luck decides.")
    return [line for remark in remarks for line in textwrap.wrap(remark, WIDTH)]


def _compared(record: Record, found: Statistics, yardsticks: Sequence[Yardstick]) -> list[str]:
    """The bot beside doing almost nothing: one column each, one row a figure."""
    unit = record.market.quote
    columns = [
        _column(
            "This bot", record.end_equity, found.net_profit, found.net_profit_pct, found.drawdown.pct, unit
        )
    ]
    columns += [
        _column(one.name, one.end_equity, one.profit, one.profit_pct, one.max_drawdown_pct, unit)
        for one in yardsticks
    ]
    widths = [max(map(len, column)) for column in columns]
    start = f"from {money_words(record.start_equity, unit)}"
    lines = []
    for label, *cells in zip(
        ("Result", "End equity", "Net profit", "Return", "Max drawdown"), *columns, strict=True
    ):
        lines.append(
            label.ljust(LABEL_WIDTH)
            + "   ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
        )
    return [*lines, f"All {start}; the yardsticks pay the taker fee and are marked to the last close."]


def _column(name: str, end: Decimal, profit: Decimal, pct: float, drawdown: float, unit: str) -> list[str]:
    return [
        name,
        money_words(end, unit),
        money_words(profit, unit, signed=True),
        pct_words(pct, signed=True),
        pct_words(drawdown),
    ]


def _judged(found: Statistics, unit: str) -> Iterable[Row]:
    results = found.results
    yield "Closed deals" if found.by_deals else "Filled sells", f"{results.count:,}"
    if not results.count:
        return
    yield "Won / lost", f"{results.wins:,} / {results.losses:,}"
    yield "Win rate", _win_rate(results)
    yield "Expectancy", _signed(results.expectancy, unit) + (" a deal" if found.by_deals else " a sell")
    yield "Profit factor", _or_nothing(results.profit_factor, ",.2f", why="nothing was lost")
    yield "Payoff", _or_nothing(results.payoff, ",.2f", why="needs a win and a loss")
    yield "SQN", _or_nothing(results.sqn, "z,.2f", why="needs two different results")
    yield "Best / worst", f"{_signed(results.best, unit)} / {_signed(results.worst, unit)}"
    if found.mean_deal_ms is not None:
        yield "Mean duration", span_words(found.mean_deal_ms)


def _win_rate(results: Results) -> str:
    if results.win_rate is None or results.win_rate_low is None or results.win_rate_high is None:
        return NOTHING
    low, high = results.win_rate_low * 100, results.win_rate_high * 100
    return f"{results.win_rate * 100:.1f} % (95 % sure: between {low:.1f} % and {high:.1f} %)"


def _signed(value: Decimal | None, unit: str) -> str:
    return NOTHING if value is None else money_words(value, unit, signed=True)


def _risk(found: Statistics, unit: str) -> Iterable[Row]:
    fall = found.drawdown
    if fall.peak_at is None or fall.low_at is None:
        yield "Max drawdown", "none: equity never fell"
    else:
        yield "Max drawdown", f"{pct_words(fall.pct)}, {money_words(fall.quote, unit)}"
        yield "", f"{moment_words(fall.peak_at)} to {moment_words(fall.low_at)} UTC"
    too_short = f"needs {CAGR_DAYS_MIN} days" if found.days < CAGR_DAYS_MIN else ""
    yield "CAGR", pct_words(found.cagr_pct, signed=True, why=too_short)
    yield "Calmar", _or_nothing(found.calmar, "z,.2f", why=too_short or "equity never fell")
    yield "Sharpe", _or_nothing(found.sharpe, "z,.2f", why="needs two different days")
    yield "Sortino", _or_nothing(found.sortino, "z,.2f", why="needs two days, one of them losing")
    yield "Exposure", _or_nothing(found.exposure_pct, ",.2f", " % of the time")


def _costs(found: Statistics, unit: str) -> Iterable[Row]:
    yield "Trades", f"{found.trades:,}"
    yield "Turnover", f"{money_words(found.turnover, unit)}, {found.turnover_times:,.2f} × the start equity"
    yield "Fees paid", money_words(found.fees, unit)


def _end(record: Record, found: Statistics, position: Position) -> Iterable[Row]:
    market = record.market
    realised = sum(record.pnls, ZERO)
    open_gain = found.net_profit - realised
    yield "Realised", money_words(realised, market.quote, signed=True)
    if not position.amount:
        yield "Position", "none"
    else:
        held, average = f"{position.amount.normalize():,f}", price_words(position.average, market)
        yield "Position", f"{held} {market.base} at an average of {average}"
        yield "Unrealised", money_words(open_gain, market.quote, signed=True)
    last = record.deals[-1] if record.deals and found.by_deals else None
    if last is not None and last.closed_at is None:
        realised_so_far = money_words(last.pnl, market.quote, signed=True)
        yield (
            "Open deal",
            f"no. {last.number:,} since {moment_words(last.opened_at)} UTC, realised {realised_so_far}",
        )


def _own(figures: Mapping[str, Decimal]) -> Iterable[Row]:
    for name, value in figures.items():
        yield name.replace("_", " ").capitalize(), f"{value.normalize():,f}"


def _section(title: str, rows: Iterable[Row]) -> list[str]:
    return [title, *(f"{'  ' + label:{LABEL_WIDTH}}{words}" for label, words in rows)]


def _took(seconds: Mapping[str, float]) -> list[str]:
    if not seconds:
        return []
    phases = [f"{name} {length:.3f} s" for name, length in seconds.items()]
    total = [f"together {sum(seconds.values()):.3f} s"] if len(seconds) > 1 else []
    return ["Time taken: " + ", ".join(phases + total)]


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
