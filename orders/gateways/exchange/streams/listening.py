"""All streams of a process: one event loop in a thread of its own, which opens what is wanted."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any
from uuid import UUID

from accounts.models import SANDBOX_OF, ExchangeAccount
from orders.gateways.exchange.adapters import ADAPTERS
from orders.gateways.exchange.client import Client
from orders.gateways.exchange.prices import ExchangePrices
from orders.gateways.exchange.spoken import Overrides
from orders.gateways.exchange.streams.account import AccountStream
from orders.gateways.exchange.streams.drops import Drops
from orders.gateways.exchange.streams.kept import Pace, kept
from orders.gateways.exchange.streams.market import MarketStream
from orders.gateways.streaming import Ear, Wanted
from orders.matching import Quote

STOP_S = 4.0
SAY_S = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """In seconds: the silence after which a connection is given up (None: what its adapter says), the first
    pause before it is opened again, and how soon a subscription is surely in force."""

    silence_s: float | None = None
    again_s: float = 0.5
    subscribed_s: float = 1.0


@dataclass(slots=True)
class ExchangeStreams:
    """`prices` by exchange, `client_of` an account, `overrides` an operator's own options by exchange."""

    prices: Mapping[str, ExchangePrices]
    client_of: Callable[[ExchangeAccount], Client]
    overrides: Mapping[str, Overrides] = field(default_factory=dict)
    timing: Timing = Timing()

    def begin(self, ear: Ear) -> "Listening":
        listening = Listening(self, ear)
        listening.start()
        return listening


class Listening:
    """What is streamed now. Its tasks live in the loop; the other threads only leave word there."""

    def __init__(self, streams: ExchangeStreams, ear: Ear) -> None:
        self._streams, self._ear = streams, ear
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_unheard)
        self._thread = threading.Thread(target=self._run, name="streams", daemon=True)
        self._drops: dict[str, Drops] = {}
        self._shards: dict[str, list[frozenset[str]]] = {}
        self._tasks: dict[Any, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._accounts: dict[UUID, AccountStream] = {}

    def start(self) -> None:
        self._thread.start()

    def follow(self, wanted: Wanted) -> None:
        self._soon(self._follow, wanted)

    def renew(self, account_id: UUID) -> None:
        self._soon(self._renew, account_id)

    def keep(self, exchange: str, quotes: Mapping[str, Quote]) -> Mapping[str, Quote]:
        prices = self._streams.prices.get(exchange)
        if prices is None:
            return {}
        taken = prices.take(quotes)
        self._of(exchange).count("a leap", len(quotes) - len(taken))
        return taken

    def heard_s(self, account_id: UUID) -> float | None:
        stream = self._accounts.get(account_id)
        heard_at_s = None if stream is None else stream.heard_at_s
        return None if heard_at_s is None else monotonic() - heard_at_s

    def stop(self) -> None:
        self._soon(self._end)
        self._thread.join(STOP_S)

    def dropped(self, exchange: str) -> Mapping[str, int]:
        """How many messages of an exchange could not be, by why."""
        return self._of(exchange).total

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.call_later(SAY_S, self._say)
            self._loop.run_forever()
            self._loop.run_until_complete(self._closed())
        finally:
            self._loop.close()

    def _soon(self, call: Callable[..., None], *args: Any) -> None:
        with suppress(RuntimeError):  # it has been stopped
            self._loop.call_soon_threadsafe(call, *args)

    def _end(self) -> None:
        self._loop.stop()

    async def _closed(self) -> None:
        """All end at once; what does not in time is left."""
        for key in list(self._tasks):
            self._let_go(key)
        if self._ending:
            await asyncio.wait(self._ending, timeout=STOP_S - 1)
        for task in asyncio.all_tasks(self._loop) - {asyncio.current_task()}:
            task.cancel()
        # They hear of it.
        await asyncio.sleep(0)

    def _let_go(self, key: Any) -> None:
        """Once only: a second cancel would end the closing itself, and leave its sockets open."""
        task = self._tasks.pop(key)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        task.cancel()

    def _say(self) -> None:
        for drops in tuple(self._drops.values()):
            drops.say()
        self._loop.call_later(SAY_S, self._say)

    def _of(self, exchange: str) -> Drops:
        return self._drops.setdefault(exchange, Drops(exchange))

    def _follow(self, wanted: Wanted) -> None:
        connections = dict(self._wanted(wanted))
        for key in [key for key in self._tasks if key not in connections]:
            self._let_go(key)
        for key, opened in connections.items():
            if key not in self._tasks:
                self._tasks[key] = self._loop.create_task(opened())

    def _wanted(self, wanted: Wanted) -> Iterator[tuple[Any, Callable[[], Any]]]:
        for exchange, prices in self._streams.prices.items():
            adapter = ADAPTERS.get(exchange.removesuffix(SANDBOX_OF))
            if adapter is None or adapter.feeds is None:
                continue
            tickers, most = wanted.tickers.get(exchange, frozenset()), adapter.feeds.markets_max
            shards = self._shards[exchange] = _sharded(self._shards.get(exchange, []), tickers, most)
            for shard in shards:
                yield (exchange, shard), partial(self._market, exchange, shard, prices)
        for account_id in set(self._accounts) - set(wanted.accounts):
            del self._accounts[account_id]
        for account in wanted.accounts.values():
            # A new key is a new stream.
            yield (account.pk, account.sealed_key), partial(self._account, account)

    async def _market(self, exchange: str, tickers: frozenset[str], prices: ExchangePrices) -> None:
        timing, pace = self._streams.timing, Pace(self._streams.timing.again_s)
        stream = MarketStream(
            exchange,
            tickers,
            master=prices.master,
            overrides=self._streams.overrides,
            ear=self._ear,
            drops=self._of(exchange),
            pace=pace,
            silence_s=timing.silence_s,
        )
        await kept(stream, pace)

    async def _account(self, account: ExchangeAccount) -> None:
        timing, pace = self._streams.timing, Pace(self._streams.timing.again_s)
        stream = self._accounts[account.pk] = AccountStream(
            account,
            clients=self._streams.client_of,
            overrides=self._streams.overrides,
            ear=self._ear,
            drops=self._of(account.exchange),
            pace=pace,
            subscribed_s=timing.subscribed_s,
        )
        await kept(stream, pace)

    def _renew(self, account_id: UUID) -> None:
        stream = self._accounts.get(account_id)
        for key in [key for key in self._tasks if key[0] == account_id]:
            self._let_go(key)
            if stream is not None:
                self._tasks[key] = self._loop.create_task(self._account(stream.account))


def _sharded(shards: list[frozenset[str]], tickers: frozenset[str], most: int) -> list[frozenset[str]]:
    """The same connections as before for the markets that stay; new ones for those that are new."""
    kept_on = [shard for shard in shards if shard <= tickers]
    fresh = sorted(tickers.difference(*kept_on))
    return kept_on + [frozenset(fresh[at : at + most]) for at in range(0, len(fresh), most)]


def _unheard(loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """ccxt leaves failures behind that nobody waits for; their words may hold addresses and keys."""
    log.debug("streams.unheard", extra={"why": type(context.get("exception")).__name__})
