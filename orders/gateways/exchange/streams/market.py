"""The prices of some markets on one connection."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any

from orders.gateways.exchange.client import Client
from orders.gateways.exchange.feeds import ALL_PARTS, Feed, Feeds
from orders.gateways.exchange.prices import FRESH_MS, quote_of
from orders.gateways.exchange.spoken import Overrides, now_ms
from orders.gateways.exchange.streams.drops import Drops
from orders.gateways.exchange.streams.heard import feeds_of, heard
from orders.gateways.exchange.streams.kept import Pace, Silent
from orders.gateways.exchange.streams.watching import watched
from orders.gateways.streaming import Ear
from orders.matching import Quote

# What was told so long ago has been waiting somewhere on its way, and is no price of now.
OLD_MS = 10_000
LOOK_EVERY_S = 0.25


class MarketStream:
    """Markets of one exchange (or its sandbox), few enough for one connection."""

    def __init__(
        self,
        exchange: str,
        tickers: frozenset[str],
        *,
        master: Callable[[], Client],
        overrides: Mapping[str, Overrides],
        ear: Ear,
        drops: Drops,
        pace: Pace,
        silence_s: float | None = None,
    ) -> None:
        """`silence_s` in place of what the exchange's adapter says."""
        self.exchange, self.tickers, self.rest = exchange, tickers, master
        self._overrides, self._ear, self._drops, self._pace = overrides, ear, drops, pace
        self._silence_s = silence_s
        self._parts: dict[str, dict[str, tuple[Any, int]]] = {}
        self._seen: dict[tuple[str, str], Any] = {}
        self._priced_at_s, self._offset_ms = 0.0, 0

    @property
    def name(self) -> str:
        return f"{self.exchange}: prices of {len(self.tickers)} markets"

    def heard(self, rest: Client) -> Any:
        return heard(rest, self._overrides.get(rest.adapter.exchange, {}), self._drops, self._unpriced)

    def lost(self) -> None:
        self._unpriced()

    async def listen(self, pro: Any, rest: Client) -> None:
        """Raises what ends it: `Silent`, or whatever ccxt does."""
        feeds = feeds_of(rest)
        # ccxt refuses the whole subscription for one market that is listed no more.
        listed = sorted(ticker for ticker in self.tickers if ticker in pro.markets)
        if not listed:
            raise Silent
        self._parts, self._seen, self._priced_at_s = {ticker: {} for ticker in listed}, {}, monotonic()
        self._offset_ms = int(rest.ccxt.offset_ms)
        watches = [
            self._watch(pro, feed, tickers)
            for feed in feeds.prices
            for tickers in ([[ticker] for ticker in listed] if feed.each else [listed])
        ]
        tasks = [asyncio.ensure_future(watch) for watch in (*watches, self._watchdog(feeds))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, pro: Any, feed: Feed, tickers: Sequence[str]) -> None:
        watch, names = getattr(pro, feed.watch), tickers[0] if feed.each else tickers
        await watched(
            lambda: watch(names, params=dict(feed.params)),
            lambda: self._take(getattr(pro, feed.kept), feed, tickers),
            LOOK_EVERY_S,
        )

    async def _watchdog(self, feeds: Feeds) -> None:
        """Pongs prove nothing: only prices do."""
        silence_s = feeds.silence_s if self._silence_s is None else self._silence_s
        while (left_s := self._priced_at_s + silence_s - monotonic()) > 0:
            await asyncio.sleep(left_s)
        raise Silent

    def _take(self, kept: dict[str, Any], feed: Feed, tickers: Sequence[str]) -> None:
        """What has come of these markets since the last look. ccxt's own memory is read, and not what a watch
        returns: of two messages that came at once that is the older one."""
        strangers = kept.keys() - self._parts.keys()
        for stranger in strangers:
            del kept[stranger]
        self._drops.count("of another market", len(strangers))
        quotes = {}
        for ticker in tickers:
            told = _newest(kept.get(ticker))
            if told is not None and self._seen.get((feed.kept, ticker)) is not told:
                self._seen[feed.kept, ticker] = told
                quote = self._quote(feed, ticker, told)
                if quote is not None:
                    quotes[ticker] = quote
        if quotes:
            self._priced_at_s = monotonic()
            self._pace.steady()
            self._ear.priced(self.exchange, quotes)

    def _quote(self, feed: Feed, ticker: str, told: Mapping[str, Any]) -> Quote | None:
        """None while a part is missing or old: then it is asked for."""
        now = now_ms()
        if _is_late(told, now + self._offset_ms):
            self._drops.count("late")
            return None
        named = {**told, "last": told.get("last", told.get("price"))}
        parts = self._parts[ticker]
        parts |= {name: (named.get(name), now) for name in feed.tells}
        fresh = {name: value for name, (value, at) in parts.items() if now - at <= FRESH_MS}
        if len(fresh) < len(ALL_PARTS):
            return None
        quote = quote_of(fresh)
        if quote is None:
            self._drops.count("impossible")
            for name in feed.tells:
                del parts[name]
        return quote

    def _unpriced(self) -> None:
        self._ear.unpriced(self.exchange, self.tickers)


def _newest(kept: Any) -> Any:
    """Of a market's trades the last one."""
    if kept is None or isinstance(kept, dict):
        return kept
    return kept[-1] if len(kept) else None


def _is_late(told: Mapping[str, Any], now: int) -> bool:
    at = told.get("timestamp")
    return isinstance(at, int) and now - at > OLD_MS
