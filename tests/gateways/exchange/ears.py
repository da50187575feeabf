"""Whoever listens to streams in tests: it keeps what it was told, and waits for what it expects."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from orders.gateways.exchange.clients import ProcessClients
from orders.gateways.exchange.prices import ExchangePrices
from orders.gateways.exchange.streams.listening import ExchangeStreams, Listening, Timing
from orders.gateways.streaming import Told, Wanted
from orders.matching import Quote
from tests.exchange import Exchange
from tests.exchange.hub import Event, Line
from tests.gateways.exchange.public import NAME, options_of
from tests.waiting import until

BTC, ETH = "BTC/USDT", "ETH/USDT"
TICKER, TRADE = "btcusdt@ticker", "btcusdt@trade"
QUICK = Timing(silence_s=0.5, again_s=0.02)
LONG = Timing(silence_s=60, again_s=0.02)


@dataclass
class Recorder:
    prices: list[tuple[str, Quote]] = field(default_factory=list)
    gaps: list[frozenset[str]] = field(default_factory=list)
    orders: list[Told] = field(default_factory=list)
    openings: list[UUID] = field(default_factory=list)

    def priced(self, exchange: str, quotes: Mapping[str, Quote]) -> None:
        self.prices += quotes.items()

    def unpriced(self, exchange: str, tickers: frozenset[str]) -> None:
        self.gaps.append(tickers)

    def told(self, account_id: UUID, orders: Sequence[Told]) -> None:
        self.orders += orders

    def missed(self, account_id: UUID) -> None:
        self.openings.append(account_id)


@dataclass
class Room:
    """A process that streams from the test exchange."""

    exchange: Exchange
    listening: Listening
    ear: Recorder
    prices: ExchangePrices

    def follow(self, *tickers: str) -> None:
        self.listening.follow(Wanted({NAME: frozenset(tickers)}))

    def listened(self, stream: str = TICKER) -> set[Line]:
        return {line for line in tuple(self.exchange.hub.lines) if stream in line.streams}

    def hears(self, *tickers: str) -> None:
        """From now on all that these markets' streams tell is heard."""
        self.follow(*tickers)
        names = [f"{ticker.replace('/', '').lower()}@{kind}" for ticker in tickers for kind in KINDS]
        until(lambda: all(self.listened(name) for name in names))

    def tells(self, stream: str, **payload: Any) -> None:
        """The exchange says this, whatever it may mean."""
        self.exchange.hub.tell(Event(stream, payload))

    def says(self, text: str, stream: str = TICKER) -> None:
        """The same, letter by letter."""
        loop = self.exchange.hub.loop
        assert loop is not None
        for line in self.listened(stream):
            loop.call_soon_threadsafe(line.outbox.put_nowait, text)

    def lasts(self) -> list[int]:
        return [int(quote.last) for _, quote in self.ear.prices]


KINDS = ("ticker", "trade")


@contextmanager
def streaming(
    exchange: Exchange, clients: ProcessClients, timing: Timing = QUICK, **overrides: Any
) -> Iterator[Room]:
    """`overrides` are an operator's, beside the exchange's addresses."""
    prices = ExchangePrices(NAME, clients)
    options = overrides or options_of(exchange)
    streams = ExchangeStreams({NAME: prices}, clients.of, {NAME: options}, timing)
    ear = Recorder()
    listening = streams.begin(ear)
    try:
        yield Room(exchange, listening, ear, prices)
    finally:
        listening.stop()
