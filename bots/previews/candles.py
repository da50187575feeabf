"""Which candles a preview runs on: the past of the very market the bot would trade on.

First what is stored of it, the last year of that. A market of the built-in exchange has a past
without any import: the candle file it plays, as far as it has played it, or else its own seeded walk.
Both end at the last UTC midnight of the market's clock, so that a preview stays the same, and is
found again, for a day.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bots.backtest.request import FileSource, Request, Rules, StoreSource, WalkSource
from bots.strategies.limits import DAY_MS
from bots.strategies.registry import BOT_TYPES, read_settings
from orders.gateways.candle_store import CandleStore, Series, WrongName
from orders.gateways.listed import EXCHANGE
from orders.gateways.offers import OFFERS
from orders.gateways.simulated import now_of
from orders.models import Market, SimulatedMarket
from orders.rules import HUNDRED
from tradingbot.clock import TIMEFRAMES_S, ms_of

PERIOD_DAYS_MAX = 365
# It looks every few seconds, and candles cannot tell how it does anyway: a week is enough of that.
SPREAD_CAPTURE_DAYS = 7
# Shorter candles tell in more detail which price came first, and take longer. Measured on a year of
# the walk, five minutes and one give grids, dips and momentum the same trades, and a DCA a few others.
FINE_S = TIMEFRAMES_S["5m"]
COARSE_S_MAX = TIMEFRAMES_S["1h"]
MINUTE = "1m"


class NoCandles(Exception):
    """There is nothing to run on; the text says how to get some."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A bot as it would be started: settings that are valid, on a market with its newest rules."""

    bot_type: str
    values: Mapping[str, Any]
    market: Market


def request_of(wanted: Wanted, root: Path) -> Request:
    """The backtest that previews it; `root` is the candle store's. Raises `NoCandles`."""
    settings: Any = read_settings(wanted.bot_type, wanted.values)
    strategy = BOT_TYPES[wanted.bot_type].build(settings, wanted.market.rules())
    days = SPREAD_CAPTURE_DAYS if getattr(settings, "captures_spread", False) else PERIOD_DAYS_MAX
    row = wanted.market
    stored = _stored(row, root)
    timeframe = chosen({series.timeframe for series in stored}, strategy.timeframe)
    if timeframe:
        return _of_store(wanted, next(one for one in stored if one.timeframe == timeframe), root, days)
    if row.exchange == EXCHANGE:
        return _of_exchange(wanted, strategy.timeframe, days)
    raise NoCandles(_import_some(row, strategy.timeframe))


def _stored(row: Market, root: Path) -> list[Series]:
    """An exchange may name a market as no folder can be named."""
    try:
        return CandleStore(root).of_market(exchange=row.exchange, ticker=row.ticker)
    except WrongName:
        raise NoCandles(f"No candles of {row.ticker} can be kept, since it has an unusual name.") from None


def chosen(there: Iterable[str], signals: str | None) -> str:
    """The coarsest timeframe that is fine, or the finest one up to an hour; "" when none will do.

    Signals need candles that theirs can be put together from.
    """
    able = [
        (seconds, name)
        for name in there
        if (seconds := TIMEFRAMES_S[name]) <= COARSE_S_MAX
        and (signals is None or TIMEFRAMES_S[signals] % seconds == 0)
    ]
    fine = [one for one in able if one[0] <= FINE_S]
    return max(fine)[1] if fine else min(able, default=(0, ""))[1]


def _of_store(wanted: Wanted, series: Series, root: Path, days: int) -> Request:
    row = wanted.market
    until = series.last + TIMEFRAMES_S[series.timeframe] * 1000
    return Request(
        bot_type=wanted.bot_type,
        values=wanted.values,
        source=StoreSource(root, row.exchange, row.ticker, series.timeframe),
        rules=_rules_of(row),
        since=max(until - days * DAY_MS, series.first),
        until=until,
    )


def _of_exchange(wanted: Wanted, signals: str | None, days: int) -> Request:
    """The exchange's own past, with the spread it quotes."""
    ticker = wanted.market.ticker
    row = SimulatedMarket.objects.get(ticker=ticker)
    until = now_of(row) // DAY_MS * DAY_MS
    since = until - days * DAY_MS
    source: FileSource | WalkSource = WalkSource(ticker, row.seed, chosen(("5m", MINUTE), signals))
    if row.replay:
        source, since = FileSource(Path(row.replay)), max(since, ms_of(row.began_at))
        if since >= until:
            raise NoCandles(f"{ticker} plays a candle file, and has not played a whole day of it yet.")
    return Request(
        bot_type=wanted.bot_type,
        values=wanted.values,
        source=source,
        rules=_rules_of(wanted.market),
        since=since,
        until=until,
        spread_bps=row.spread_bps,
    )


def _rules_of(row: Market) -> Rules:
    """A listed market's rules are known by its name."""
    if row.exchange == EXCHANGE:
        return Rules(ticker=row.ticker, rests_stops=row.rests_stops)
    return Rules(
        ticker=row.ticker,
        tick=row.tick,
        lot=row.lot,
        min_cost=row.min_cost,
        fee_pct=row.taker_fee * HUNDRED,
        fee_in=row.rules().fee_in,
        rests_stops=row.rests_stops,
    )


def _import_some(row: Market, signals: str | None) -> str:
    wanted = f"{signals} or shorter" if signals else "an hour or shorter"
    place = f"--exchange {row.exchange} --ticker {row.ticker}"
    how = f"import some with manage.py import_candles FILE {place}."
    if row.exchange in OFFERS:
        how = (
            f"fetch them with manage.py download_candles {place} --timeframe {signals or '5m'} --since DATE."
        )
    return f"There are no candles of {row.ticker} on {row.exchange} that are {wanted}: {how}"
