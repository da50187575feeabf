"""Real exchanges as the tests have them: nobody outside is asked, and each key says what it may do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from django.db import connection

from accounts.keys import Credentials
from orders.gateways.base import (
    Exchanges,
    Holding,
    KeyRefused,
    Permissions,
    RateLimited,
    Unreachable,
    Venue,
)
from orders.gateways.offers import OFFERS

TRADES = Permissions(trade=True, withdraw=False, transfer=False, ip_restricted=True)
BOOK: dict[str, Permissions | Exception] = {
    "canary-key-trades-only": TRADES,
    "canary-key-from-anywhere": Permissions(True, False, False, False),
    "canary-key-withdraws": Permissions(True, True, False, True),
    "canary-key-transfers": Permissions(True, False, True, True),
    "canary-key-only-reads": Permissions(False, False, False, True),
    "canary-key-not-told": Permissions(True, None, None, None),
    "canary-key-unheard": Unreachable("no answer"),
    "canary-key-too-often": RateLimited("slow down", wait_s=3600),
}
SANDBOX_KEY = "canary-key-for-the-sandbox"
HOLDINGS = {
    "BTC": Holding(Decimal("0.5"), Decimal("0.25")),
    "USDT": Holding(Decimal(5000), Decimal(4000)),
}


@dataclass
class FakeVenue:
    """Accepts the keys of its `book`, and in the sandbox one of its own."""

    book: Mapping[str, Permissions | Exception] = field(default_factory=lambda: BOOK)
    holds: Mapping[str, Holding] = field(default_factory=lambda: HOLDINGS)
    asked: list[str] = field(default_factory=list)
    in_transaction: bool = False

    def permissions(self, credentials: Credentials, environment: str) -> Permissions:
        self.asked.append(environment)
        self.in_transaction |= connection.in_atomic_block
        if environment == "sandbox":
            found: Permissions | Exception | None = TRADES if credentials.key == SANDBOX_KEY else None
        else:
            found = self.book.get(credentials.key)
        if found is None:
            raise KeyRefused("no such key")
        if isinstance(found, Exception):
            raise found
        return found

    def holdings(self, credentials: Credentials, environment: str) -> Mapping[str, Holding]:
        self.permissions(credentials, environment)
        return self.holds


def venues() -> dict[str, Venue]:
    return {exchange: FakeVenue() for exchange in OFFERS}


def exchanges(**given: Venue) -> Exchanges:
    """What a service is handed, and what the tests install: these venues, or all with the plain book."""
    return Exchanges(venues=given or venues())
