"""A ccxt class that lets us see what it does: each answer as it arrives, each host before it is asked, each
request before it leaves.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from math import isnan
from typing import Any
from urllib.parse import urlsplit

from accounts.keys import Credentials
from accounts.models import Environment
from orders.gateways.exchange.source import Source

TIMEOUT_MS = 10_000

Overrides = Mapping[str, Any]


class WrongHost(Exception):
    """A request was about to leave for a host that this environment does not speak to."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back over the wire: HTTP status, the seconds of a Retry-After, the parsed body (None when
    it is no JSON)."""

    status: int
    retry_after_s: float | None
    body: Any


class _Spoken:
    """Mixed into a ccxt class: records answers, checks hosts, and counts time as the exchange does."""

    answer: Answer | None = None
    sent: bool = False
    offset_ms: int = 0
    # The exchange has refused a request for its time: what we think of its clock is wrong.
    out_of_time: bool = False
    hosts: frozenset[str] = frozenset()
    last_nonce: int = 0
    # What a request must have before it leaves, whose headers are read, and whose turn it is: the client's.
    spend: Callable[[float], None]
    heard: Callable[[Any], None]
    turn: Callable[[Any], AbstractContextManager[None]] | None = None

    def fetch2(
        self, path: str, api: Any = "public", method: str = "GET", params: Any = None, config: Any = None
    ) -> Any:
        params, config = params or {}, config or {}
        self.spend(self.calculate_rate_limiter_cost(api, method, path, params, config))  # type: ignore[attr-defined]
        with nullcontext() if self.turn is None else self.turn(self):
            return super().fetch2(path, api, method, params, config)  # type: ignore[misc]  # ccxt's, mixed in

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
        self.heard(headers)
        return super().on_rest_response(code, reason, url, method, headers, body, *sent)  # type: ignore[misc]  # as above

    def nonce(self) -> int:
        """Exchange time in ms UTC, rising with every request."""
        self.last_nonce = max(now_ms() + self.offset_ms, self.last_nonce + 1)
        return self.last_nonce

    def seconds(self) -> int:
        """Exchange time in s UTC: from when and until when a signature is good, where those are told."""
        return (now_ms() + self.offset_ms) // 1000


@cache
def _spoken(exchange: str) -> type[Any]:
    # Not at the top: ccxt costs a second and 100 MB, which nobody on the built-in exchange should pay.
    ccxt = import_module("ccxt")
    return type(exchange, (_Spoken, getattr(ccxt, exchange)), {})


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def opened(
    adapter: Source, environment: str, credentials: Credentials | None, overrides: Overrides, session: Any
) -> Any:
    keys = {}
    if credentials is not None:
        keys = {"apiKey": credentials.key, "secret": credentials.secret, "password": credentials.password}
    # An order must not wait because something else was asked a moment ago: the budget counts for all. What
    # needs no key is spread evenly besides.
    paced = credentials is None
    fixed = {"timeout": TIMEOUT_MS, "enableRateLimit": paced, "maxRetriesOnFailure": 0, **keys}
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


def _hosts(adapter: Source, environment: str, overrides: Overrides, client: Any) -> frozenset[str]:
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


def _seconds(told: str | None) -> float | None:
    try:
        seconds = float(told or "")
    except ValueError:
        return None
    return None if isnan(seconds) else seconds


def _parsed(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
