"""The built-in exchange: five markets with real-looking rules, and prices without a network.

A market's prices are a seeded walk or the replay of a candle file. Where its clock stands is a row,
so every process sees the same price, and a restart goes on where the last commit was.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import numpy as np
from django.db.models import F

from bots.strategies.base import Candles
from bots.strategies.candles import grouped, part
from orders.gateways.candle_file import exact, read_candles
from orders.gateways.listed import EXCHANGE, LISTED, Listed
from orders.gateways.lockstep import Source, Stand, first_stand, time_at
from orders.gateways.walk import MINUTE_MS, walk_candles
from orders.matching import Candle, Quote, quote_around
from orders.models import Market, SimulatedMarket
from orders.rules import Market as MarketOf
from orders.rules import half_up_to
from tradingbot.clock import TIMEFRAMES_S, moment_of, ms_of

BLOCK = 1440
HISTORY_MINUTES_MAX = 400_000
SPREAD_BPS = Decimal(2)
SEED = 20
RULES = ("tick", "lot", "min_amount", "min_cost", "maker_fee", "taker_fee", "fee_in", "rests_stops")


def open_exchange(*, now: datetime) -> None:
    """Make the rows of every listed market that are not there yet, or were made by other rules."""
    began = now.replace(second=0, microsecond=0)
    for number, (ticker, listed) in enumerate(LISTED.items()):
        _keep_rules(listed.rules, now)
        if not SimulatedMarket.objects.filter(ticker=ticker).exists():
            walk = WalkSource(listed, SEED + number, began)
            SimulatedMarket.objects.create(
                ticker=ticker,
                seed=SEED + number,
                began_at=began,
                price=first_stand(walk).price,
                spread_bps=SPREAD_BPS,
            )


def _keep_rules(rules: MarketOf, now: datetime) -> None:
    newest = Market.objects.filter(exchange=EXCHANGE, ticker=rules.ticker).order_by("-version").first()
    if newest is not None and newest.rules() == rules:
        return
    Market.objects.get_or_create(
        exchange=EXCHANGE,
        ticker=rules.ticker,
        version=newest.version + 1 if newest else 1,
        defaults={**{name: getattr(rules, name) for name in RULES}, "loaded_at": now},
    )


class WalkSource:
    """The seeded walk of a listed market from `began` on, on its tick."""

    length_ms = MINUTE_MS

    def __init__(self, listed: Listed, seed: int, began: datetime) -> None:
        self._listed, self._seed = listed, seed
        self._first = ms_of(began) // MINUTE_MS
        self._block = lru_cache(maxsize=4)(self._make_block)

    def candle(self, number: int) -> Candle | None:
        block, place = divmod(number, BLOCK)
        return self._block(block)[place]

    def history(self, until: int, count: int) -> Candles:
        """`count` one-minute candles closed at or before `until` (ms UTC)."""
        return self._walk(until // MINUTE_MS - count, count)

    def _walk(self, first: int, count: int) -> Candles:
        return walk_candles(
            seed=self._seed,
            base_price=self._listed.base_price,
            scale=self._listed.scale,
            first=first,
            count=count,
        )

    def _make_block(self, block: int) -> list[Candle]:
        candles = self._walk(self._first + block * BLOCK, BLOCK)
        tick = self._listed.rules.tick
        return [_on_tick(candles, row, tick) for row in range(BLOCK)]


def _on_tick(candles: Candles, row: int, tick: Decimal) -> Candle:
    columns = (candles.open, candles.high, candles.low, candles.close)
    open_, high, low, close = (max(half_up_to(exact(column[row]), tick), tick) for column in columns)
    return Candle(
        int(candles.at[row]), open_, high, low, close, Decimal(round(float(candles.volume[row]), 4))
    )


class ReplaySource:
    """A candle file, played from its first candle to its last."""

    def __init__(self, path: Path) -> None:
        read = read_candles(path)
        self._candles, self.length_ms = read.candles, TIMEFRAMES_S[read.timeframe] * 1000

    def candle(self, number: int) -> Candle | None:
        if number >= len(self._candles):
            return None
        c = self._candles
        prices = (exact(column[number]) for column in (c.open, c.high, c.low, c.close, c.volume))
        return Candle(int(c.at[number]), *prices)

    def history(self, until: int, count: int) -> Candles:
        end = int(np.searchsorted(self._candles.at, until - self.length_ms, side="right"))
        return part(self._candles, max(end - count, 0), end)


@lru_cache(maxsize=16)
def _source(ticker: str, seed: int, began_at: datetime, replay: str) -> WalkSource | ReplaySource:
    return ReplaySource(Path(replay)) if replay else WalkSource(LISTED[ticker], seed, began_at)


def source_of(row: SimulatedMarket) -> WalkSource | ReplaySource:
    """The row's price source; kept, since a replay's file is read once a process."""
    return _source(row.ticker, row.seed, row.began_at, row.replay)


def now_of(row: SimulatedMarket) -> int:
    """Market time in ms UTC where the row's clock stands."""
    source: Source = source_of(row)
    candle = source.candle(row.candle)
    if candle is None:
        raise LookupError(f"the clock of {row.ticker} stands behind the last candle of {row.replay}")
    return time_at(candle, row.leg, source.length_ms)


def stand_of(row: SimulatedMarket) -> Stand:
    return Stand(row.candle, row.leg, row.price)


class SimulatedPrices:
    """The built-in exchange's prices, read where its clocks stand."""

    def quotes(self, tickers: Collection[str]) -> Mapping[str, Quote]:
        rows = SimulatedMarket.objects.filter(ticker__in=tickers)
        return {row.ticker: self.quote(row) for row in rows}

    ask = quotes

    def quote(self, row: SimulatedMarket) -> Quote:
        rules = LISTED[row.ticker].rules
        return quote_around(row.price, rules, row.spread_bps, now_of(row))

    def candles(self, *, ticker: str, timeframe: str, until: int, count: int) -> Candles:
        source = source_of(SimulatedMarket.objects.get(ticker=ticker))
        length_ms = TIMEFRAMES_S[timeframe] * 1000
        wanted = min((count + 1) * length_ms // source.length_ms, HISTORY_MINUTES_MAX)
        merged = grouped(source.history(until, wanted), length_ms, until)
        return part(merged, max(len(merged) - count, 0), len(merged))

    def age_s(self, quote: Quote) -> float:
        return 0.0

    def hold(self, ticker: str, quote: Quote) -> bool:
        row = SimulatedMarket.objects.get(ticker=ticker)
        if row.price != quote.last or now_of(row) != quote.at:
            return False
        standing = SimulatedMarket.objects.filter(pk=row.pk, candle=row.candle, leg=row.leg, price=row.price)
        # The update changes nothing; it takes the row, so the clock waits for this commit.
        return bool(standing.update(epoch=F("epoch")))


def replay_from(*, ticker: str, path: Path, now: datetime) -> SimulatedMarket:
    """Let `ticker` play a candle file from its start; a clock already playing it goes on."""
    open_exchange(now=now)
    row = SimulatedMarket.objects.get(ticker=ticker)
    if row.replay == str(path.absolute()):
        return row
    source = ReplaySource(path)
    first = first_stand(source)
    row.replay, row.candle, row.leg, row.price = str(path.absolute()), 0, 0, first.price
    opening = source.candle(0)
    row.began_at = moment_of(opening.at) if opening else now
    row.ended = False
    row.save()
    return row
