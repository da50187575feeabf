"""What a backtest is made from: candles of a file or of the store, the market's rules, the strategy.

Everything that can be wrong with a request is found here, before anything runs.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from bots.backtest.request import FEE_PCT, BacktestRefused, FileSource, Request, Rules, StoreSource, refused
from bots.backtest.tape import Closes, Tape, closes_of
from bots.strategies.base import Candles, Strategy
from bots.strategies.candles import part
from bots.strategies.registry import BOT_TYPES, SettingsRefused, read_settings
from bots.strategies.settings import Settings
from orders.gateways.candle_file import CandleFile, CandlesRefused, exact, filled_up, read_candles
from orders.gateways.candle_store import BrokenMonth, CandleStore, WrongName
from orders.gateways.listed import LISTED
from orders.rules import HUNDRED, ZERO, FeeIn, Market
from tradingbot.clock import TIMEFRAMES_S, moment_of

LOT = Decimal("1e-8")
TICK_SAMPLE = 2000
TICK_PLACES_MAX = 8


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that a run takes: `first` is the row of the tape at which the bot starts."""

    settings: Settings
    strategy: Strategy[Any]
    tape: Tape
    timeframe: str
    closes: Closes | None
    first: int
    gaps: int


def settings_of(request: Request) -> Settings:
    try:
        return read_settings(request.bot_type, request.values)
    except SettingsRefused as wrong:
        raise BacktestRefused(*wrong.problems) from None


def candles_of(request: Request, needed_ms: int) -> tuple[Candles, str, int]:
    """The candles with their timeframe and how many are missing between them.

    From a store come also those of `needed_ms` before `since`, which warm up the signals.
    """
    source = request.source
    try:
        if isinstance(source, FileSource):
            read = read_candles(source.path, fill_gaps=source.fill_gaps)
            _expect(read, source)
            candles, timeframe = read.candles, read.timeframe
        else:
            candles, timeframe = _stored(source, request, needed_ms), source.timeframe
    except (CandlesRefused, BrokenMonth, WrongName) as wrong:
        raise refused("candles", "candles", str(wrong)) from None
    if request.until is not None:
        candles = part(candles, 0, int(np.searchsorted(candles.at, request.until)))
    missing = _missing(candles, timeframe)
    return candles, timeframe, missing


def prepared(request: Request) -> Inputs:
    """Everything checked and ready to run; raises `BacktestRefused`."""
    settings = settings_of(request)
    needed_ms = _warm_up_ms(BOT_TYPES[request.bot_type].build(settings, _any_market()))
    candles, timeframe, missing = candles_of(request, needed_ms)
    first = 0 if request.since is None else int(np.searchsorted(candles.at, request.since))
    if first >= len(candles):
        raise refused("no_candles", "since", _nothing_there(request, candles))
    market = market_of(request.rules, candles)
    strategy = BOT_TYPES[request.bot_type].build(settings, market)
    _check_timeframe(strategy, timeframe)
    tape = Tape(candles, timeframe)
    closes = closes_of(tape, strategy)
    _check_warm_up(strategy, closes)
    _check_start(strategy, exact(candles.open[first]))
    return Inputs(settings, strategy, tape, timeframe, closes, first, missing)


def market_of(rules: Rules, candles: Candles) -> Market:
    """The rules given, then those of a listed market of that name, then what the candles tell."""
    listed = LISTED.get(rules.ticker)
    if listed is not None and rules.tick is None and rules.lot is None:
        known = listed.rules
        tick, lot, least, cost = known.tick, known.lot, known.min_amount, known.min_cost
        fee, fee_in = known.taker_fee, known.fee_in
    else:
        tick, lot = rules.tick or tick_of(candles), rules.lot or LOT
        least, cost, fee, fee_in = lot, ZERO, FEE_PCT / HUNDRED, FeeIn.QUOTE
    if rules.fee_pct is not None:
        fee, fee_in = rules.fee_pct / HUNDRED, FeeIn.QUOTE
    return Market(
        exchange=listed.rules.exchange if listed else "custom",
        ticker=rules.ticker,
        tick=tick,
        lot=lot,
        min_amount=least,
        min_cost=cost if rules.min_cost is None else rules.min_cost,
        maker_fee=fee,
        taker_fee=fee,
        fee_in=rules.fee_in or fee_in,
    )


