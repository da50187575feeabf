"""One ccxt.pro instance for one connection: where it may go, and what it survives.

ccxt stops reading a socket for good when a message makes its parser raise, follows redirects, and asks
nobody where an address leads. Its account, its markets and its clock are those of a client that asks.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, partial
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from accounts.models import Environment
from orders.gateways.exchange.client import Client
from orders.gateways.exchange.feeds import Feeds
from orders.gateways.exchange.spoken import Overrides, WrongHost
from orders.gateways.exchange.streams.apart import apart
from orders.gateways.exchange.streams.drops import Drops

CLOSE_S = 1.0
# A line that is gone without a word is noticed within twice this.
KEEP_ALIVE_MS = 15_000
WS_PROXIES = ("wsProxy", "ws_proxy", "wssProxy", "wss_proxy", "wsSocksProxy", "ws_socks_proxy")
HTTP_PROXIES = ("httpsProxy", "https_proxy", "httpProxy", "http_proxy")
# What these send requests through takes no sockets.
OTHER_PROXIES = ("proxyUrl", "proxy_url", "proxy", "proxies", "socksProxy", "socks_proxy")


class NoStream(Exception):
    """An operator's own addresses or proxies lead to no stream: everything is asked for."""


class _Heard:
    """Mixed into one of ccxt.pro's classes: checks hosts, and reads on whatever is sent to it."""

    asks: Client
    socket_hosts: frozenset[str] = frozenset()
    drops: Drops
    opened: Callable[[], None]

    def open(self, lazy: bool = False) -> None:
        super().open(lazy)  # type: ignore[misc]  # ccxt's, mixed in
        session: Any = self.session  # type: ignore[attr-defined]  # as above
        if session is not None and _unmoved() not in session.trace_configs:
            session.trace_configs.append(_unmoved())

    async def fetch2(
        self, path: str, api: Any = "public", method: str = "GET", params: Any = None, config: Any = None
    ) -> Any:
        """What must be asked in between, a token to listen with, is asked by the client that asks: it counts,
        and knows whose turn it is."""
        return await apart(
            lambda: self.asks.ask(lambda ccxt: ccxt.fetch2(path, api, method, params or {}, config or {}))
        )

    def client(self, url: str) -> Any:
        """ccxt's socket for an address: nothing is sent before it was made."""
        host = urlsplit(url).netloc
        if host not in self.socket_hosts:
            raise WrongHost(f"{host} is not where this account's streams come from")
        socket = super().client(url)  # type: ignore[misc]  # as above
        if "handle_message" not in vars(socket):
            socket.handle_message = partial(self._survived, socket.handle_message)
        return socket

    def _survived(self, handle: Callable[[Any], None], message: Any) -> None:
        try:
            handle(message)
        except Exception:  # noqa: BLE001  # its parsers raise what they like, and it would read no more
            self.drops.count("unreadable")

    def on_connected(self, client: Any, message: Any = None) -> None:
        super().on_connected(client, message)  # type: ignore[misc]  # as above
        self.opened()

    def nonce(self) -> int:
        """Exchange time in ms UTC, rising with every request of the account, asked or streamed."""
        told: int = self.asks.ccxt.nonce()
        return told

    def seconds(self) -> int:
        """Exchange time in s UTC."""
        told: int = self.asks.ccxt.seconds()
        return told


async def _refuse_redirect(*_: Any) -> None:
    raise WrongHost("a redirect is not followed")


@cache
def _unmoved() -> Any:
    config = import_module("aiohttp").TraceConfig()
    config.on_request_redirect.append(_refuse_redirect)
    config.freeze()
    return config


@cache
def _hearing(exchange: str) -> type[Any]:
    # Not at the top: as costly as ccxt itself.
    pro = import_module("ccxt.pro")
    return type(exchange, (_Heard, getattr(pro, exchange)), {})


def heard(rest: Client, overrides: Overrides, drops: Drops, opened: Callable[[], None]) -> Any:
    """A ccxt.pro instance as the account of `rest`, or as anybody if it has none; `opened` is called when a
    socket of it is open. Raises `NoStream`."""
    kind, asks = _hearing(rest.adapter.exchange), rest.ccxt
    keys = {"apiKey": asks.apiKey, "secret": asks.secret, "password": asks.password} if asks.apiKey else {}
    fixed = {"enableRateLimit": True, **keys}
    pro = kind(kind.deep_extend(fixed, rest.adapter.options, overrides, _proxies(overrides)))
    # Floats would lose digits.
    pro.number = str
    pro.options["maxRetriesOnFailure"] = 0
    # Its own log tells headers and signatures; that of `rest` is shut.
    pro.logger = asks.logger
    pro.streaming = {
        **pro.streaming,
        "keepAlive": min(pro.streaming.get("keepAlive", KEEP_ALIVE_MS), KEEP_ALIVE_MS),
    }
    if rest.environment == Environment.SANDBOX and "api" not in overrides.get("urls", {}):
        pro.set_sandbox_mode(True)
    pro.set_markets_from_exchange(asks)
    pro.asks, pro.drops, pro.opened = rest, drops, opened
    pro.socket_hosts = _socket_hosts(rest)
    return pro


def _socket_hosts(rest: Client) -> frozenset[str]:
    """Where this environment's streams come from. An operator's own hosts are put in place of all of the
    exchange's: where none of them is a stream's, there is none."""
    adapter, feeds = rest.adapter, feeds_of(rest)
    sandbox = rest.environment == Environment.SANDBOX
    if rest.ccxt.hosts != (adapter.sandbox_hosts if sandbox else adapter.hosts):
        hosts: frozenset[str] = rest.ccxt.hosts
        return hosts
    return feeds.sandbox_hosts if sandbox else feeds.hosts


def feeds_of(rest: Client) -> Feeds:
    feeds: Feeds | None = rest.adapter.feeds
    if feeds is None:
        raise NoStream(f"{rest.adapter.exchange} has no streams")
    return feeds


def _proxies(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Streams go through the proxy of the requests: past it they would reach the exchange unasked."""
    if any(overrides.get(name) for name in WS_PROXIES):
        return {}
    for name in HTTP_PROXIES:
        if overrides.get(name):
            return {"wssProxy": overrides[name]}
    if any(overrides.get(name) for name in OTHER_PROXIES):
        raise NoStream("the proxy takes no streams: wssProxy or wsProxy would name one that does")
    return {}


async def close(pro: Any) -> None:
    """A server that has fallen silent does not answer a close either: it is left after a moment."""
    with suppress(Exception):
        await asyncio.wait_for(pro.close_ws_clients(), CLOSE_S)
    pro.clients.clear()
    with suppress(Exception):
        await asyncio.wait_for(pro.close(), CLOSE_S)
