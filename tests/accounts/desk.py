"""What the tests of exchange accounts begin with: a person's account at a fake exchange, keys, secrets."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from accounts.keys import Credentials
from accounts.models import ExchangeAccount, User
from accounts.services import Wanted, account_add
from orders.gateways.base import Exchanges
from tests.venues import exchanges

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
KEYS = list(settings.ENCRYPTION_KEYS)
SECRET = "canary-secret-of-an-account"
PASSWORD = "canary-passphrase"


def credentials(key: str = "trades-only", secret: str = SECRET, password: str = "") -> Credentials:
    return Credentials(f"canary-key-{key}", secret, password)


def wanted(key: str = "trades-only", **changes: Any) -> Wanted:
    plain: dict[str, Any] = {
        "exchange": "binance",
        "environment": "live",
        "label": "Main",
        "credentials": credentials(key),
    }
    return Wanted(**plain | changes)


def account(
    user: User, key: str = "trades-only", reached: Exchanges | None = None, **changes: Any
) -> ExchangeAccount:
    """An account of theirs as its page would make it."""
    return account_add(
        user=user, wanted=wanted(key, **changes), exchanges=reached or exchanges(), keys=KEYS, now=NOW
    )
