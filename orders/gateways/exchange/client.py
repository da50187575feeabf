"""One ccxt instance, asked one thing at a time, and never asked twice by itself.

ccxt's exception does not say what the exchange answered, and a broken body under status 200 raises
nothing at all. So each answer is recorded as it arrives, and what it proves is read from the record.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import localcontext
from functools import cache
from importlib import import_module
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import urlsplit

from accounts.keys import Credentials
from accounts.models import Environment
from orders.gateways.base import GatewayError, KeyRefused, RateLimited, Unreachable
from orders.gateways.exchange.adapters import Adapter
from orders.gateways.exchange.breaker import Breaker, OwnBreaker
from orders.gateways.exchange.errors import Meaning

TIMEOUT_MS = 10_000
# Where no Retry-After says how long to keep away.
WAIT_UNTOLD_S = 60.0
WAIT_MAX_S = 3 * 24 * 3600.0
BLOT = "…"

T = TypeVar("T")
Overrides = Mapping[str, Any]


class Absent(GatewayError):
    """The exchange says that it knows no such order."""


class WrongHost(Exception):
    """A request was about to leave for a host that this environment does not speak to."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back over the wire: HTTP status, the seconds of a Retry-After, the parsed body (None when
    it is no JSON)."""

    status: int
    retry_after_s: float | None
    body: Any


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a call that changes something: ccxt's result, the answer on the wire, what was raised,
    and whether anything had left at all."""

    result: Any
    answer: Answer | None
    error: Exception | None
    sent: bool


class _Spoken:
    """Mixed into a ccxt class: records answers, checks hosts, and counts time as the exchange does."""

    answer: Answer | None = None
    sent: bool = False
    offset_ms: int = 0
    hosts: frozenset[str] = frozenset()
    _last_nonce: int = 0

    def fetch(self, url: str, *args: Any, **kwargs: Any) -> Any:
        host = urlsplit(url).netloc
        if host not in self.hosts:
            raise WrongHost(f"{host} is not where this account's requests go")
        self.answer, self.sent = None, True
        return super().fetch(url, *args, **kwargs)  # type: ignore[misc]  # ccxt's, mixed in

    def on_rest_response(
        self, code: int, reason: str, url: str, method: str, headers: Any, body: str, *sent: Any
    ) -> Any:
        self.answer = Answer(code, _seconds(headers.get("Retry-After")), _parsed(body))
        return super().on_rest_response(code, reason, url, method, headers, body, *sent)  # type: ignore[misc]  # as above

    def nonce(self) -> int:
        """Exchange time in ms UTC, rising with every request."""
        self._last_nonce = max(now_ms() + self.offset_ms, self._last_nonce + 1)
        return self._last_nonce


@cache
def _spoken(exchange: str) -> type[Any]:
    # Not at the top: ccxt costs a second and 100 MB, which nobody on the built-in exchange should pay.
    ccxt = import_module("ccxt")
    return type(exchange, (_Spoken, getattr(ccxt, exchange)), {})


