"""Prices for those who cannot wait: a page, and a turn of many bots, gets what is known within two seconds.

A timeout of ccxt's would not do: it counts neither the look-up of a name, nor other threads' questions that
are asked first, nor the list of markets, which comes before the first price. So a question is asked in a
thread of its own, whoever has the same one waits for the same answer, and who has waited long enough goes on
without it. What arrives later is remembered all the same. After a silence nobody asks for some seconds.
"""

from collections.abc import Callable, Collection, Hashable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from threading import Lock, Thread
from time import monotonic
from typing import Any

from bots.strategies.base import Candles
from orders.gateways.base import GatewayError, NotYet, Unreachable
from orders.gateways.exchange.prices import ExchangePrices, is_old
from orders.matching import Quote
from tradingbot.clock import TIMEFRAMES_S

WAIT_S = 1.5
# A strategy's warm-up takes several pages of candles; a chart takes one.
CANDLES_PER_WAIT = 300
SILENCE_S = 5.0
# An exchange lists the newest candle of one market sooner, of another later.
UNLISTED_S = 1.0


class Questions:
    """Each is asked once at a time, in a daemon thread, so that no process waits for one at its end."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._asked: dict[Hashable, Future[Any]] = {}

    def answer(self, name: Hashable, ask: Callable[[], Any], wait_s: float) -> Any:
        """Raises what `ask` raises, and `TimeoutError` when it takes longer than `wait_s`."""
        with self._lock:
            future = self._asked.get(name)
            if future is None:
                future = self._asked[name] = Future()
                Thread(target=self._ask, args=(name, ask, future), name="question", daemon=True).start()
        return future.result(wait_s)

    def _ask(self, name: Hashable, ask: Callable[[], Any], future: "Future[Any]") -> None:
        answer, trouble = None, None
        try:
            answer = ask()
        except Exception as error:  # noqa: BLE001  # the thread's outermost: it is raised where it is waited for
            trouble = error
        with self._lock:
            del self._asked[name]
        if trouble is None:
            future.set_result(answer)
        else:
            future.set_exception(trouble)


class Pause:
    """After a silence nobody asks for some seconds."""

    def __init__(self) -> None:
        self._until_s = 0.0

    @property
    def lasts(self) -> bool:
        return monotonic() < self._until_s

    def begin(self, seconds: float = SILENCE_S) -> None:
        self._until_s = monotonic() + seconds

    def end(self) -> None:
        self._until_s = 0.0


class PatientPrices:
    """An exchange's prices that never keep anybody waiting for long. `ask` alone waits for the exchange."""

    def __init__(self, prices: ExchangePrices) -> None:
        self._prices = prices
        self._questions = Questions()
        self._pauses = {"quotes": Pause(), "candles": Pause()}
        self._unlisted: dict[tuple[str, str], Pause] = {}

    def quotes(self, tickers: Collection[str]) -> Mapping[str, Quote]:
        """The latest price of each; one that cannot be had soon is the last one known, or left out."""
        known = self._prices.remembered(tickers)
        stale = [ticker for ticker in tickers if ticker not in known or is_old(known[ticker])]
        if not stale:
            return known
        with suppress(GatewayError):
            known |= self._soon("quotes", tuple(sorted(stale)), partial(self._prices.ask, stale), WAIT_S)
        return known

    def ask(self, tickers: Collection[str]) -> Mapping[str, Quote]:
        found = self._prices.ask(tickers)
        for pause in self._pauses.values():
            pause.end()
        return found

    def candles(self, *, ticker: str, timeframe: str, until: int, count: int) -> Candles:
        """Raises a `GatewayError` when they cannot be had soon; asked for again, they may be there."""
        wait_s = WAIT_S * max(-(-count // CANDLES_PER_WAIT), 1)
        step = TIMEFRAMES_S[timeframe] * 1000
        closed = (ticker, timeframe, until // step * step, count)
        ask = partial(self._prices.candles, ticker=ticker, timeframe=timeframe, until=until, count=count)
        unlisted = self._unlisted.get((ticker, timeframe))
        if unlisted is not None and unlisted.lasts:
            raise NotYet("it was not listed a moment ago")
        try:
            found: Candles = self._soon("candles", closed, ask, wait_s)
        except NotYet:
            self._unlisted.setdefault((ticker, timeframe), Pause()).begin(UNLISTED_S)
            raise
        return found

    def age_s(self, quote: Quote) -> float:
        return self._prices.age_s(quote)

    def hold(self, ticker: str, quote: Quote) -> bool:
        return self._prices.hold(ticker, quote)

    def _soon(self, kind: str, what: Hashable, ask: Callable[[], Any], wait_s: float) -> Any:
        pause = self._pauses[kind]
        if pause.lasts:
            raise Unreachable("it did not answer a moment ago")
        try:
            return self._questions.answer((kind, what), ask, wait_s)
        except TimeoutError:
            pause.begin()
            raise Unreachable("it takes its time") from None
        except NotYet:
            raise  # No silence: other markets' candles are there.
        except GatewayError:
            pause.begin()
            raise
