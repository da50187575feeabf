"""Listening to real exchanges: prices of needed markets come by stream or are asked for, and what they reach
happens; what is told of orders makes them due.

A price is a sample: between two of them nobody knows where it was. So what a price has reached is told by
the price alone, and a paper order fills when it stands behind it. One process listens to an exchange, by a
lease in the cache; two would only ask twice.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from uuid import UUID, uuid4

from django.core.cache import cache
from django.db import OperationalError, close_old_connections

from bots.engine.asking import Askers, Question
from bots.engine.inbox import Inbox, Post
from bots.engine.reached import needed, passed, watched
from orders.gateways.base import Exchanges, GatewayError, RateLimited
from orders.gateways.streaming import Following, Told, Wanted
from orders.heard import fill_untold, orders_heard, orders_missed
from orders.matching import Quote

ASK_EVERY_S = 1.0
SILENCE_WAIT_S = 5.0
LEASE_S = 15
LOOK_EVERY_S = 1.0
BEAT_S = 0.25
DATABASE_WAIT_S = 1.0
# A market whose stream has brought a price within this is not asked for. Less than a price is fresh for.
STREAMED_WITHIN_S = 2.0
# A market's stream may tell a hundred prices a second; each costs questions to the database.
PASSED_EVERY_S = 0.25
CHECK_EVERY_S = 15.0
TOLD_AGAIN_MAX = 3

Ring = Callable[[list[UUID]], None]
Publish = Callable[[str, str, Quote], None]
Clock = Callable[[], datetime]
Ask = Callable[[str, Question], bool]
Market = tuple[str, str]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Listener:
    """Listens to the exchanges that bots are on. `ring` and `publish` reach the faces above; `ask` makes
    somebody answer a question, now or soon."""

    exchanges: Exchanges
    ring: Ring
    publish: Publish
    clock: Clock
    ask: Ask | None = None
    token: str = field(default_factory=lambda: uuid4().hex)
    inbox: Inbox = field(default_factory=Inbox)
    following: Following = field(init=False)
    wanted: Wanted = field(default_factory=Wanted)
    askers: Askers = field(default_factory=Askers)
    look_s: float = 0.0
    check_s: float = 0.0
    next_s: dict[str, float] = field(default_factory=dict)
    streamed_s: dict[Market, float] = field(default_factory=dict)
    passed_s: dict[Market, float] = field(default_factory=dict)
    waiting: dict[Market, Quote] = field(default_factory=dict)
    early: list[tuple[UUID, Told, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.following = self.exchanges.streams.begin(self.inbox)

    def beat(self) -> float:
        """Ask whom it is time to ask, and let happen what has come; returns after how long at most (s) there
        is something to do again."""
        if monotonic() >= self.look_s:
            self._look()
        for exchange, tickers in self.wanted.tickers.items():
            if monotonic() >= self.next_s.get(exchange, 0.0):
                self._ask(exchange, tickers)
        self._hear(self.inbox.take())
        held_s = (self.passed_s[market] + PASSED_EVERY_S - monotonic() for market in self.waiting)
        return max(min(held_s, default=BEAT_S), 0.0)

    def stop(self) -> None:
        self.askers.only(set())
        self.following.stop()

    def _look(self) -> None:
        """What is needed now, of exchanges that nobody else listens to."""
        self.look_s = monotonic() + LOOK_EVERY_S
        tickers, accounts = needed(), watched()
        known = {exchange for exchange in tickers if exchange in self.exchanges.prices}
        mine = {
            name for name in known | {account.exchange for account in accounts.values()} if self._mine(name)
        }
        self.wanted = Wanted(
            {exchange: frozenset(tickers[exchange]) for exchange in known & mine},
            {key: account for key, account in accounts.items() if account.exchange in mine},
        )
        self.askers.only(set(self.wanted.tickers))
        self.following.follow(self.wanted)
        early, self.early = self.early, []
        for account_id, told, tries in early:
            self._heard(account_id, [told], tries + 1)
        if monotonic() >= self.check_s:
            self.check_s = monotonic() + CHECK_EVERY_S
            self._check()

    def _check(self) -> None:
        """An account's stream that is open and tells nothing: only what was booked meanwhile shows it."""
        for account_id in self.wanted.accounts:
            heard_s = self.following.heard_s(account_id)
            if heard_s is None:
                continue
            now = self.clock()
            if fill_untold(account_id=account_id, heard_at=now - timedelta(seconds=heard_s), now=now):
                log.warning("listening.untold", extra={"account": str(account_id)})
                self.following.renew(account_id)

    def _ask(self, exchange: str, tickers: frozenset[str]) -> None:
        since_s = monotonic() - STREAMED_WITHIN_S
        asked = sorted(one for one in tickers if self.streamed_s.get((exchange, one), since_s) <= since_s)
        if not asked:
            return
        ask = self.ask or self.askers.ask
        if ask(exchange, partial(self._answer, exchange, asked)):
            # Until it has answered.
            self.next_s[exchange] = float("inf")

    def _answer(self, exchange: str, tickers: list[str]) -> None:
        """Asks; in the exchange's own thread, which knows no database."""
        quotes: Mapping[str, Quote] = {}
        rest_s = SILENCE_WAIT_S
        try:
            quotes = self.exchanges.prices[exchange].ask(tickers)
            rest_s = ASK_EVERY_S
        except RateLimited as limited:
            rest_s = max(limited.wait_s, ASK_EVERY_S)
        except GatewayError as silence:
            log.warning("listening.silence", extra={"exchange": exchange, "why": str(silence)})
        finally:
            self.inbox.answered(exchange, quotes, rest_s)

    def _hear(self, post: Post) -> None:
        now_s = monotonic()
        for exchange, rest_s in post.rests_s.items():
            self.next_s[exchange] = now_s + rest_s
        for market in post.unpriced:
            self.streamed_s.pop(market, None)
        for (exchange, ticker), quote in post.asked.items():
            self._pass(exchange, ticker, quote)
        self.waiting |= post.streamed
        self._streamed(now_s)
        for account_id in post.missed:
            self._ring(orders_missed(account_id=account_id, now=self.clock()))
        for account_id, told in post.told.items():
            self._heard(account_id, told)

    def _streamed(self, now_s: float) -> None:
        """Of each market its newest price, unless there was another a moment ago."""
        due: dict[str, dict[str, Quote]] = {}
        since_s = now_s - PASSED_EVERY_S
        for market in [market for market in self.waiting if self.passed_s.get(market, since_s) <= since_s]:
            exchange, ticker = market
            due.setdefault(exchange, {})[ticker] = self.waiting.pop(market)
            self.passed_s[market] = now_s
        for exchange, quotes in due.items():
            for ticker, quote in self.following.keep(exchange, quotes).items():
                self.streamed_s[exchange, ticker] = now_s
                self._pass(exchange, ticker, quote)

    def _pass(self, exchange: str, ticker: str, quote: Quote) -> None:
        self._ring(passed(exchange=exchange, ticker=ticker, quote=quote, now=self.clock()))
        self.publish(exchange, ticker, quote)

    def _heard(self, account_id: UUID, told: list[Told], tries: int = 0) -> None:
        hurried = orders_heard(account_id=account_id, told=told, now=self.clock())
        self._ring(hurried.bots)
        if tries < TOLD_AGAIN_MAX:
            self.early += [(account_id, one, tries) for one in hurried.early]

    def _ring(self, bots: list[UUID]) -> None:
        if bots:
            self.ring(bots)

    def _mine(self, exchange: str) -> bool:
        """Whether this process listens to the exchange; the lease is renewed with every look."""
        key = f"listens:{exchange}"
        if cache.add(key, self.token, timeout=LEASE_S):
            return True
        if cache.get(key) != self.token:
            return False
        cache.set(key, self.token, timeout=LEASE_S)
        return True


def listen(
    *, stop: threading.Event, exchanges: Exchanges, ring: Ring, publish: Publish, clock: Clock
) -> None:
    """Listen until `stop` is set."""
    listener = Listener(exchanges, ring, publish, clock)
    try:
        while not stop.is_set():
            close_old_connections()
            try:
                wait_s = listener.beat()
            except OperationalError as fault:
                log.warning("listening.database", extra={"fault": str(fault)})
                stop.wait(DATABASE_WAIT_S)
            else:
                listener.inbox.came.wait(min(wait_s, BEAT_S))
    finally:
        listener.stop()
