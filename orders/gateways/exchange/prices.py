"""A real exchange's prices: the latest that a stream has left in the cache, or asked for."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any

from django.core.cache import cache

from bots.strategies.base import Candles
from bots.strategies.candles import grouped
from orders.gateways.base import NotYet, RateLimited, Unreachable
from orders.gateways.candle_file import filled_up
from orders.gateways.exchange.client import Client
from orders.gateways.exchange.clients import Masters
from orders.gateways.exchange.history import Endless, Wanted, joined, pages
from orders.gateways.exchange.orders import above_zero
from orders.gateways.exchange.spoken import now_ms
from orders.gateways.exchange.tickers import ask_tickers
from orders.matching import Quote
from tradingbot.clock import TIMEFRAMES_S

# What a stream has seen is good for this long; then the exchange is asked.
FRESH_MS = 3_000
KEPT_S = 3600
# A candle that is not listed so long after its close had no trade.
LISTED_WITHIN_MS = 10_000
CANDLES_KEPT = 256
# A price so many times the one before, or the other side, is nonsense: until the one before is forgotten.
LEAP_MAX = 10


class ExchangePrices:
    def __init__(self, exchange: str, masters: Masters) -> None:
        self.exchange, self._masters = exchange, masters
        self._closed = lru_cache(maxsize=CANDLES_KEPT)(self._ask_candles)

    def quotes(self, tickers: Collection[str]) -> Mapping[str, Quote]:
        """The latest price of each; one that cannot be had now is the last one known, or left out."""
        known = self.remembered(tickers)
        stale = [ticker for ticker in tickers if ticker not in known or is_old(known[ticker])]
        if stale:
            # An old price is shown as old, and no entry is made on it.
            with suppress(Unreachable, RateLimited):
                known |= self.ask(stale)
        return known

    def ask(self, tickers: Collection[str]) -> dict[str, Quote]:
        """Ask the exchange, and leave the answer where every process finds it."""
        client = self.master()
        # ccxt refuses the whole question for one market that is listed no more.
        listed = sorted(ticker for ticker in tickers if ticker in client.ccxt.markets)
        if not listed:
            return {}
        told = ask_tickers(client, listed)
        quotes = {ticker: quote_of(told.get(ticker) or {}) for ticker in listed}
        return self.take({ticker: quote for ticker, quote in quotes.items() if quote is not None})

    def take(self, quotes: Mapping[str, Quote]) -> dict[str, Quote]:
        """Keep those that do not leap, and return them."""
        known = self.remembered(quotes)
        found = {ticker: quote for ticker, quote in quotes.items() if not _leaps(quote, known.get(ticker))}
        self.keep(found)
        return found

    def master(self) -> Client:
        """Whom it asks. Raises a `GatewayError` while there is nobody who could."""
        return self._masters.master(self.exchange)

    def keep(self, quotes: Mapping[str, Quote]) -> None:
        cache.set_many({self._key(ticker): quote for ticker, quote in quotes.items()}, timeout=KEPT_S)

    def candles(self, *, ticker: str, timeframe: str, until: int, count: int) -> Candles:
        """Where nobody traded, a candle stands still: exchanges leave it out. Raises `NotYet` while the
        newest may still be on its way."""
        step = TIMEFRAMES_S[timeframe] * 1000
        return self._closed(ticker, timeframe, until // step * step, count)

    def age_s(self, quote: Quote) -> float:
        """A price of the future is one of a clock that is wrong, and as little worth as an old one."""
        return abs(now_ms() - quote.at) / 1000

    def hold(self, ticker: str, quote: Quote) -> bool:
        return True

    def _ask_candles(self, ticker: str, timeframe: str, end: int, count: int) -> Candles:
        """`count` candles that have closed by `end`, a whole multiple of their length."""
        client, step = self.master(), TIMEFRAMES_S[timeframe] * 1000
        own = _own(client, timeframe)
        if own != timeframe:
            parts = TIMEFRAMES_S[timeframe] // TIMEFRAMES_S[own]
            return grouped(self._ask_candles(ticker, own, end, count * parts), step, end)
        wanted = Wanted(end - count * step, min(end, closed_until(client, timeframe)), step)
        ask = partial(ask_page, client, ticker, timeframe)
        try:
            found = [page.candles for page in pages(ask, wanted, client.adapter.past)]
        except Endless as endless:
            raise Unreachable(f"{self.exchange} gave {endless}") from None
        candles = joined(found)
        since_close_ms = now_ms() + int(client.ccxt.offset_ms) - end
        if (not len(candles) or candles.at[-1] != end - step) and since_close_ms < LISTED_WITHIN_MS:
            raise NotYet(f"{self.exchange} does not list the candle of {ticker} yet")
        return filled_up(candles, step, until=end) if len(candles) else candles

    def remembered(self, tickers: Collection[str]) -> dict[str, Quote]:
        """The last price known of each, however old; nobody is asked."""
        names = {self._key(ticker): ticker for ticker in tickers}
        return {names[key]: quote for key, quote in cache.get_many(names).items()}

    def _key(self, ticker: str) -> str:
        return f"price:{self.exchange}:{ticker.replace('/', '-')}"


def quote_of(told: Mapping[str, Any]) -> Quote | None:
    """A ticker as a quote; None where a side is missing or crossed, or a price cannot be."""
    try:
        bid, ask, last = (above_zero(told.get(name), name) for name in ("bid", "ask", "last"))
    except Unreachable:
        return None
    if bid > ask or max(ask, last) > min(bid, last) * LEAP_MAX:
        return None
    return Quote(bid, ask, last, now_ms())


def ask_page(client: Client, ticker: str, timeframe: str, at: int) -> list[Any]:
    """One page of candles that begins at `at` (ms UTC), rows as the exchange tells them."""
    count = client.adapter.past.page
    rows: list[Any] = client.ask(lambda ccxt: ccxt.fetch_ohlcv(ticker, timeframe, at, count), rows=True)
    return rows


def closed_until(client: Client, timeframe: str) -> int:
    """When the candle opened that is open now by the exchange's clock (ms UTC)."""
    step = TIMEFRAMES_S[timeframe] * 1000
    return (now_ms() + int(client.ccxt.offset_ms)) // step * step


def _own(client: Client, timeframe: str) -> str:
    """The longest of the exchange's own timeframes that this one is made of; this one where it has it."""
    length_s, told = TIMEFRAMES_S[timeframe], client.ccxt.timeframes
    own = [name for name, part_s in TIMEFRAMES_S.items() if name in told and length_s % part_s == 0]
    return own[-1] if own else timeframe


def _leaps(quote: Quote, known: Quote | None) -> bool:
    if known is None:
        return False
    return not known.last / LEAP_MAX <= quote.last <= known.last * LEAP_MAX


def is_old(quote: Quote) -> bool:
    return abs(now_ms() - quote.at) > FRESH_MS
