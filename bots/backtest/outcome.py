"""A request carried out: checked, run, measured and summed up, with how long each phase took."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from time import perf_counter

from bots.backtest.inputs import Inputs, prepared
from bots.backtest.record import Record
from bots.backtest.request import Request
from bots.backtest.run import Backtest, Terms
from bots.backtest.statistics import Statistics, statistics_of
from bots.backtest.yardsticks import Yardstick, yardsticks_of
from bots.strategies.candles import part
from bots.strategies.registry import BOT_TYPES
from orders.accounting import Position
from orders.records import Frozen

Progress = Callable[[float], None]


class Outcome(Frozen):
    """What came of a request. `figures` are the bot's own, such as a grid's profit of pairs, at the end;
    `phases` are seconds by name; `stopped` says why the bot ended early."""

    request: Request
    inputs: Inputs
    record: Record
    statistics: Statistics
    yardsticks: tuple[Yardstick, ...]
    position: Position
    figures: Mapping[str, Decimal]
    decisions: int
    stopped: str
    phases: dict[str, float]


def outcome_of(request: Request, progress: Progress | None = None) -> Outcome:
    """Raises `BacktestRefused`. `progress` is told the part done, 0 to 1; what it raises ends the run."""
    phases: dict[str, float] = {}
    with _timed(phases, "load and prepare"):
        inputs = prepared(request)
    with _timed(phases, "run"):
        run = Backtest(
            inputs.strategy,
            inputs.tape,
            Terms(request.slippage_pct, request.spread, request.pessimistic),
            first=inputs.first,
            closes=inputs.closes,
            progress=None if progress is None else _of_rows(progress, inputs),
        )
        record = run.run()
    with _timed(phases, "statistics"):
        statistics = statistics_of(record, by_deals=BOT_TYPES[request.bot_type].deals)
        candles = inputs.tape.candles
        yardsticks = yardsticks_of(record, part(candles, inputs.first, len(candles)))
    return Outcome(
        request,
        inputs,
        record,
        statistics,
        yardsticks,
        run.desk.position,
        run.trader.figures,
        run.trader.decisions,
        run.trader.why_stopped,
        phases,
    )


def _of_rows(progress: Progress, inputs: Inputs) -> Callable[[int], None]:
    span = max(len(inputs.tape) - inputs.first, 1)
    return lambda row: progress((row - inputs.first) / span)


@contextmanager
def _timed(phases: dict[str, float], name: str) -> Iterator[None]:
    began = perf_counter()
    yield
    phases[name] = perf_counter() - began
