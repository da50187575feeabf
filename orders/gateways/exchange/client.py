"""One ccxt instance, asked one thing at a time, and never asked twice by itself.

ccxt's exception does not say what the exchange answered, and a broken body under status 200 raises
nothing at all. So each answer is recorded as it arrives, and what it proves is read from the record.
"""

import time
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from decimal import localcontext
from functools import partial
from threading import Lock
from typing import Any, TypeVar

from accounts.keys import Credentials
from orders.gateways.base import GatewayError, KeyRefused, RateLimited, Unreachable
from orders.gateways.exchange.breaker import SharedBreaker
from orders.gateways.exchange.budget import PATIENCE_S, Budget, Lane
from orders.gateways.exchange.errors import Meaning
from orders.gateways.exchange.orders import number
from orders.gateways.exchange.source import Source
from orders.gateways.exchange.spoken import Answer, Overrides, WrongHost, now_ms, opened

# HTTP statuses of an address that nothing answers at.
NO_SUCH = frozenset({404, 405, 501})
# Where no Retry-After says how long to keep away.
WAIT_UNTOLD_S = 60.0
WAIT_MAX_S = 3 * 24 * 3600.0
# What ccxt says a new order costs is between nothing and this, or little more.
ORDER_COST = 1
BLOT = "…"

T = TypeVar("T")


class NotOffered(Unreachable):
    """There is no such question where this account's requests go, nor will there be in a moment."""


