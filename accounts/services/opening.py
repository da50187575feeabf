"""Opening an account's sealed key, for whoever speaks to its exchange."""

from collections.abc import Sequence

from accounts.keys import Credentials, NotTheirs, Unreadable, unseal
from accounts.models import TRADES, ExchangeAccount
from bots.services.asked import ServiceRefused, refused


def credentials_of(
    account: ExchangeAccount, keys: Sequence[str], *, for_trading: bool = False
) -> Credentials:
    """The account's key; `for_trading` also asks that it is neither broken nor suspended. Raises
    `ServiceRefused`."""
    if not account.sealed_key:
        raise refused("no_key", "key", f"{account.label} has no key.")
    if for_trading and account.state not in TRADES:
        why = f"{account.label} is {account.get_state_display().lower()}: {account.state_reason}"
        raise refused("not_working", "account", why)
    try:
        return unseal(account.sealed_key, user_id=account.user_id, account_id=account.pk, keys=keys)
    except (NotTheirs, Unreadable):
        why = f"{account.label}: its stored key cannot be opened. Replace the key, or ask the operator."
        raise refused("unreadable", "key", why) from None


def changed_meanwhile() -> ServiceRefused:
    return refused("changed", "label", "Somebody changed this account meanwhile; load the page again.")
