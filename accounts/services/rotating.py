"""Sealing stored keys anew, once another encryption key comes first."""

from collections.abc import Sequence

from django.db.models import QuerySet

from accounts.keys import NotTheirs, Unreadable, number_of, seal, unseal
from accounts.models import ExchangeAccount
from accounts.queries import with_key


def keys_to_rotate(keys: Sequence[str]) -> QuerySet[ExchangeAccount]:
    """Accounts whose key another than the first of `keys` has sealed."""
    return with_key().exclude(key_number=number_of(keys[0])).order_by("pk")


def rotate_key(*, account: ExchangeAccount, keys: Sequence[str]) -> bool:
    """The account's key under the first of `keys`; False when none opens it. A key that its owner
    replaces meanwhile is under the first already, and stays."""
    whose = {"user_id": account.user_id, "account_id": account.pk}
    try:
        sealed = seal(unseal(account.sealed_key, **whose, keys=keys), **whose, keys=keys)
    except (NotTheirs, Unreadable):
        return False
    same = with_key().filter(pk=account.pk, sealed_key=account.sealed_key)
    same.update(sealed_key=sealed, key_number=number_of(keys[0]))
    return True
