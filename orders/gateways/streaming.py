"""What an exchange tells by itself: a port beside that of what it is asked.

A stream only hurries. A price it brings is checked as an answer is; what it says of an order makes that
order be asked about, and nothing is ever booked from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from accounts.models import ExchangeAccount
from orders.matching import Quote


@dataclass(frozen=True, slots=True)
class Told:
    """A stream's word on one order: the exchange's id and ours of 32 hex digits, whether it has ended, and
    how much of it has filled so far, in base."""

    ticker: str
    order_id: str
    client_id: str
    ended: bool
    filled: Decimal


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be streamed: markets by exchange, and the accounts whose orders are."""

    tickers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    accounts: Mapping[UUID, ExchangeAccount] = field(default_factory=dict)


class Ear(Protocol):
    """Whoever is told. It is called in the streams' own thread, and returns at once."""

    def priced(self, exchange: str, quotes: Mapping[str, Quote]) -> None:
        """New prices, not yet compared with those before them."""

    def unpriced(self, exchange: str, tickers: frozenset[str]) -> None:
        """Nothing is known of these any more, or not yet: their connection has opened or ended."""

    def told(self, account_id: UUID, orders: Sequence[Told]) -> None:
        """News of orders of an account, perhaps not all ours."""

    def missed(self, account_id: UUID) -> None:
        """Its connection has opened: anything may have happened before."""


class Following(Protocol):
    """Streams that are open, or trying to be. Its calls wait for nobody."""

    def follow(self, wanted: Wanted) -> None:
        """From now on exactly this."""

    def keep(self, exchange: str, quotes: Mapping[str, Quote]) -> Mapping[str, Quote]:
        """Those that can be, left where every process finds them."""

    def heard_s(self, account_id: UUID) -> float | None:
        """Seconds since an account's stream opened or last told anything; None while it is not open."""

    def renew(self, account_id: UUID) -> None:
        """Close the account's connection and open another: it has kept something to itself."""

    def stop(self) -> None:
        """Close everything; returns within a few seconds."""


class Streams(Protocol):
    def begin(self, ear: Ear) -> Following: ...


class Silence:
    """Where nothing is streamed, and everything is asked for."""

    def begin(self, ear: Ear) -> Following:
        return self

    def follow(self, wanted: Wanted) -> None:
        pass

    def keep(self, exchange: str, quotes: Mapping[str, Quote]) -> Mapping[str, Quote]:
        return quotes

    def heard_s(self, account_id: UUID) -> float | None:
        return None

    def renew(self, account_id: UUID) -> None:
        pass

    def stop(self) -> None:
        pass
