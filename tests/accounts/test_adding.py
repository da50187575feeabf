"""An account is made with a key that the exchange has spoken for, and with no other."""

from typing import Any

import pytest
from django.db import connection

from accounts.keys import Credentials, number_of
from accounts.models import AccountState, ExchangeAccount
from accounts.queries import accounts_of
from accounts.services import Wanted, account_add, account_delete, credentials_of
from accounts.services.asked import ACCOUNTS_PER_USER_MAX
from activity.models import ActivityLog
from bots.services import ServiceRefused, paper_account
from tests import people
from tests.accounts.desk import KEYS, NOW, PASSWORD, SECRET, account, credentials, wanted
from tests.venues import SANDBOX_KEY, FakeVenue, exchanges

pytestmark = pytest.mark.django_db
PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEcanary\nAAAA==\n-----END EC PRIVATE KEY-----"


def refusal(asked: Wanted, venue: FakeVenue | None = None) -> tuple[str, str]:
    """The code and the field of what is wrong; nothing may have been saved, nor any secret told."""
    reached = exchanges(binance=venue) if venue else exchanges()
    with pytest.raises(ServiceRefused) as refused:
        account_add(user=people.alice(), wanted=asked, exchanges=reached, keys=KEYS, now=NOW)
    assert not accounts_of(people.alice()).filter(label=asked.label).exists()
    assert "canary" not in str(refused.value)
    problem = refused.value.problems[0]
    return problem.code, problem.field


def test_an_account_is_made_with_its_sealed_key() -> None:
    venue = FakeVenue()
    made = account(people.alice(), reached=exchanges(binance=venue))
    found = ExchangeAccount.objects.get(pk=made.pk)
    assert credentials_of(found, KEYS) == credentials()
    assert (found.key_hint, found.key_number) == ("only", number_of(KEYS[0]))
    assert (found.state, found.checked_at, found.consented_at) == (AccountState.WORKING, NOW, None)
    assert (found.may_trade, found.may_withdraw, found.may_transfer, found.ip_restricted) == (
        True,
        False,
        False,
        True,
    )
    assert "canary" not in found.sealed_key
    assert venue.asked == ["live"]
    assert ActivityLog.objects.get(user=people.alice()).message == "Main was added."


@pytest.mark.django_db(transaction=True)
def test_the_exchange_is_asked_outside_any_transaction() -> None:
    venue = FakeVenue()
    account(people.alice(), reached=exchanges(binance=venue))
    assert venue.asked
    assert not venue.in_transaction
    assert not connection.in_atomic_block


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("withdraws", ("rights", "key")),
        ("transfers", ("rights", "key")),
        ("only-reads", ("no_trading", "key")),
        ("not-told", ("cannot_tell", "consent")),
        ("nobody-knows", ("key_refused", "key")),
        ("unheard", ("unreachable", "exchange")),
        ("too-often", ("unreachable", "exchange")),
    ],
)
def test_a_key_that_must_not_be_kept_is_not(key: str, problem: tuple[str, str]) -> None:
    assert refusal(wanted(key)) == problem


@pytest.mark.parametrize("key", ["withdraws", "transfers"])
def test_no_consent_lets_a_key_in_that_may_take_money_out(key: str) -> None:
    assert refusal(wanted(key, consent=True)) == ("rights", "key")


def test_with_consent_a_key_is_kept_of_which_nothing_is_told() -> None:
    made = account(people.alice(), "not-told", consent=True)
    assert (made.state, made.consented_at) == (AccountState.WORKING, NOW)
    said = ActivityLog.objects.get(user=people.alice()).message
    assert "confirmed that the key may neither withdraw nor transfer" in said


