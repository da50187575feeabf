"""Real exchanges as the tests have them: nobody outside is asked, and each key says what it may do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import connection

from accounts.keys import Credentials
from accounts.models import ExchangeAccount, place_of
from accounts.services import credentials_of
from orders.gateways.base import (
    Exchanges,
    GatewayError,
    Holding,
    KeyRefused,
    Markets,
    Permissions,
    RateLimited,
    Unreachable,
    Venue,
)
from orders.gateways.offers import OFFERS
from orders.models import Market

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
    """Accepts the keys of its `book`, each numbered as well, and in the sandbox one of its own."""

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
            found = self.book.get(credentials.key.rstrip("-0123456789"))
        if found is None:
            raise KeyRefused("no such key")
        if isinstance(found, Exception):
            raise found
        return found

    def holdings(self, account: ExchangeAccount) -> Mapping[str, Holding]:
        self.permissions(credentials_of(account, settings.ENCRYPTION_KEYS), account.environment)
        return self.holds


@dataclass
class FakeMarkets:
    """Lists `tickers`, or answers with `trouble`."""

    exchange: str
    tickers: tuple[str, ...] = ("BTC/USDT", "ETH/USDT", "ETH/BTC", "BTC/USD")
    trouble: GatewayError | None = None
    loads: int = 0
    in_transaction: bool = False

    def load(self, *, now: datetime) -> int:
        self.loads += 1
        self.in_transaction |= connection.in_atomic_block
        if self.trouble:
            raise self.trouble
        steps = {"tick": Decimal("0.01"), "lot": Decimal("0.0001"), "min_amount": Decimal("0.0001")}
        rules = {
            **steps,
            "min_cost": Decimal(5),
            "maker_fee": Decimal("0.001"),
            "taker_fee": Decimal("0.001"),
        }
        known = set(Market.objects.filter(exchange=self.exchange).values_list("ticker", flat=True))
        fresh = [ticker for ticker in self.tickers if ticker not in known]
        for ticker in fresh:
            Market.objects.create(
                exchange=self.exchange, ticker=ticker, version=1, loaded_at=now, fee_in="quote", **rules
            )
        return len(fresh)


def markets() -> dict[str, Markets]:
    places = {place_of(name, way) for name, offer in OFFERS.items() for way in offer.environments}
    return {place: FakeMarkets(place) for place in sorted({*places, *OFFERS})}


def venues() -> dict[str, Venue]:
    return {name: FakeVenue() for name, offer in OFFERS.items() if not offer.paper_only}


def exchanges(**given: Venue) -> Exchanges:
    """What a service is handed, and what the tests install: these venues, or all with the plain book."""
    return Exchanges(venues=given or venues(), markets=markets())
