"""What other threads have brought for the listener, until it looks: of a market's prices only the newest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock
from uuid import UUID

from orders.gateways.streaming import Told
from orders.matching import Quote

TOLD_MAX = 1000


@dataclass(slots=True)
class Post:
    """Prices by exchange and ticker; `asked` those that were asked for, and for how long (s) each exchange
    that answered, or did not, is to be left alone. `unpriced` are markets whose stream has begun or ended."""

    streamed: dict[tuple[str, str], Quote] = field(default_factory=dict)
    asked: dict[tuple[str, str], Quote] = field(default_factory=dict)
    rests_s: dict[str, float] = field(default_factory=dict)
    unpriced: set[tuple[str, str]] = field(default_factory=set)
    told: dict[UUID, list[Told]] = field(default_factory=dict)
    missed: set[UUID] = field(default_factory=set)


@dataclass(slots=True)
class Inbox:
    """`came` is set whenever something has; who takes the post clears it."""

    came: Event = field(default_factory=Event)
    _lock: Lock = field(default_factory=Lock)
    _post: Post = field(default_factory=Post)

    def take(self) -> Post:
        with self._lock:
            self.came.clear()
            post, self._post = self._post, Post()
        return post

    def answered(self, exchange: str, quotes: Mapping[str, Quote], rest_s: float) -> None:
        with self._lock:
            self._post.asked |= {(exchange, ticker): quote for ticker, quote in quotes.items()}
            self._post.rests_s[exchange] = rest_s
        self.came.set()

    def priced(self, exchange: str, quotes: Mapping[str, Quote]) -> None:
        with self._lock:
            self._post.streamed |= {(exchange, ticker): quote for ticker, quote in quotes.items()}
        self.came.set()

    def unpriced(self, exchange: str, tickers: frozenset[str]) -> None:
        with self._lock:
            self._post.unpriced |= {(exchange, ticker) for ticker in tickers}
        self.came.set()

    def told(self, account_id: UUID, orders: Sequence[Told]) -> None:
        with self._lock:
            told = self._post.told.setdefault(account_id, [])
            told.extend(orders)
            if len(told) > TOLD_MAX:
                # More than anybody could look at one by one: all are asked about.
                del self._post.told[account_id]
                self._post.missed.add(account_id)
        self.came.set()

    def missed(self, account_id: UUID) -> None:
        with self._lock:
            self._post.missed.add(account_id)
        self.came.set()
