"""Who sends a request, and whether it is theirs and fresh: keys, signatures, timestamps."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from tests.exchange import rejections
from tests.exchange.accounts import Account
from tests.exchange.rejections import Rejection

RECV_WINDOW_MS = 5_000
RECV_WINDOW_MAX_MS = 60_000
AHEAD_MAX_MS = 1_000
KEY_PATTERN = re.compile(r"[A-Za-z0-9_-]{6,128}")


def known(accounts: Mapping[str, Account], key: str) -> Account:
    """The account of a key: -2014 if it cannot be one, -2015 if it is none or no longer one."""
    if not KEY_PATTERN.fullmatch(key):
        raise Rejection(-2014, "API-key format invalid.", status=401)
    account = accounts.get(key)
    if account is None or account.revoked:
        raise rejections.bad_key()
    return account


def signed(account: Account, payload: str, signature: str) -> None:
    """Checks HMAC-SHA256 over the parameters as they were sent."""
    if not signature:
        raise rejections.missing("signature")
    expected = hmac.new(account.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature.lower()):
        raise Rejection(-1022, "Signature for this request is not valid.")


def timely(params: Mapping[str, str], now: int) -> None:
    """Checks timestamp and recvWindow against the server's clock."""
    if not params.get("timestamp", "").isdigit():
        raise rejections.missing("timestamp")
    try:
        window = Decimal(params.get("recvWindow", RECV_WINDOW_MS))
    except InvalidOperation:
        raise rejections.illegal("recvWindow", rejections.QUANTITY_PATTERN) from None
    if window > RECV_WINDOW_MAX_MS:
        raise Rejection(-1131, "recvWindow must be less than 60000.")
    age = now - int(params["timestamp"])
    if age < -AHEAD_MAX_MS:
        raise Rejection(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if age > window:
        raise Rejection(-1021, "Timestamp for this request is outside of the recvWindow.")


def unsigned(query: str) -> str:
    """The text that was signed: all of it but the signature."""
    return "&".join(part for part in query.split("&") if part and not part.startswith("signature="))
