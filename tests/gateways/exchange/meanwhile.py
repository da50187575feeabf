"""Prices at whose first look something of a test's happens."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from bots.strategies.base import Candles
from orders.gateways.base import Prices
from orders.matching import Quote


@dataclass
class Meanwhile:
    """In a turn that is when bots are read and nothing is decided yet."""

    real: Prices
    happens: Callable[[], object]
    looks: list[Quote] = field(default_factory=list)

    def quotes(self, tickers: Collection[str]) -> Mapping[str, Quote]:
        told = self.real.quotes(tickers)
        if not self.looks:
            self.looks += told.values()
            self.happens()
        return told

    def ask(self, tickers: Collection[str]) -> Mapping[str, Quote]:
        return self.real.ask(tickers)

    def candles(self, *, ticker: str, timeframe: str, until: int, count: int) -> Candles:
        return self.real.candles(ticker=ticker, timeframe=timeframe, until=until, count=count)

    def age_s(self, quote: Quote) -> float:
        return self.real.age_s(quote)

    def hold(self, ticker: str, quote: Quote) -> bool:
        return self.real.hold(ticker, quote)