def tick_of(candles: Candles) -> Decimal:
    """The price step that the candles are written in: the most decimal places of a sample of them."""
    rows = np.linspace(0, len(candles) - 1, min(len(candles), TICK_SAMPLE)).astype(np.int64)
    columns = (candles.open[rows], candles.high[rows], candles.low[rows], candles.close[rows])
    exponents = (int(exact(price).normalize().as_tuple().exponent) for column in columns for price in column)
    places = min(max(-min(exponents), 0), TICK_PLACES_MAX)
    return Decimal(1).scaleb(-places)


def _expect(read: CandleFile, source: FileSource) -> None:
    if source.timeframe and read.timeframe != source.timeframe:
        raise refused(
            "timeframe",
            "timeframe",
            f"{source.path.name} has candles of {read.timeframe}, not of {source.timeframe}: "
            "leave --timeframe out, or give the file that has them.",
            read.timeframe,
        )


def _stored(source: StoreSource, request: Request, needed_ms: int) -> Candles:
    since = None if request.since is None else max(request.since - needed_ms, 0)
    candles = CandleStore(source.root).read(
        exchange=source.exchange,
        ticker=source.ticker,
        timeframe=source.timeframe,
        since=since,
        until=request.until,
    )
    if not len(candles):
        name = f"{source.ticker} {source.timeframe} on {source.exchange}"
        raise refused(
            "no_candles",
            "candles",
            f"The store has no candles of {name} in that period: import them first.",
        )
    return filled_up(candles, TIMEFRAMES_S[source.timeframe] * 1000) if source.fill_gaps else candles


def _missing(candles: Candles, timeframe: str) -> int:
    if len(candles) < 2:
        return 0
    span = int(candles.at[-1] - candles.at[0]) // (TIMEFRAMES_S[timeframe] * 1000)
    return span + 1 - len(candles)


def _warm_up_ms(strategy: Strategy[Any]) -> int:
    if strategy.timeframe is None:
        return 0
    return (strategy.candles_needed + 1) * TIMEFRAMES_S[strategy.timeframe] * 1000


def _any_market() -> Market:
    """Only to ask a strategy what no market decides: its timeframe and how much history it needs."""
    return Market("", "BASE/QUOTE", LOT, LOT, LOT, ZERO)


def _check_timeframe(strategy: Strategy[Any], timeframe: str) -> None:
    wanted = strategy.timeframe
    if wanted is None or TIMEFRAMES_S[wanted] % TIMEFRAMES_S[timeframe] == 0:
        return
    raise refused(
        "timeframe",
        "timeframe",
        f"The bot's signals come from candles of {wanted}, and these are of {timeframe}: "
        f"set its timeframe to {timeframe} or longer, or give shorter candles.",
        timeframe,
    )


def _check_warm_up(strategy: Strategy[Any], closes: Closes | None) -> None:
    if closes is None or len(closes.candles) > strategy.candles_needed:
        return
    raise refused(
        "warm_up",
        "candles",
        f"The bot's signals need {strategy.candles_needed:,} closed candles of {strategy.timeframe} to warm "
        f"up, and there are {len(closes.candles):,}: give more candles, or set shorter periods.",
    )


def _check_start(strategy: Strategy[Any], price: Decimal) -> None:
    """What would forbid a start forbids a backtest of it."""
    wrong = [problem for problem in strategy.preflight(price).problems if not problem.warning]
    if wrong:
        raise BacktestRefused(*wrong)


def _nothing_there(request: Request, candles: Candles) -> str:
    if not len(candles):
        return "There are no candles in that period: choose another --since and --until."
    first, last = moment_of(int(candles.at[0])), moment_of(int(candles.at[-1]))
    return (
        f"There are no candles after --since: they go from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}."
    )