class Absent(Unreachable):
    """The exchange says that it knows no such order. Where no order was asked for, it is no answer."""


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a call that changes something: ccxt's result, the answer on the wire, what was raised,
    and whether anything had left at all."""

    result: Any
    answer: Answer | None
    error: Exception | None
    sent: bool


class Client:
    """An exchange as one account sees it, or, without a key, as anybody does."""

    def __init__(
        self,
        adapter: Source,
        environment: str,
        credentials: Credentials | None = None,
        *,
        overrides: Overrides,
        breaker: SharedBreaker,
        budget: Budget,
        session: Any = None,
    ) -> None:
        self.adapter, self.environment = adapter, environment
        self.breaker, self.budget = breaker, budget
        self.lane = Lane.USUAL
        self._lock = Lock()
        self._secrets = _secrets(credentials)
        self.ccxt = opened(adapter, environment, credentials, overrides, session)
        self.ccxt.spend = self._spend
        self.ccxt.heard = lambda headers: self.budget.heard(headers, self._exchange_ms())

    def at(self, lane: Lane) -> "Client":
        """The same client, its requests on another lane."""
        client = copy(self)
        client.lane = lane
        return client

    def wait_s(self) -> float:
        """For how many seconds no new order of this lane may leave. A wait that is short is made when it
        leaves: then this is 0."""
        banned_s = self.breaker.wait_s(time.time())
        weight = self.budget.limits.weight(ORDER_COST, self.ccxt.rateLimit)
        full_s = self.budget.wait_s(self.lane, weight, self._exchange_ms(), order=True)
        return max(banned_s, full_s if full_s > PATIENCE_S[self.lane] else 0.0)

    def ask(self, call: Callable[[Any], T], *, rows: bool = False) -> T:
        """The parsed answer to a question. `rows`: it must be a list, and an answer that is none is no
        empty list. Raises `Absent`, `KeyRefused`, `RateLimited` or `Unreachable`."""
        with self._lock, localcontext():  # ccxt rounds by the thread's own context, and leaves it changed
            self.ccxt.answer, self.ccxt.spend = None, self._spend
            try:
                result = call(self.ccxt)
            except Exception as error:  # noqa: BLE001  # ccxt raises what it likes, from its parsers too
                raise self.trouble(error) from None
            answer = self.ccxt.answer
            if answer is not None and not self.adapter.codes.sound(answer.body, rows=rows):
                raise Unreachable(f"{self.adapter.exchange} gave an answer that cannot be read")
            return result

    def say(self, call: Callable[[Any], Any], *, order: bool = False) -> Said:
        """Make a call that changes something; whatever comes of it is handed back, and nothing raised.
        `order`: it places a new one."""
        with self._lock, localcontext():
            self.ccxt.answer, self.ccxt.sent = None, False
            self.ccxt.spend = partial(self._spend, order=order)
            try:
                result, error = call(self.ccxt), None
            except Exception as raised:  # noqa: BLE001  # it may have happened all the same: the caller finds out
                result, error = None, raised
            answer = self.ccxt.answer
            meaning, _ = self.meaning(answer)
            if meaning is Meaning.LIMIT:
                self.breaker.trip(wait_of(answer), time.time())
            elif meaning is Meaning.ORDERS:
                self.budget.no_more_orders(self._exchange_ms())
            return Said(result, answer, error, self.ccxt.sent)

    def _spend(self, cost: float, *, order: bool = False) -> None:
        """Called before each request leaves. Raises `RateLimited` when it may not, within a short wait."""
        self._check_breaker()
        weight = self.budget.limits.weight(cost, self.ccxt.rateLimit)
        wait_s = self.budget.take(self.lane, weight, self._exchange_ms(), order=order)
        if 0 < wait_s <= PATIENCE_S[self.lane]:
            time.sleep(wait_s)
            self._check_breaker()
            wait_s = self.budget.take(self.lane, weight, self._exchange_ms(), order=order)
        if wait_s:
            raise RateLimited(f"what {self.adapter.exchange} may be asked now is used up", wait_s)

    def _exchange_ms(self) -> int:
        offset_ms: int = self.ccxt.offset_ms
        return now_ms() + offset_ms

    def _check_breaker(self) -> None:
        wait_s = self.breaker.wait_s(time.time())
        if wait_s:
            raise RateLimited(f"{self.adapter.exchange} wants to be left alone", wait_s)

    def sync_clock(self) -> None:
        """Learn how far the exchange's clock is from ours."""
        if not self.ccxt.has.get("fetchTime"):
            return
        began = now_ms()
        told = int(number(self.ask(lambda ccxt: ccxt.fetch_time()), "time"))
        self.ccxt.offset_ms = told - (began + now_ms()) // 2
        self.ccxt.out_of_time = False
        if self.ccxt.turn is None:
            # What was counted by a clock that was ahead would be ahead for as long. Where numbers must
            # rise for ever they are kept.
            self.ccxt.last_nonce = 0

    def meaning(self, answer: Answer | None) -> tuple[Meaning | None, str]:
        """What an answer proves, and the exchange's words."""
        if answer is None:
            return None, ""
        code, words = self.adapter.codes.read(answer.body) or ("", "")
        return self.adapter.codes.meaning(answer.status, code, words), self.blotted(words or code)

    def trouble(self, error: Exception) -> GatewayError:
        """The error of ours that a question's failure is; its text holds no address and no key."""
        answer, exchange = self.ccxt.answer, self.adapter.exchange
        meaning, words = self.meaning(answer)
        if meaning is Meaning.ABSENT:
            return Absent(words)
        if meaning is Meaning.KEY:
            return KeyRefused(f"{exchange} does not accept the key: {words}")
        if isinstance(error, GatewayError):
            return error
        if meaning is Meaning.CLOCK:
            self.ccxt.out_of_time = True
        if meaning is Meaning.LIMIT:
            self.breaker.trip(wait_of(answer), time.time())
            return RateLimited(f"{exchange} asks for fewer requests", wait_of(answer))
        if isinstance(error, WrongHost) or (answer is not None and answer.status in NO_SUCH):
            return NotOffered(f"{exchange} has no such question here")
        if answer is None:
            return Unreachable(f"{exchange} did not answer ({type(error).__name__})")
        return Unreachable(f"{exchange} answered with status {answer.status}: {words or 'no reason told'}")

    def blotted(self, words: str) -> str:
        for secret in self._secrets:
            words = words.replace(secret, BLOT)
        return words


def wait_of(answer: Answer | None) -> float:
    """How long an exchange wants to be left alone, in seconds."""
    told = WAIT_UNTOLD_S if answer is None or answer.retry_after_s is None else answer.retry_after_s
    return min(max(told, 0.0), WAIT_MAX_S)


def _secrets(credentials: Credentials | None) -> list[str]:
    if credentials is None:
        return []
    parts = (credentials.secret, credentials.password, credentials.key)
    return sorted((part for part in parts if part), key=len, reverse=True)
