"""What a backtest is made from: candles of a file or of the store, the market's rules, the strategy.

Everything that can be wrong with a request is found here, before anything runs.
"""

from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np

from bots.backtest.request import (
    FEE_PCT,
    BacktestRefused,
    FileSource,
    Request,
    Rules,
    StoreSource,
    WalkSource,
    refused,
)
from bots.backtest.tape import Closes, Tape, closes_of
from bots.backtest.walked import walked
from bots.strategies.base import Candles, Strategy
from bots.strategies.candles import part
from bots.strategies.limits import DAY_MS
from bots.strategies.registry import BOT_TYPES, SettingsRefused, read_settings
from bots.strategies.settings import Settings
from orders.gateways.candle_file import CandleFile, CandlesRefused, exact, filled_up, read_candles
from orders.gateways.candle_store import BrokenMonth, CandleStore, WrongName
from orders.gateways.listed import LISTED, Listed
from orders.records import Frozen
from orders.rules import HUNDRED, ZERO, FeeIn, Market
from tradingbot.clock import TIMEFRAMES_S, moment_of

LOT = Decimal("1e-8")
TICK_SAMPLE = 2000
TICK_PLACES_MAX = 8
REELS_KEPT_MAX = 4

Source = FileSource | StoreSource | WalkSource


class Inputs(Frozen):
    """All that a run takes: `first` is the row of the tape at which the bot starts."""

    settings: Settings
    strategy: Strategy[Any]
    tape: Tape
    timeframe: str
    closes: Closes | None
    first: int
    gaps: int


class Reel(Frozen):
    """Candles ready to be walked; `gaps` is how many are missing between them."""

    tape: Tape
    timeframe: str
    gaps: int


def settings_of(request: Request) -> Settings:
    try:
        return read_settings(request.bot_type, request.values)
    except SettingsRefused as wrong:
        raise BacktestRefused(*wrong.problems) from None


def reel_of(request: Request, needed_ms: int) -> Reel:
    """The candles of a request, ready to be walked.

    From a store or a walk come also those of `needed_ms` before `since`, which warm up the signals.
    """
    source, since = request.source, None
    if not isinstance(source, FileSource) and request.since is not None:
        since = max(request.since - needed_ms, 0)
    if isinstance(source, WalkSource) and since is not None:
        # Whole days, so that another period of a signal finds the same candles made already.
        since = since // DAY_MS * DAY_MS
    try:
        return _reel(source, since, request.until, _stamp(source))
    except (CandlesRefused, BrokenMonth, WrongName) as wrong:
        raise refused("candles", "candles", str(wrong)) from None


def prepared(request: Request) -> Inputs:
    """Everything checked and ready to run; raises `BacktestRefused`."""
    settings = settings_of(request)
    needed_ms = _warm_up_ms(BOT_TYPES[request.bot_type].build(settings, _any_market()))
    reel = reel_of(request, needed_ms)
    candles, timeframe = reel.tape.candles, reel.timeframe
    first = 0 if request.since is None else int(np.searchsorted(candles.at, request.since))
    if first >= len(candles):
        raise refused("no_candles", "since", _nothing_after(candles))
    rules = replace(request.rules, rests_stops=request.rests_stops)
    market = market_of(rules, request.listed, candles)
    strategy = BOT_TYPES[request.bot_type].build(settings, market)
    _check_timeframe(strategy, timeframe)
    closes = closes_of(reel.tape, strategy)
    _check_warm_up(strategy, closes)
    _check_start(strategy, exact(candles.open[first]))
    return Inputs(settings, strategy, reel.tape, timeframe, closes, first, reel.gaps)


def market_of(rules: Rules, listed: Listed | None, candles: Candles) -> Market:
    """The rules given, then those of a listed market of that name, then what the candles tell."""
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
        rests_stops=bool(rules.rests_stops),
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


# A child that stays warm is asked about the same candles again and again.
@lru_cache(maxsize=REELS_KEPT_MAX)
def _reel(source: Source, since: int | None, until: int | None, _: int) -> Reel:
    candles, timeframe = _read(source, since, until)
    if until is not None:
        candles = part(candles, 0, int(np.searchsorted(candles.at, until)))
    if not len(candles):
        raise refused(
            "no_candles", "since", "There are no candles in that period: choose another --since and --until."
        )
    return Reel(Tape(candles, timeframe), timeframe, _missing(candles, timeframe))


def _stamp(source: Source) -> int:
    """Another number whenever other candles lie behind the same name."""
    if isinstance(source, StoreSource):
        return CandleStore(source.root).stamp(
            exchange=source.exchange, ticker=source.ticker, timeframe=source.timeframe
        )
    return source.path.stat().st_mtime_ns if isinstance(source, FileSource) and source.path.exists() else 0


def _read(source: Source, since: int | None, until: int | None) -> tuple[Candles, str]:
    if isinstance(source, FileSource):
        read = read_candles(source.path, fill_gaps=source.fill_gaps)
        _expect(read, source)
        return read.candles, read.timeframe
    if isinstance(source, WalkSource):
        return _walked(source, since, until), source.timeframe
    return _stored(source, since, until), source.timeframe


def _walked(source: WalkSource, since: int | None, until: int | None) -> Candles:
    if since is None or until is None or source.ticker not in LISTED:
        why = "A walk is that of a listed market and goes from --since to --until: give both."
        raise refused("no_candles", "since", why)
    return walked(
        LISTED[source.ticker],
        seed=source.seed,
        since=since,
        until=until,
        length_ms=TIMEFRAMES_S[source.timeframe] * 1000,
    )


def _stored(source: StoreSource, since: int | None, until: int | None) -> Candles:
    candles = CandleStore(source.root).read(
        exchange=source.exchange,
        ticker=source.ticker,
        timeframe=source.timeframe,
        since=since,
        until=until,
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


def _nothing_after(candles: Candles) -> str:
    first, last = moment_of(int(candles.at[0])), moment_of(int(candles.at[-1]))
    return (
        f"There are no candles after --since: they go from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}."
    )
