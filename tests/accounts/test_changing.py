"""Testing, renaming, replacing, deleting, suspending: what changes, and what never does."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AccountState, ExchangeAccount
from accounts.queries import accounts_of
from accounts.services import (
    account_balance,
    account_delete,
    account_rename,
    account_replace_key,
    account_resume,
    account_suspend,
    account_test,
    credentials_of,
)
from activity.models import ActivityLog
from bots.services import ServiceRefused
from orders.gateways.base import Permissions, Unreachable
from tests import people
from tests.accounts.desk import KEYS, NOW, account, credentials
from tests.venues import TRADES, FakeVenue, exchanges

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=25)


def says(answer: Permissions | Exception | None) -> FakeVenue:
    """An exchange that has changed its mind about the key."""
    return FakeVenue(book={} if answer is None else {"canary-key-trades-only": answer})


def after_test(row: ExchangeAccount, answer: Permissions | Exception | None) -> ExchangeAccount:
    return account_test(account=row, exchanges=exchanges(binance=says(answer)), keys=KEYS, now=LATER)


def replaced(row: ExchangeAccount, key: str, consent: bool = False) -> ExchangeAccount:
    return account_replace_key(
        account=row,
        credentials=credentials(key),
        consent=consent,
        exchanges=exchanges(),
        keys=KEYS,
        now=LATER,
    )


@pytest.mark.parametrize(
    ("answer", "state", "words", "asked"),
    [
        (TRADES, AccountState.WORKING, "", True),
        (Permissions(True, True, False, True), AccountState.SUSPENDED, "may withdraw money", True),
        (Permissions(True, True, True, True), AccountState.SUSPENDED, "may withdraw and transfer", True),
        (Permissions(False, False, False), AccountState.BROKEN, "may not trade", True),
        (Permissions(True), AccountState.UNCHECKED, "does not say", True),
        (None, AccountState.BROKEN, "does not accept the key", True),
        (Unreachable("?"), AccountState.UNCHECKED, "could not be reached", False),
    ],
)
def test_a_test_keeps_what_the_exchange_says(
    answer: Any, state: AccountState, words: str, asked: bool
) -> None:
    found = after_test(account(people.alice()), answer)
    assert (found.state, found.checked_at) == (state, LATER if asked else NOW)
    assert words in found.state_reason
    assert bool(words) == bool(found.state_reason)
    told = ActivityLog.objects.filter(message__startswith="Main: ")
    assert told.count() == (1 if words else 0)


def test_a_key_whose_rights_were_taken_back_works_again() -> None:
    row = after_test(account(people.alice()), Permissions(True, True, False))
    assert after_test(row, Unreachable("?")).state == AccountState.SUSPENDED
    row = after_test(row, TRADES)
    assert (row.state, row.may_withdraw) == (AccountState.WORKING, False)
    assert ActivityLog.objects.latest("pk").message == "Main: its key works."


def test_a_test_of_a_key_that_was_replaced_meanwhile_says_nothing_of_the_new_one() -> None:
    stale = account(people.alice())
    replaced(stale, "from-anywhere")
    with pytest.raises(ServiceRefused, match="changed this account meanwhile"):
        after_test(stale, Permissions(True, True, True))
    assert ExchangeAccount.objects.get().state == AccountState.WORKING


def test_a_replaced_key_is_another_and_the_account_the_same() -> None:
    before = account(people.alice(), "not-told", consent=True)
    after = replaced(before, "from-anywhere")
    assert (after.pk, after.exchange, after.environment) == (before.pk, before.exchange, before.environment)
    assert credentials_of(after, KEYS).key == "canary-key-from-anywhere"
    assert (after.key_hint, after.ip_restricted, after.consented_at) == ("here", False, None)


@pytest.mark.parametrize("key", ["withdraws", "not-told", "nobody-knows", "unheard"])
def test_a_refused_replacement_leaves_the_old_key(key: str) -> None:
    row = account(people.alice())
    with pytest.raises(ServiceRefused):
        replaced(row, key)
    assert ExchangeAccount.objects.get().sealed_key == row.sealed_key


def test_a_key_is_not_replaced_by_that_of_another_account() -> None:
    row, other = account(people.alice()), account(people.alice(), "from-anywhere", label="Other")
    with pytest.raises(ServiceRefused, match="Other has this one already"):
        replaced(row, "from-anywhere")
    assert replaced(other, "from-anywhere").pk == other.pk


def test_only_one_of_two_replacements_at_once_is_kept() -> None:
    row = account(people.alice())
    replaced(row, "from-anywhere")
    with pytest.raises(ServiceRefused, match="meanwhile"):
        replaced(row, "trades-only")


def test_a_renamed_account_keeps_all_else() -> None:
    row = account(people.alice())
    account(people.alice(), "trades-only-2", label="Other")
    assert account_rename(account=row, label=" Spare ", now=NOW).label == "Spare"
    assert account_rename(account=row, label="MAIN", now=NOW).label == "MAIN"
    with pytest.raises(ServiceRefused, match="another account of yours"):
        account_rename(account=row, label="other", now=NOW)


def test_an_account_that_bots_use_is_not_deleted() -> None:
    row = account(people.alice())
    bot = people.bot(people.alice(), account=row, funds=Decimal(0), name="Night grid", mode="live")
    with pytest.raises(ServiceRefused, match="Main is used by Night grid; delete that bot first"):
        account_delete(account=row, now=NOW)
    type(bot).objects.filter(pk=bot.pk).update(hidden_at=NOW)
    for _ in range(2):
        account_delete(account=row, now=NOW)
    gone = ExchangeAccount.objects.get(pk=row.pk)
    assert (gone.sealed_key, gone.key_hint, gone.key_number, gone.hidden_at) == ("", "", "", NOW)
    assert not accounts_of(people.alice()).exists()


def test_the_account_without_real_money_stays_as_it_is() -> None:
    paper = people.paper_account(people.alice())
    with pytest.raises(ServiceRefused, match="has no key"):
        account_delete(account=paper, now=NOW)
    with pytest.raises(ServiceRefused, match="nothing to change"):
        account_rename(account=paper, label="Real", now=NOW)
    with pytest.raises(ServiceRefused, match="nothing to test"):
        account_test(account=paper, exchanges=exchanges(), keys=KEYS, now=NOW)
    with pytest.raises(ServiceRefused, match="has no key"):
        credentials_of(paper, KEYS)


def test_what_an_operator_suspends_only_an_operator_resumes() -> None:
    row = account(people.alice())
    assert account_suspend(account=row, now=NOW)
    assert not account_suspend(account=row, now=NOW)
    row = ExchangeAccount.objects.get()
    assert after_test(row, TRADES).state == AccountState.SUSPENDED
    assert replaced(row, "from-anywhere").state == AccountState.SUSPENDED
    row = ExchangeAccount.objects.get()
    assert account_resume(account=row, now=NOW)
    assert not account_resume(account=row, now=NOW)
    row = ExchangeAccount.objects.get()
    assert (row.state, row.check_due_at) == (AccountState.UNCHECKED, NOW)


def test_a_resumed_key_that_may_withdraw_stays_suspended() -> None:
    row = after_test(account(people.alice()), Permissions(True, True, False))
    account_suspend(account=row, now=NOW)
    account_resume(account=ExchangeAccount.objects.get(), now=NOW)
    row = ExchangeAccount.objects.get()
    assert (row.state, row.held_at) == (AccountState.SUSPENDED, None)


@pytest.mark.parametrize("answer", [None, Permissions(True, True, False)])
def test_nobody_trades_with_a_broken_or_a_suspended_key(answer: Any) -> None:
    row = account(people.alice())
    assert credentials_of(row, KEYS, for_trading=True) == credentials()
    row = after_test(row, answer)
    assert credentials_of(row, KEYS) == credentials()
    with pytest.raises(ServiceRefused) as refused:
        credentials_of(row, KEYS, for_trading=True)
    assert refused.value.problems[0].code == "not_working"


def test_a_sealed_key_moved_to_another_account_opens_for_nobody() -> None:
    mine, theirs = account(people.alice()), account(people.bob(), "from-anywhere")
    ExchangeAccount.objects.filter(pk=theirs.pk).update(sealed_key=mine.sealed_key)
    theirs.refresh_from_db()
    with pytest.raises(ServiceRefused, match="cannot be opened") as refused:
        credentials_of(theirs, KEYS)
    assert "canary" not in repr([refused.value, refused.value.__context__])
    assert after_test(theirs, TRADES).state == AccountState.BROKEN


@pytest.mark.parametrize(
    "change",
    [
        {"environment": "sandbox"},
        {"exchange": "kraken"},
        {"sealed_key": ""},
        {"state": "fine"},
        {"may_withdraw": True},
        {"may_transfer": True},
        {"held_at": NOW},
    ],
    ids=str,
)
def test_the_database_keeps_what_must_hold(change: dict[str, Any]) -> None:
    row = account(people.alice())
    with pytest.raises(IntegrityError), transaction.atomic():
        ExchangeAccount.objects.filter(pk=row.pk).update(**change)


def test_the_database_gives_no_key_to_an_account_without_real_money() -> None:
    row = people.paper_account(people.alice())
    with pytest.raises(IntegrityError), transaction.atomic():
        ExchangeAccount.objects.filter(pk=row.pk).update(sealed_key="x")
    with pytest.raises(IntegrityError), transaction.atomic():
        ExchangeAccount.objects.filter(pk=row.pk).update(user=people.bob())


def test_a_balance_tells_what_is_ours_and_what_is_not() -> None:
    row = account(people.alice())
    bot = people.bot(people.alice(), account=row, funds=Decimal(0), mode="live")
    type(bot).objects.filter(pk=bot.pk).update(cash=Decimal(1500), position_amount=Decimal("0.7"))
    found = account_balance(account=row, exchanges=exchanges(), keys=KEYS)
    assert [(one.currency, one.total, one.free, one.ours, one.foreign, one.short) for one in found] == [
        ("BTC", Decimal("0.5"), Decimal("0.25"), Decimal("0.7"), Decimal("-0.2"), True),
        ("USDT", Decimal(5000), Decimal(4000), Decimal(1500), Decimal(3500), False),
    ]


def test_the_balance_of_paper_is_that_of_our_own_books() -> None:
    paper = people.paper_account(people.alice())
    people.bot(people.alice(), account=paper, funds=Decimal(1000))
    (found,) = account_balance(account=paper, exchanges=exchanges(), keys=KEYS)
    assert (found.total, found.free, found.ours) == (Decimal(10_000), Decimal(9000), Decimal(1000))


@pytest.mark.parametrize(("book", "words"), [({}, "does not accept the key"), (None, "could not be reached")])
def test_a_balance_that_is_not_told_says_why(book: Any, words: str) -> None:
    row = account(people.alice())
    venue = FakeVenue(book={"canary-key-trades-only": Unreachable("?")} if book is None else book)
    with pytest.raises(ServiceRefused, match=words):
        account_balance(account=row, exchanges=exchanges(binance=venue), keys=KEYS)
