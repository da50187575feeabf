"""Adding exchange accounts, changing and removing them.

The id is made before the row, since the sealed key names it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import IntegrityError, transaction

from accounts.keys import Credentials, number_of, seal
from accounts.models import AccountState, Environment, ExchangeAccount, User, place_of
from accounts.queries import bots_on, with_key
from accounts.services.asked import (
    Wanted,
    check_room,
    checked_credentials,
    checked_label,
    checked_place,
    label_taken,
    on_real_exchanges,
)
from accounts.services.opening import changed_meanwhile, credentials_of
from accounts.services.paper import load_markets_of
from accounts.services.probing import CHECKED_EVERY, Finding, consent_needed, must_be_kept, ring_bots
from activity import journal
from activity.models import Severity
from bots.services.asked import ServiceRefused, refused
from orders.gateways.base import Exchanges
from orders.gateways.listed import EXCHANGE

HINT_LENGTH = 4
CONSENTED = " Its owner confirmed that the key may neither withdraw nor transfer money."


def account_add(
    *, user: User, wanted: Wanted, exchanges: Exchanges, keys: Sequence[str], now: datetime
) -> ExchangeAccount:
    """A new account with its key, which the exchange has been asked about. Raises `ServiceRefused`."""
    offer = checked_place(wanted.exchange, wanted.environment, exchanges)
    label = checked_label(wanted.label, user)
    credentials = checked_credentials(offer, wanted.credentials)
    check_room(user)
    account = ExchangeAccount(
        id=uuid4(), user=user, exchange=offer.exchange, environment=wanted.environment, label=label
    )
    _must_have_no_twin(account, credentials, keys)
    finding = must_be_kept(
        offer=offer,
        environment=wanted.environment,
        credentials=credentials,
        consent=wanted.consent,
        exchanges=exchanges,
    )
    load_markets_of(place_of(offer.exchange, wanted.environment), exchanges, now)
    for name, value in _keyed(account, credentials, finding, keys, now).items():
        setattr(account, name, value)
    try:
        with transaction.atomic():
            check_room(user)
            account.save(force_insert=True)
            _say(account, f"{label} was added.{_consented(finding)}", now)
    except IntegrityError:
        raise label_taken() from None
    return account


def account_replace_key(
    *,
    account: ExchangeAccount,
    credentials: Credentials,
    consent: bool,
    exchanges: Exchanges,
    keys: Sequence[str],
    now: datetime,
) -> ExchangeAccount:
    """Another key for the same account. The old one stays until the exchange has spoken for the new."""
    _must_have_key(account)
    offer = checked_place(account.exchange, account.environment, exchanges)
    credentials = checked_credentials(offer, credentials)
    _must_have_no_twin(account, credentials, keys)
    finding = must_be_kept(
        offer=offer,
        environment=account.environment,
        credentials=credentials,
        consent=consent,
        exchanges=exchanges,
    )
    columns = _keyed(account, credentials, finding, keys, now)
    if account.held_at is not None:
        columns |= {"state": account.state, "state_reason": account.state_reason, "check_due_at": None}
    with transaction.atomic():
        rows = with_key().filter(
            pk=account.pk, sealed_key=account.sealed_key, held_at__isnull=account.held_at is None
        )
        if not rows.update(**columns):
            raise changed_meanwhile()
        fresh = _rung(account)
        _say(account, f"{account.label}: its key was replaced.{_consented(finding)}", now)
    return fresh


def account_rename(*, account: ExchangeAccount, label: str, now: datetime) -> ExchangeAccount:
    _must_be_on_a_real_exchange(account)
    label = checked_label(label, account.user, account)
    if label == account.label:
        return account
    try:
        with transaction.atomic():
            if not on_real_exchanges().filter(pk=account.pk).update(label=label):
                raise changed_meanwhile()
            _say(account, f"{account.label} is now called {label}.", now)
    except IntegrityError:
        raise label_taken() from None
    return ExchangeAccount.objects.get(pk=account.pk)


def account_delete(*, account: ExchangeAccount, now: datetime) -> None:
    """Forget the key and hide the account; its rows stay, for the books. Deleting twice changes nothing."""
    _must_be_on_a_real_exchange(account)
    with transaction.atomic():
        # A bot that is being made holds the row against this lock, so it is seen below.
        if not on_real_exchanges().select_for_update().filter(pk=account.pk).exists():
            return
        users = list(bots_on(account).values_list("name", flat=True)[:2])
        if users:
            which = f"{users[0]}; delete that bot" if len(users) == 1 else "several bots; delete them"
            raise refused("in_use", "label", f"{account.label} is used by {which} first.")
        on_real_exchanges().filter(pk=account.pk).update(
            sealed_key="", key_hint="", key_number="", check_due_at=None, hidden_at=now
        )
        _say(account, deleted_in_words(account), now)


def deleted_in_words(account: ExchangeAccount) -> str:
    key = ", and its key forgotten" if account.sealed_key else ""
    return f"{account.label} was deleted{key}."


def account_suspend(*, account: ExchangeAccount, now: datetime) -> bool:
    """For operators: nothing trades with it until they resume it. Whether this call did that."""
    columns: dict[str, Any] = {
        "state": AccountState.SUSPENDED,
        "state_reason": "An operator suspended it; ask them why.",
        "held_at": now,
        "check_due_at": None,
    }
    with transaction.atomic():
        if not with_key().filter(pk=account.pk, held_at__isnull=True).update(**columns):
            return False
        _rung(account)
        _say(account, f"{account.label} was suspended by an operator.", now, Severity.ERROR)
    return True


def account_resume(*, account: ExchangeAccount, now: datetime) -> bool:
    """For operators: end their suspension. What the exchange said against the key still holds."""
    rights = account.may_withdraw or account.may_transfer
    why = "Its key may withdraw or transfer money." if rights else "It was resumed."
    columns: dict[str, Any] = {
        "state": AccountState.SUSPENDED if rights else AccountState.UNCHECKED,
        "state_reason": f"{why} The key is tested within minutes.",
        "held_at": None,
        "check_due_at": now,
    }
    with transaction.atomic():
        if (
            not with_key()
            .filter(pk=account.pk, held_at=account.held_at, held_at__isnull=False)
            .update(**columns)
        ):
            return False
        _rung(account)
        _say(account, f"{account.label} was resumed by an operator.", now)
    return True


def _rung(account: ExchangeAccount) -> ExchangeAccount:
    """The account as it is now, its bots told of it."""
    fresh = ExchangeAccount.objects.get(pk=account.pk)
    ring_bots(fresh, before=account.state)
    return fresh


def _keyed(
    account: ExchangeAccount, credentials: Credentials, finding: Finding, keys: Sequence[str], now: datetime
) -> dict[str, Any]:
    sealed = seal(credentials, user_id=account.user_id, account_id=account.pk, keys=keys)
    return {
        **finding.columns,
        "sealed_key": sealed,
        "key_hint": credentials.key[-HINT_LENGTH:],
        "key_number": number_of(keys[0]),
        "state": finding.state,
        "state_reason": finding.reason,
        "checked_at": now,
        "check_due_at": now + CHECKED_EVERY,
        "consented_at": now if consent_needed(finding) else None,
    }


def _must_have_key(account: ExchangeAccount) -> None:
    if account.environment == Environment.PAPER:
        raise refused("paper", "label", f"{account.label} is on paper and has no key.")


def _must_have_no_twin(account: ExchangeAccount, credentials: Credentials, keys: Sequence[str]) -> None:
    """Two accounts with one key would give the same money to the bots of both."""
    theirs = with_key().filter(
        user=account.user_id, exchange=account.exchange, environment=account.environment
    )
    for other in theirs.exclude(pk=account.pk):
        if _key_of(other, keys) == credentials.key:
            why = f"Key: {other.label} has this one already; run your bots there."
            raise refused("key_taken", "key", why)


def _key_of(account: ExchangeAccount, keys: Sequence[str]) -> str:
    """Nothing where it cannot be opened."""
    try:
        return credentials_of(account, keys).key
    except ServiceRefused:
        return ""


def _must_be_on_a_real_exchange(account: ExchangeAccount) -> None:
    if account.exchange == EXCHANGE:
        why = f"{account.label} has no key and no money of yours: there is nothing to change in it."
        raise refused("paper", "label", why)


def _consented(finding: Finding) -> str:
    return CONSENTED if consent_needed(finding) else ""


def _say(account: ExchangeAccount, message: str, now: datetime, level: Severity = Severity.INFO) -> None:
    journal.say(user_id=account.user_id, bot_id=None, message=message, now=now, level=level)
