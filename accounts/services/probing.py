"""Asking an exchange what a key may do, when it is saved, when its owner tests it, and once a day.

A key that may withdraw or transfer is not kept: whoever gets hold of it could empty the account. The
exchange is asked outside any transaction; what it said is written only if the key is still that one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts.keys import Credentials
from accounts.models import TRADES, AccountState, Environment, ExchangeAccount
from accounts.queries import due, with_key
from accounts.services.opening import changed_meanwhile, credentials_of
from activity import journal
from activity.models import Severity
from bots.models import Bot, BotStatus
from bots.services.asked import ServiceRefused, refused
from orders.gateways.base import Exchanges, GatewayError, KeyRefused, Permissions, RateLimited
from orders.gateways.offers import OFFERS, Offer

CHECKED_EVERY = timedelta(hours=24)
RETRY_AFTER = timedelta(minutes=15)
CHECKS_AT_ONCE_MAX = 10
NOT_KEPT = {
    AccountState.SUSPENDED: ("rights", "key"),
    AccountState.BROKEN: ("no_trading", "key"),
    AccountState.UNCHECKED: ("cannot_tell", "consent"),
}
LOUD = {AccountState.WORKING: Severity.SUCCESS, AccountState.UNCHECKED: Severity.WARNING}


@dataclass(frozen=True, slots=True)
class Finding:
    """What is now known of a key, as columns. `asked`: whether the exchange has answered."""

    state: AccountState
    reason: str = ""
    columns: dict[str, Any] = field(default_factory=dict)
    asked: bool = True
    again: timedelta | None = None


def judged(offer: Offer, found: Permissions, *, consent: bool) -> Finding:
    """The one rule by which a key is kept or not."""
    rights = [word for word, may in (("withdraw", found.withdraw), ("transfer", found.transfer)) if may]
    if rights:
        why = f"The key may {' and '.join(rights)} money. Take that right from it on {offer.name}."
        return Finding(AccountState.SUSPENDED, why, columns_of(found))
    if found.trade is False:
        why = f"The key may not trade. Allow spot trading for it on {offer.name}."
        return Finding(AccountState.BROKEN, why, columns_of(found))
    if None in (found.withdraw, found.transfer) and not consent:
        why = (
            f"{offer.name} does not say whether the key may withdraw or transfer money. If it may, whoever "
            f"gets hold of it can empty the account: look at its rights on {offer.name}."
        )
        return Finding(AccountState.UNCHECKED, why, columns_of(found), again=CHECKED_EVERY)
    return Finding(AccountState.WORKING, "", columns_of(found), again=CHECKED_EVERY)


def columns_of(found: Permissions) -> dict[str, Any]:
    return {
        "may_trade": found.trade,
        "may_withdraw": found.withdraw,
        "may_transfer": found.transfer,
        "ip_restricted": found.ip_restricted,
    }


def must_be_kept(
    *, offer: Offer, environment: str, credentials: Credentials, consent: bool, exchanges: Exchanges
) -> Finding:
    """What the exchange says of a key before it is saved; raises `ServiceRefused` if it must not be."""
    try:
        found = exchanges.venues[offer.exchange].permissions(credentials, environment)
    except KeyRefused:
        raise refused("key_refused", "key", _not_accepted(offer, environment)) from None
    except GatewayError:
        why = f"{offer.name} could not be reached, so nothing was saved. Try again in a minute."
        raise refused("unreachable", "exchange", why) from None
    finding = judged(offer, found, consent=consent)
    if finding.state is not AccountState.WORKING:
        code, name = NOT_KEPT[finding.state]
        raise refused(code, name, finding.reason)
    return finding


def consent_needed(finding: Finding) -> bool:
    return None in (finding.columns["may_withdraw"], finding.columns["may_transfer"])


def account_test(
    *, account: ExchangeAccount, exchanges: Exchanges, keys: Sequence[str], now: datetime
) -> ExchangeAccount:
    """Ask the exchange about the account's key, and keep what it says. Raises `ServiceRefused` when the
    account has none, or when somebody changed it meanwhile."""
    if account.environment == Environment.PAPER:
        raise refused("no_key", "key", f"{account.label} has no key: there is nothing to test.")
    finding = _found(account, exchanges, keys)
    with transaction.atomic():
        rows = with_key().filter(
            pk=account.pk, sealed_key=account.sealed_key, held_at__isnull=account.held_at is None
        )
        if not rows.update(**_written(account, finding, now)):
            raise changed_meanwhile()
        fresh = ExchangeAccount.objects.get(pk=account.pk)
        ring_bots(fresh, before=account.state)
        if (fresh.state, fresh.state_reason) != (account.state, account.state_reason):
            _tell(fresh, now)
    return fresh


def account_refused(*, account: ExchangeAccount, now: datetime) -> None:
    """Its exchange does not accept the key in the midst of trading: nothing new is sent with it until it
    was tested or replaced."""
    offer = OFFERS[account.exchange]
    with transaction.atomic():
        rows = with_key().filter(pk=account.pk, sealed_key=account.sealed_key, state__in=TRADES)
        why = _not_accepted(offer, account.environment)
        if rows.update(state=AccountState.BROKEN, state_reason=why):
            fresh = ExchangeAccount.objects.get(pk=account.pk)
            ring_bots(fresh, before=account.state)
            _tell(fresh, now)


def ring_bots(account: ExchangeAccount, *, before: str) -> None:
    """Its bots look anew, and at once, where it trades no more, or again: they wait while it does not."""
    if (account.state in TRADES) != (before in TRADES):
        active = Bot.objects.filter(account=account, status=BotStatus.ACTIVE)
        active.update(events=F("events") + 1, retry_at=None)


def check_due_accounts(
    *, exchanges: Exchanges, keys: Sequence[str], now: datetime, limit: int = CHECKS_AT_ONCE_MAX
) -> int:
    """Test the keys that are due, `limit` at most. What is claimed is due again soon, so an account that
    fails in a way nobody thought of holds up no other for long."""
    checked = 0
    for account in due(exchanges=exchanges.venues.keys(), now=now)[:limit]:
        claimed = with_key().filter(pk=account.pk, check_due_at=account.check_due_at)
        if not claimed.update(check_due_at=now + RETRY_AFTER):
            continue
        try:
            account_test(account=account, exchanges=exchanges, keys=keys, now=now)
        except ServiceRefused:
            continue  # its owner was faster
        checked += 1
    return checked


def _found(account: ExchangeAccount, exchanges: Exchanges, keys: Sequence[str]) -> Finding:
    offer = OFFERS.get(account.exchange)
    if offer is None or account.exchange not in exchanges.venues:
        return _silent(account, f"This installation does not reach {account.exchange}.")
    try:
        credentials = credentials_of(account, keys)
        found = exchanges.venues[account.exchange].permissions(credentials, account.environment)
    except ServiceRefused as error:
        return Finding(AccountState.BROKEN, str(error), asked=False)
    except KeyRefused:
        return Finding(AccountState.BROKEN, _not_accepted(offer, account.environment))
    except RateLimited as limited:
        wait = max(RETRY_AFTER, timedelta(seconds=limited.wait_s))
        return _silent(account, f"{offer.name} asked us to wait; the key is tested later.", wait)
    except GatewayError:
        return _silent(account, f"{offer.name} could not be reached; the key is tested again by itself.")
    return judged(offer, found, consent=account.consented_at is not None)


def _silent(account: ExchangeAccount, why: str, again: timedelta = RETRY_AFTER) -> Finding:
    """No answer says nothing against a key that works, and nothing for one that does not."""
    if account.state in TRADES:
        return Finding(AccountState.UNCHECKED, why, asked=False, again=again)
    return Finding(AccountState(account.state), account.state_reason, asked=False)


def _not_accepted(offer: Offer, environment: str) -> str:
    where = " in its sandbox" if environment == Environment.SANDBOX else ""
    return (
        f"{offer.name} does not accept the key{where}. Copy key and secret once more, and see to it that "
        "this server's address is among those the key may be used from."
    )


def _written(account: ExchangeAccount, finding: Finding, now: datetime) -> dict[str, Any]:
    columns = dict(finding.columns)
    if finding.asked:
        columns["checked_at"] = now
    if account.held_at is not None:
        return columns  # only an operator moves it
    columns |= {"state": finding.state, "state_reason": finding.reason}
    return columns | {"check_due_at": now + finding.again if finding.again else None}


def _tell(account: ExchangeAccount, now: datetime) -> None:
    state = AccountState(account.state)
    message = f"{account.label}: {account.state_reason or 'its key works.'}"
    level = LOUD.get(state, Severity.ERROR)
    journal.say(user_id=account.user_id, bot_id=None, message=message, now=now, level=level)