def test_consent_that_was_not_needed_is_not_written_down() -> None:
    assert account(people.alice(), consent=True).consented_at is None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"exchange": "nowhere"}, ("unknown_exchange", "exchange")),
        ({"exchange": "simulated"}, ("unknown_exchange", "exchange")),
        ({"environment": "paper"}, ("environment", "environment")),
        ({"exchange": "kraken", "environment": "sandbox"}, ("environment", "environment")),
        ({"environment": "LIVE"}, ("environment", "environment")),
        ({"label": "  "}, ("label", "label")),
        ({"label": "x" * 65}, ("label", "label")),
        ({"label": "two\nlines"}, ("label", "label")),
        ({"label": "PAPER"}, ("label_taken", "label")),
    ],
)
def test_a_place_or_a_label_that_cannot_be_is_refused(
    changes: dict[str, Any], problem: tuple[str, str]
) -> None:
    assert refusal(wanted(**changes)) == problem


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        (Credentials("canary7", SECRET), "key"),
        (Credentials("k" * 513, SECRET), "key"),
        (Credentials("canary\x00-key-trades-only", SECRET), "key"),
        (Credentials("canary-key\ntrades-only", SECRET), "key"),
        (Credentials("canary-key-trades-only", "short"), "secret"),
        (Credentials("canary-key-trades-only", "canary-\x07secret"), "secret"),
        (Credentials("canary-key-trades-only", " canary-key-trades-only "), "secret"),
    ],
)
def test_what_cannot_be_a_key_is_not_asked_about(typed: Credentials, field: str) -> None:
    venue = FakeVenue()
    assert refusal(wanted(credentials=typed), venue) == ("key_parts", field)
    assert venue.asked == []


def test_a_passphrase_is_asked_for_where_there_is_one_and_dropped_elsewhere() -> None:
    assert refusal(wanted(exchange="okx")) == ("key_parts", "password")
    okx = account(
        people.alice(), exchange="okx", credentials=credentials(password=PASSWORD), label="With passphrase"
    )
    assert credentials_of(okx, KEYS).password == PASSWORD
    binance = account(people.alice(), credentials=credentials(password=PASSWORD))
    assert credentials_of(binance, KEYS).password == ""


@pytest.mark.parametrize(
    "typed",
    [PEM, f"  {PEM}\n", PEM.replace("\n", "\\n"), PEM.replace("\n", "\r\n"), PEM.replace("\n", "")],
    ids=["as it is", "blanks", "written out", "windows", "by a browser"],
)
def test_a_private_key_gets_its_lines_back(typed: str) -> None:
    made = account(people.alice(), exchange="coinbase", credentials=credentials(secret=typed))
    found = credentials_of(made, KEYS).secret
    assert found.splitlines()[0] == "-----BEGIN EC PRIVATE KEY-----"
    assert found.replace("\n", "") == PEM.replace("\n", "")
    assert found.count("\n") >= 2


def test_a_sandbox_key_is_no_live_key_and_the_other_way_round() -> None:
    sandbox = Credentials(SANDBOX_KEY, SECRET)
    assert refusal(wanted(credentials=sandbox)) == ("key_refused", "key")
    assert refusal(wanted(environment="sandbox")) == ("key_refused", "key")
    assert account(people.alice(), environment="sandbox", credentials=sandbox).environment == "sandbox"


def test_a_label_is_used_once_by_a_person_in_whatever_case() -> None:
    first = account(people.alice(), label="Main")
    with pytest.raises(ServiceRefused, match="another account of yours has this one"):
        account(people.alice(), label=" mAIN ")
    assert account(people.bob(), label="Main").user == people.bob()
    account_delete(account=first, now=NOW)
    assert account(people.alice(), label="Main").pk != first.pk


def test_an_account_cannot_be_taken_for_the_one_without_real_money() -> None:
    account(people.alice(), label="Main")
    paper = paper_account(user=people.alice(), now=NOW)
    assert (paper.environment, paper.sealed_key) == ("paper", "")


def test_there_is_an_end_to_how_many() -> None:
    for number in range(ACCOUNTS_PER_USER_MAX):
        account(people.alice(), f"trades-only-{number}", label=f"Number {number}")
    assert refusal(wanted(label="One more")) == ("too_many", "label")


def test_a_key_that_another_account_has_is_refused() -> None:
    """Both would give the same money to their bots."""
    account(people.alice())
    assert refusal(wanted(label="Twin")) == ("key_taken", "key")
    account(people.bob())
    account(people.alice(), "for-the-sandbox", environment="sandbox", label="Play")


def test_an_exchange_that_is_not_reached_is_refused() -> None:
    with pytest.raises(ServiceRefused, match="does not reach Kraken"):
        account(people.alice(), exchange="kraken", reached=exchanges(binance=FakeVenue()))
