"""The daily check of keys: who is due is asked, some at a time, and one failure stops no other."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from accounts.keys import Credentials
from accounts.models import AccountState, ExchangeAccount
from accounts.services import (
    account_test,
    check_due_accounts,
    compare_due_accounts,
)
from accounts.services.shortages import COMPARED_EVERY
from accounts.tasks import check_due_keys
from activity.models import ActivityLog, Severity
from orders.gateways.base import Permissions, Unreachable
from tests import people
from tests.accounts.desk import KEYS, NOW, account
from tests.venues import BOOK, FakeVenue, exchanges

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=25)


@dataclass
class Reentrant(FakeVenue):
    """Begins another run of the daily check in the middle of the first."""

    second_run: list[int] = field(default_factory=list)

    def permissions(self, credentials: Credentials, environment: str) -> Permissions:
        if not self.second_run:
            self.second_run.append(-1)
            self.second_run[0] = check_due_accounts(exchanges=exchanges(binance=self), keys=KEYS, now=LATER)
        return super().permissions(credentials, environment)


def test_those_that_are_due_are_tested_and_one_failure_stops_no_other() -> None:
    venue = FakeVenue()
    for number, key in enumerate(("trades-only", "from-anywhere", "not-told")):
        account(people.alice(), key, label=f"Number {number}", consent=True)
    everything = exchanges(binance=venue)
    assert check_due_accounts(exchanges=everything, keys=KEYS, now=NOW + timedelta(hours=23)) == 0
    turned = FakeVenue(
        book={
            **BOOK,
            "canary-key-trades-only": Unreachable("?"),
            "canary-key-from-anywhere": Permissions(True, True, False),
        }
    )
    assert check_due_accounts(exchanges=exchanges(binance=turned), keys=KEYS, now=LATER) == 3
    states = ExchangeAccount.objects.order_by("label").values_list("state", flat=True)
    assert list(states) == ["unchecked", "suspended", "working"]
    told = ActivityLog.objects.get(level=Severity.ERROR)
    assert told.message == "Number 1: The key may withdraw money. Take that right from it on Binance."


def test_a_run_tests_so_many_and_the_next_one_the_rest() -> None:
    for number in range(3):
        account(people.alice(), f"trades-only-{number}", label=f"Number {number}")
    assert [check_due_accounts(exchanges=exchanges(), keys=KEYS, now=LATER, limit=2) for _ in range(3)] == [
        2,
        1,
        0,
    ]


def test_of_two_runs_at_once_one_tests_an_account() -> None:
    account(people.alice())
    venue = Reentrant()
    assert check_due_accounts(exchanges=exchanges(binance=venue), keys=KEYS, now=LATER) == 1
    assert venue.second_run == [0]


def test_an_exchange_that_asks_to_wait_is_left_alone_for_so_long() -> None:
    row = account(people.alice())
    venue = FakeVenue(book={"canary-key-trades-only": BOOK["canary-key-too-often"]})
    found = account_test(account=row, exchanges=exchanges(binance=venue), keys=KEYS, now=LATER)
    assert found.check_due_at == LATER + timedelta(hours=1)
    assert check_due_accounts(exchanges=exchanges(), keys=KEYS, now=LATER + timedelta(minutes=59)) == 0
    assert check_due_accounts(exchanges=exchanges(), keys=KEYS, now=LATER + timedelta(minutes=60)) == 1
    assert ExchangeAccount.objects.get().state == AccountState.WORKING


def test_a_broken_key_is_not_asked_about_again_by_itself() -> None:
    no_longer_known = exchanges(binance=FakeVenue(book={}))
    account_test(account=account(people.alice()), exchanges=no_longer_known, keys=KEYS, now=LATER)
    assert check_due_accounts(exchanges=exchanges(), keys=KEYS, now=LATER + timedelta(days=9)) == 0


def test_the_bell_of_every_minute_tests_what_is_due() -> None:
    row = account(people.alice())
    check_due_keys()
    row.refresh_from_db()
    assert row.checked_at is not None
    assert row.checked_at > NOW  # due since long ago by the clock on the wall
    checked_at = row.checked_at
    check_due_keys()
    row.refresh_from_db()
    assert row.checked_at == checked_at


def test_an_account_that_was_never_compared_comes_before_those_that_are_due_again() -> None:
    old, new = account(people.alice()), account(people.bob())
    ExchangeAccount.objects.filter(pk=old.pk).update(compare_due_at=NOW)
    assert compare_due_accounts(exchanges=exchanges(), now=LATER, limit=1) == 1
    due = dict(ExchangeAccount.objects.values_list("pk", "compare_due_at"))
    assert (due[old.pk], due[new.pk]) == (NOW, LATER + COMPARED_EVERY)
