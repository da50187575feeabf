"""A market's past candles from its exchange into the candle store, going on where the last run stopped."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bots.strategies.base import Candles
from orders.gateways.base import RateLimited, Unreachable
from orders.gateways.candle_store import CandleStore
from orders.gateways.exchange.client import Client
from orders.gateways.exchange.history import Times, Wanted, joined, pages
from orders.gateways.exchange.prices import ask_page

# A run that is killed loses fewer than so many candles.
UNWRITTEN_MAX = 1_000
TRIES_MAX = 5
PAUSE_S = 2.0
WAITS_MAX = 20
WAIT_S_MAX = 900.0
DAY_MS = 86_400_000

T = TypeVar("T")


@dataclass
class Patience:
    """Asks again where that may help: after the wait that an exchange names, at most `WAITS_MAX` times in
    all, and after growing pauses where it does not answer."""

    sleep: Callable[[float], None]
    waits: int = 0

    def ask(self, question: Callable[[], T]) -> T:
        """The answer; raises the last `RateLimited` or `Unreachable` when patience has an end."""
        tries = 0
        while True:
            try:
                return question()
            except RateLimited as limited:
                self.waits += 1
                if self.waits > WAITS_MAX or limited.wait_s > WAIT_S_MAX:
                    raise
                self.sleep(limited.wait_s)
            except Unreachable:
                tries += 1
                if tries == TRIES_MAX:
                    raise
                self.sleep(PAUSE_S * 2 ** (tries - 1))


@dataclass
class Download:
    """One series on its way. `moved` is told the open time (ms UTC) up to which all has been asked for;
    `fetched` counts candles that came, `dropped` rows that were rubbish, by reason."""

    client: Client
    store: CandleStore
    ticker: str
    timeframe: str
    wanted: Wanted
    patience: Patience
    moved: Callable[[int], None]
    fetched: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    _unwritten: list[Candles] = field(default_factory=list)

    def run(self) -> None:
        """Raises `RateLimited`, `Unreachable` or `Endless`; what came until then is in the store."""
        past = self.client.adapter.past
        try:
            for page in pages(self._ask, self.wanted, past, self.times(), self._skip):
                self.dropped.update(page.dropped)
                self._keep(page.candles)
        finally:
            self._write()

    def times(self) -> Times:
        """The open times that the store has of what is wanted."""
        return self.store.read(**self._series(), since=self.wanted.start, until=self.wanted.end).at

    def _keep(self, candles: Candles) -> None:
        if not len(candles):
            return
        self.fetched += len(candles)
        self._unwritten.append(candles)
        if sum(map(len, self._unwritten)) >= UNWRITTEN_MAX:
            self._write()

    def _write(self) -> None:
        if self._unwritten:
            self.store.write(**self._series(), candles=joined(self._unwritten))
            self._unwritten = []

    def _ask(self, at: int) -> list[Any]:
        self.moved(at)
        return self.patience.ask(lambda: ask_page(self.client, self.ticker, self.timeframe, at))

    def _skip(self, at: int) -> int:
        """Days are asked for where smaller candles are none: a window of them covers far more time."""
        day = at // DAY_MS * DAY_MS
        rows = self.patience.ask(lambda: ask_page(self.client, self.ticker, "1d", day))
        if not rows:
            return day + self.client.adapter.past.page * DAY_MS
        return max(at, int(rows[0][0]))

    def _series(self) -> dict[str, Any]:
        return {
            "exchange": self.client.adapter.exchange,
            "ticker": self.ticker,
            "timeframe": self.timeframe,
        }