class Client:
    """An exchange as one account sees it, or, without a key, as anybody does."""

    def __init__(
        self,
        adapter: Adapter,
        environment: str,
        credentials: Credentials | None = None,
        *,
        overrides: Overrides,
        session: Any = None,
        breaker: Breaker | None = None,
    ) -> None:
        self.adapter, self.environment = adapter, environment
        self.breaker = breaker or OwnBreaker()
        self._lock = Lock()
        self._secrets = _secrets(credentials)
        self.ccxt = _opened(adapter, environment, credentials, overrides, session)

    def ask(self, call: Callable[[Any], T], *, rows: bool = False) -> T:
        """The parsed answer to a question. `rows`: it must be a list, and an answer that is none is no
        empty list. Raises `Absent`, `KeyRefused`, `RateLimited` or `Unreachable`."""
        with self._lock, localcontext():  # ccxt rounds by the thread's own context, and leaves it changed
            self._check_breaker()
            self.ccxt.answer = None
            try:
                result = call(self.ccxt)
            except Exception as error:  # noqa: BLE001  # ccxt raises what it likes, from its parsers too
                raise self.trouble(error) from None
            answer = self.ccxt.answer
            if answer is not None and not self.adapter.codes.sound(answer.body, rows=rows):
                raise Unreachable(f"{self.adapter.exchange} gave an answer that cannot be read")
            return result

    def say(self, call: Callable[[Any], Any]) -> Said:
        """Make a call that changes something; whatever comes of it is handed back, and nothing raised."""
        with self._lock, localcontext():
            self.ccxt.answer, self.ccxt.sent = None, False
            try:
                self._check_breaker()
                result, error = call(self.ccxt), None
            except Exception as raised:  # noqa: BLE001  # it may have happened all the same: the caller finds out
                result, error = None, raised
            answer = self.ccxt.answer
            if self.meaning(answer)[0] is Meaning.LIMIT:
                self.breaker.trip(wait_of(answer), time.time())
            return Said(result, answer, error, self.ccxt.sent)

    def _check_breaker(self) -> None:
        wait_s = self.breaker.wait_s(time.time())
        if wait_s:
            raise RateLimited(f"{self.adapter.exchange} wants to be left alone", wait_s)

    def sync_clock(self) -> None:
        """Learn how far the exchange's clock is from ours."""
        if not self.ccxt.has.get("fetchTime"):
            return
        began = now_ms()
        told = int(self.ask(lambda ccxt: ccxt.fetch_time()))
        self.ccxt.offset_ms = told - (began + now_ms()) // 2

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
        if meaning is Meaning.LIMIT:
            self.breaker.trip(wait_of(answer), time.time())
            return RateLimited(f"{exchange} asks for fewer requests", wait_of(answer))
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


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def _opened(
    adapter: Adapter, environment: str, credentials: Credentials | None, overrides: Overrides, session: Any
) -> Any:
    keys = {}
    if credentials is not None:
        keys = {"apiKey": credentials.key, "secret": credentials.secret, "password": credentials.password}
    fixed = {"timeout": TIMEOUT_MS, "enableRateLimit": True, "maxRetriesOnFailure": 0, **keys}
    kind = _spoken(adapter.exchange)
    client = kind(kind.deep_extend(fixed, adapter.options, overrides))
    # Floats would lose digits.
    client.number = str
    # Nobody's options may have it send an order twice.
    client.options["maxRetriesOnFailure"] = 0
    # Its own log tells headers and signatures.
    client.logger = _silent()
    if environment == Environment.SANDBOX and "api" not in overrides.get("urls", {}):
        client.set_sandbox_mode(True)
    if session is not None:
        client.session = session
    # A redirected order would be sent a second time, to a host nobody has named.
    client.session.max_redirects = 0
    client.hosts = _hosts(adapter, environment, overrides, client)
    return client


def _silent() -> logging.Logger:
    logger = logging.getLogger("ccxt.silent")
    logger.disabled = True
    return logger


def _hosts(adapter: Adapter, environment: str, overrides: Overrides, client: Any) -> frozenset[str]:
    """Where this environment's requests may go: the exchange's own hosts, or those an operator has put in
    their place."""
    own = overrides.get("urls", {})
    if "hostname" in overrides:
        own = [own, client.urls["api"]]
    named = frozenset(_hosts_in(own, overrides.get("hostname", "")))
    if named:
        return named
    return adapter.sandbox_hosts if environment == Environment.SANDBOX else adapter.hosts


def _hosts_in(urls: Any, hostname: str) -> Iterator[str]:
    if isinstance(urls, str):
        yield urlsplit(urls.replace("{hostname}", hostname)).netloc
    elif isinstance(urls, Mapping | list):
        for one in urls.values() if isinstance(urls, Mapping) else urls:
            yield from _hosts_in(one, hostname)


def _secrets(credentials: Credentials | None) -> list[str]:
    if credentials is None:
        return []
    parts = (credentials.secret, credentials.password, credentials.key)
    return sorted((part for part in parts if part), key=len, reverse=True)


def _seconds(told: str | None) -> float | None:
    try:
        return None if told is None else float(told)
    except ValueError:
        return None


def _parsed(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
