"""Exchange accounts at a terminal: a key comes in by standard input or a file, and comes out nowhere."""

import io
import json
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.keys import number_of
from accounts.models import ExchangeAccount
from accounts.services import credentials_of, keys_to_rotate, rotate_key
from tests import people
from tests.accounts.desk import KEYS, NOW, SECRET, account, credentials

pytestmark = pytest.mark.django_db
ADD = ("add", "--exchange", "binance", "--environment", "live", "--label", "Main", "--user")
OLD, NEW = KEYS[0], Fernet.generate_key().decode()


def typed(key: str = "trades-only", **parts: str) -> io.StringIO:
    return io.StringIO(json.dumps({"key": f"canary-key-{key}", "secret": SECRET, **parts}))


def told(*words: str, stdin: io.StringIO | None = None) -> str:
    out = io.StringIO()
    call_command("exchange_account", *words, stdout=out, stdin=stdin)
    assert "canary" not in out.getvalue()
    return out.getvalue()


def refused(*words: str, stdin: io.StringIO | None = None, returncode: int = 2) -> str:
    with pytest.raises(CommandError) as wrong:
        told(*words, stdin=stdin)
    assert wrong.value.returncode == returncode
    chain = [wrong.value, wrong.value.__cause__]
    assert "canary" not in repr(chain)
    assert wrong.value.__suppress_context__ or wrong.value.__context__ is None
    return str(wrong.value)


def test_from_adding_to_deleting() -> None:
    email = people.alice().email
    line = told(*ADD, email, stdin=typed())
    row = ExchangeAccount.objects.get()
    assert str(row.pk) in line
    assert credentials_of(row, KEYS) == credentials()
    assert "live    working   …only" in told("list", "--user", email)
    assert "working" in told("test", str(row.pk))
    assert "Spare" in told("rename", str(row.pk), "Spare")
    assert "…here" in told("replace-key", str(row.pk), stdin=typed("from-anywhere"))
    assert told("delete", str(row.pk)) == "Spare was deleted, and its key forgotten.\n"
    assert told("list") == "No exchange accounts.\n"
    assert "no such account" in refused("test", str(row.pk))


def test_a_key_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.write_text(typed().getvalue())
    told(*ADD, people.alice().email, "--key-file", str(file))
    assert ExchangeAccount.objects.get().key_hint == "only"
    assert "--key-file cannot be read" in refused(
        *ADD, "alice@example.org", "--key-file", str(tmp_path / "no")
    )


@pytest.mark.parametrize(
    "text",
    [
        "canary, but no JSON",
        '"canary"',
        '{"key": "canary-key-trades-only"}',
        '{"key": "canary-key-trades-only", "secret": 7}',
        '{"key": "canary-key-trades-only", "secret": "canary", "more": "canary"}',
    ],
)
def test_what_is_no_key_is_refused_and_not_repeated(text: str) -> None:
    assert "standard input" in refused(*ADD, people.alice().email, stdin=io.StringIO(text))


def test_the_rules_are_those_of_the_pages() -> None:
    email = people.alice().email
    assert "may withdraw money" in refused(*ADD, email, stdin=typed("withdraws"))
    assert "does not say" in refused(*ADD, email, stdin=typed("not-told"))
    told(*ADD, email, "--consent", stdin=typed("not-told"))
    assert ExchangeAccount.objects.get().consented_at is not None
    assert "nobody here has the address" in refused(*ADD, "nobody@example.org", stdin=typed())


def test_a_key_that_does_not_work_is_told_by_the_exit_status() -> None:
    row = account(people.alice())
    ExchangeAccount.objects.filter(pk=row.pk).update(sealed_key="broken")
    assert "cannot be opened" in refused("test", str(row.pk), returncode=1)


def rotated() -> str:
    out = io.StringIO()
    call_command("rotate_keys", stdout=out)
    return out.getvalue()


def rows_of(count: int) -> list[ExchangeAccount]:
    return [
        account(people.alice(), f"trades-only-{number}", label=f"Number {number}") for number in range(count)
    ]


def test_keys_are_rotated_and_a_second_run_finds_nothing(settings: Settings) -> None:
    rows_of(3)
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert "3 exchange keys to seal" in rotated()
    for number, row in enumerate(ExchangeAccount.objects.order_by("label")):
        assert row.key_number == number_of(NEW)
        assert credentials_of(row, [NEW]) == credentials(f"trades-only-{number}")
    sealed = list(ExchangeAccount.objects.values_list("sealed_key", flat=True))
    assert rotated().splitlines() == [
        "0 exchange keys to seal with the first of ENCRYPTION_KEYS.",
        "Done: 0. 0 remain.",
    ]
    assert list(ExchangeAccount.objects.values_list("sealed_key", flat=True)) == sealed


def test_a_rotation_that_was_interrupted_goes_on(settings: Settings) -> None:
    rows_of(3)
    settings.ENCRYPTION_KEYS = keys = [NEW, OLD]
    rotate_key(account=keys_to_rotate(keys)[0], keys=keys)
    assert "2 exchange keys to seal" in rotated()
    assert not keys_to_rotate(keys).exists()


def test_a_row_that_no_key_opens_holds_up_no_other(settings: Settings) -> None:
    lost, *others = rows_of(3)
    ExchangeAccount.objects.filter(pk=lost.pk).update(sealed_key=others[0].sealed_key)
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    out = io.StringIO()
    with pytest.raises(CommandError, match=str(lost.pk)) as wrong:
        call_command("rotate_keys", stdout=out)
    assert wrong.value.returncode == 2
    assert "Done: 2. 1 remain." in out.getvalue()


def test_a_key_replaced_during_the_rotation_is_not_overwritten() -> None:
    (row,) = rows_of(1)
    ExchangeAccount.objects.filter(pk=row.pk).update(sealed_key="newer", checked_at=NOW)
    assert rotate_key(account=row, keys=[NEW, OLD])
    assert ExchangeAccount.objects.get().sealed_key == "newer"


def test_deleted_accounts_and_paper_have_nothing_to_rotate(settings: Settings) -> None:
    people.paper_account(people.alice())
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert "0 exchange keys" in rotated()


def test_an_account_on_paper_needs_no_key() -> None:
    email = people.alice().email
    add = ("add", "--exchange", "kraken", "--environment", "paper", "--label", "Try", "--user", email)
    assert "has no key" in refused(*add, "--consent")
    line = told(*add)
    row = ExchangeAccount.objects.get()
    assert (row.environment, row.exchange, row.sealed_key) == ("paper", "kraken", "")
    assert str(row.pk) in line
    assert "kraken    paper" in told("list", "--user", email)
    assert "has no key" in refused("test", str(row.pk))
    assert "Other" in told("rename", str(row.pk), "Other")
    assert told("delete", str(row.pk)) == "Other was deleted.\n"


def test_the_account_that_everybody_has_is_not_there_to_be_changed() -> None:
    row = people.paper_account(people.alice())
    assert told("list") == "No exchange accounts.\n"
    assert "no such account" in refused("delete", str(row.pk))
