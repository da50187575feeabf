"""An exchange account's key: sealed for its owner, and never shown.

Fernet proves that a text was sealed by one of our keys, but not for whom. So the plaintext names its
user and account, and a sealed key that somebody copied into another row is refused. No exception of
this module holds a part of what was sealed.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

FORMAT = 1
NUMBER_LENGTH = 8


class NotTheirs(Exception):
    """It was sealed for another account, or in a way this version does not know."""


class Unreadable(Exception):
    """None of the keys opens it."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an exchange knows an account by. `password` is the passphrase that some exchanges ask for."""

    key: str = field(repr=False)
    secret: str = field(repr=False)
    password: str = field(default="", repr=False)


def seal(credentials: Credentials, *, user_id: UUID, account_id: UUID, keys: Sequence[str]) -> str:
    """The credentials under the first of `keys`, for this account of this user alone."""
    bound = _bound(user_id, account_id)
    fields = {"key": credentials.key, "secret": credentials.secret, "password": credentials.password}
    return _fernet(keys).encrypt(json.dumps({**bound, **fields}).encode()).decode()


def unseal(text: str, *, user_id: UUID, account_id: UUID, keys: Sequence[str]) -> Credentials:
    """What `seal` was given, by any of `keys`. Raises `Unreadable` or `NotTheirs`."""
    try:
        plain = _fernet(keys).decrypt(text.encode())
    except InvalidToken:
        raise Unreadable("No key of ENCRYPTION_KEYS opens this account's exchange key.") from None
    found = _read(plain)
    if {name: found.get(name) for name in _bound(user_id, account_id)} != _bound(user_id, account_id):
        raise NotTheirs("This exchange key was sealed for another account.")
    return Credentials(found["key"], found["secret"], found["password"])


def number_of(key: str) -> str:
    """A short fingerprint of one of ENCRYPTION_KEYS: says which it is, and nothing of it."""
    return sha256(key.encode()).hexdigest()[:NUMBER_LENGTH]


def _bound(user_id: UUID, account_id: UUID) -> dict[str, Any]:
    return {"format": FORMAT, "user": str(user_id), "account": str(account_id)}


def _read(plain: bytes) -> dict[str, Any]:
    """Empty for what is not ours. The error of a broken JSON holds all of it, so it ends here."""
    try:
        found = json.loads(plain)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _fernet(keys: Sequence[str]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
