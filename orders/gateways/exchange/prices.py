"""A real exchange's prices: the latest that a stream has left in the cache, or asked for."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

import numpy as np
from django.core.cache import cache

from bots.strategies.base import Candles
from orders.gateways.base import RateLimited, Unreachable
from orders.gateways.exchange.client import Client, now_ms
from orders.gateways.exchange.clients import Masters
from orders.gateways.exchange.orders import above_zero
from orders.matching import Quote
from tradingbot.clock import TIMEFRAMES_S

# What a stream has seen is good for this long; then the exchange is asked.
FRESH_MS = 3_000
KEPT_S = 3600
PAGE = 500
PAGES_MAX = 60
CANDLES_KEPT = 256


class ExchangePrices:
    def __init__(self, exchange: str, masters: Masters) -> None:
        self.exchange, self._masters = exchange, masters
        self._closed = lru_cache(maxsize=CANDLES_KEPT)(self._ask_candles)

    def quotes(self, tickers: Collection[str]) -> Mapping[str, Quote]:
        """The latest price of each; one that cannot be had now is the last one known, or left out."""
        names = {self._key(ticker): ticker for ticker in tickers}
        known: dict[str, Quote] = {names[key]: quote for key, quote in cache.get_many(names).items()}
        stale = [ticker for ticker in tickers if ticker not in known or _old(known[ticker])]
        if stale:
            # An old price is shown as old, and no entry is made on it.
            with suppress(Unreachable, RateLimited):
                known |= self.ask(stale)
        return known

    def ask(self, tickers: Collection[str]) -> dict[str, Quote]:
        """Ask the exchange, and leave the answer where every process finds it."""
        client = self._masters.master(self.exchange)
        told = client.ask(lambda ccxt: ccxt.fetch_tickers(sorted(tickers)))
        found = {}
        for ticker in tickers:
            quote = quote_of(told.get(ticker) or {}, client)
            if quote is not None:
                found[ticker] = quote
        self.keep(found)
        return found

    def keep(self, quotes: Mapping[str, Quote]) -> None:
        cache.set_many({self._key(ticker): quote for ticker, quote in quotes.items()}, timeout=KEPT_S)

    def candles(self, *, ticker: str, timeframe: str, until: int, count: int) -> Candles:
        length_ms = TIMEFRAMES_S[timeframe] * 1000
        return self._closed(ticker, timeframe, until // length_ms * length_ms, count)

    def age_s(self, quote: Quote) -> float:
        return max(now_ms() - quote.at, 0) / 1000

    def hold(self, ticker: str, quote: Quote) -> bool:
        return True

    def _ask_candles(self, ticker: str, timeframe: str, end: int, count: int) -> Candles:
        """`count` candles that have closed by `end`, a whole multiple of their length, page by page."""
        client = self._masters.master(self.exchange)
        length_ms = TIMEFRAMES_S[timeframe] * 1000
        since, rows = end - count * length_ms, dict[int, list[Any]]()
        for _ in range(PAGES_MAX):
            page = _page(client, ticker, timeframe, since)
            fresh = {int(row[0]): row for row in page if since <= int(row[0]) <= end - length_ms}
            if not fresh.keys() - rows.keys():
                break
            rows |= fresh
            since = max(rows) + length_ms
            if since > end - length_ms:
                break
        return _candles([rows[at] for at in sorted(rows)])

    def _key(self, ticker: str) -> str:
        return f"price:{self.exchange}:{ticker.replace('/', '-')}"


def quote_of(told: Mapping[str, Any], client: Client) -> Quote | None:
    """A ticker as a quote; None where a side is missing or crossed, or a price cannot be."""
    try:
        bid, ask, last = (above_zero(told.get(name), name) for name in ("bid", "ask", "last"))
    except Unreachable:
        return None
    if bid > ask:
        return None
    return Quote(bid, ask, last, now_ms() + client.ccxt.offset_ms)


def _page(client: Client, ticker: str, timeframe: str, since: int) -> list[list[Any]]:
    rows: list[list[Any]] = client.ask(
        lambda ccxt: ccxt.fetch_ohlcv(ticker, timeframe, since, PAGE), rows=True
    )
    return rows


def _old(quote: Quote) -> bool:
    return now_ms() - quote.at > FRESH_MS


def _candles(rows: list[list[Any]]) -> Candles:
    columns = [np.array([float(row[place]) for row in rows]) for place in range(1, 6)]
    return Candles(np.array([int(row[0]) for row in rows], dtype=np.int64), *columns)
