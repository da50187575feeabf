"""The clients of one process: a master for each exchange that loads its markets, a light one an account."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from threading import Lock
from time import monotonic
from typing import Any, Protocol
from uuid import UUID

from accounts.keys import Credentials, NotTheirs, Unreadable, unseal
from accounts.models import Environment, ExchangeAccount
from orders.gateways.base import GatewayError, KeyRefused, Unreachable
from orders.gateways.exchange import nonce
from orders.gateways.exchange.adapters import SOURCES
from orders.gateways.exchange.breaker import SharedBreaker
from orders.gateways.exchange.budget import PUBLIC, Budget, Lane
from orders.gateways.exchange.client import Client
from orders.gateways.exchange.limits import Limits, limits_of
from tradingbot.counting import shared_counts

MARKETS_FRESH_S = 3600.0
CLOCK_FRESH_S = 300.0
ACCOUNTS_KEPT_MAX = 500
# For so long nobody else asks an exchange that did not answer for its markets.
SILENCE_S = 5.0


class Clients(Protocol):
    def of(self, account: ExchangeAccount) -> Client: ...


class Masters(Protocol):
    def master(self, exchange: str) -> Client: ...


class ProcessClients:
    """`overrides` are an operator's own ccxt options by exchange; `keys` open the sealed keys."""

    def __init__(
        self,
        *,
        overrides: Mapping[str, Mapping[str, Any]],
        keys: Sequence[str],
        clock: Callable[[], float] = monotonic,
        accounts_max: int = ACCOUNTS_KEPT_MAX,
        limits: Callable[[str], Limits] = limits_of,
    ) -> None:
        self._overrides, self._keys, self._clock = overrides, keys, clock
        self._accounts_max, self._limits = accounts_max, limits
        self._lock = Lock()
        self._loading: defaultdict[tuple[str, str], Lock] = defaultdict(Lock)
        self._masters: dict[tuple[str, str], tuple[Client, float]] = {}
        self._silent: dict[tuple[str, str], tuple[str, float]] = {}
        self._accounts: dict[UUID, tuple[str, Client, float]] = {}

    def of(self, account: ExchangeAccount) -> Client:
        """The account's own client, with its key's present version, its clock told not long ago."""
        client, synced = self._held(account)
        client.ccxt.set_markets_from_exchange(self.master(account.exchange, account.environment).ccxt)
        if client.ccxt.out_of_time or not synced or self._clock() - synced > CLOCK_FRESH_S:
            # A cancel may need it.
            client.at(Lane.URGENT).sync_clock()
            synced = self._clock()
        with self._lock:
            # Last in the order means used last: who is first is let go when there are too many.
            self._accounts.pop(account.pk, None)
            self._accounts[account.pk] = (account.sealed_key, client, synced)
            while len(self._accounts) > self._accounts_max:
                self._accounts.pop(next(iter(self._accounts)))
        return client

    def _held(self, account: ExchangeAccount) -> tuple[Client, float]:
        """The client there is for the account's present key, or a new one, and when its clock was told."""
        with self._lock:
            known = self._accounts.get(account.pk)
        if known is None or known[0] != account.sealed_key:
            opened = self._opened(account)
            with self._lock:
                known = self._accounts.get(account.pk)
                # Of two threads that open it at once the second uses what the first has left: an account
                # is asked one thing at a time.
                if known is None or known[0] != account.sealed_key:
                    known = self._accounts[account.pk] = (account.sealed_key, opened, 0.0)
        return known[1], known[2]

    def by_key(self, exchange: str, environment: str, credentials: Credentials) -> Client:
        """A client for a key that no account has yet."""
        client = self._client(exchange, environment, credentials, f"key-{_name(credentials)}")
        client.ccxt.set_markets_from_exchange(self.master(exchange, environment).ccxt)
        client.sync_clock()
        return client

    def master(self, exchange: str, environment: str = Environment.LIVE) -> Client:
        """Who loads the markets, at most once an hour; it has no key. One thread loads them; the others wait
        for it, or take those of an hour ago. Raises a `GatewayError` when there never were any."""
        place = _place(exchange, environment)
        with self._lock:
            known, loading = self._masters.get(place), self._loading[place]
        if known is not None and self._clock() - known[1] < MARKETS_FRESH_S:
            return known[0]
        if not loading.acquire(blocking=known is None) and known is not None:
            return known[0]
        try:
            return self._loaded(place)
        finally:
            loading.release()

    def _loaded(self, place: tuple[str, str]) -> Client:
        """The master as another thread has left it, or loaded now; an old one is better than none."""
        with self._lock:
            known = self._masters.get(place)
            why, silent_until = self._silent.get(place, ("", 0.0))
        if known is not None and self._clock() - known[1] < MARKETS_FRESH_S:
            return known[0]
        if self._clock() < silent_until:
            if known is None:
                raise Unreachable(why)
            return known[0]
        try:
            # Without any list of markets not even a cancel can be sent.
            return self._load(place, Lane.URGENT if known is None else Lane.USUAL)
        except GatewayError as trouble:
            with self._lock:
                self._silent[place] = (str(trouble), self._clock() + SILENCE_S)
            if known is None:
                raise
            return known[0]

    def anew(self, exchange: str, environment: str = Environment.LIVE) -> Client:
        """The master, with the markets as they are listed now. When they are not told, those there were
        stay, and a `GatewayError` is raised."""
        place = _place(exchange, environment)
        with self._lock:
            loading = self._loading[place]
        with loading:
            return self._load(place, Lane.USUAL)

    def _load(self, place: tuple[str, str], lane: Lane) -> Client:
        client = self._client(*place, None, PUBLIC)
        loading = client.at(lane)
        if not loading.ask(lambda ccxt: ccxt.load_markets()):
            raise Unreachable(f"{place[0]} lists no market")
        # Whether a candle has closed is told by the exchange's clock.
        loading.sync_clock()
        with self._lock:
            self._masters[place] = (client, self._clock())
            self._silent.pop(place, None)
        return client

    def _opened(self, account: ExchangeAccount) -> Client:
        if not account.sealed_key:
            raise KeyRefused(f"{account.label} has no key")
        try:
            credentials = unseal(
                account.sealed_key, user_id=account.user_id, account_id=account.pk, keys=self._keys
            )
        except (NotTheirs, Unreadable) as why:
            raise KeyRefused(str(why)) from None
        return self._client(account.exchange, account.environment, credentials, str(account.pk))

    def _client(self, exchange: str, environment: str, credentials: Credentials | None, who: str) -> Client:
        adapter = SOURCES[exchange]
        place = f"{exchange}:{environment}"
        counted = who if adapter.limits_by_account else "all"
        client = Client(
            adapter,
            environment,
            credentials,
            overrides=self._overrides.get(exchange, {}),
            breaker=SharedBreaker(f"{place}:{counted}"),
            budget=Budget(place, who, self._limits(exchange), shared_counts()),
        )
        if credentials is not None and exchange in nonce.EXCHANGES:
            client.ccxt.turn = nonce.Turns(f"{exchange}:{_name(credentials)}").one
        return client


def _place(exchange: str, environment: str) -> tuple[str, str]:
    """Prices on paper are those of the exchange itself."""
    return exchange, Environment.SANDBOX if environment == Environment.SANDBOX else Environment.LIVE


def _name(credentials: Credentials) -> str:
    """What a key is called where it must not be told."""
    return sha256(credentials.key.encode()).hexdigest()[:16]
