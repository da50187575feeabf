"""The pages of exchange accounts: what they do, to whom they belong, and that no secret leaves them."""

import logging
import re
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.messages import get_messages
from django.contrib.sessions.models import Session

from accounts.models import AccountState, ExchangeAccount
from accounts.services import account_suspend, credentials_of
from accounts.views.card import Card
from orders.gateways.offers import OFFERS
from tests import people
from tests.accounts import desk
from tests.accounts.desk import PASSWORD, SECRET
from tests.web.conftest import Person

NEW = "/exchanges/new/binance/"


def typed(key: str = "trades-only", **changes: str) -> dict[str, str]:
    plain = {"environment": "live", "label": "Main", "key": f"canary-key-{key}", "secret": SECRET}
    return plain | changes


def page_of(account: ExchangeAccount, name: str = "") -> str:
    return f"/exchanges/{account.pk}/{name}"


def real(person: Person) -> ExchangeAccount:
    return ExchangeAccount.objects.exclude(environment="paper").get(user=person.user)


def everything_stored() -> str:
    """Every column of every table but sealed keys, and sessions as they read when opened."""
    rows = [list(model._default_manager.values()) for model in apps.get_models()]
    sealed = {f"'{text}'" for text in ExchangeAccount.objects.values_list("sealed_key", flat=True) if text}
    text = repr(rows) + repr([session.get_decoded() for session in Session.objects.all()])
    for one in sealed:
        text = text.replace(one, "")
    return text


def test_an_account_is_added_and_shown(alice: Person) -> None:
    answer = alice.client.post(NEW, typed(), follow=True)
    account = real(alice)
    assert answer.redirect_chain == [(page_of(account), 302)]
    text = answer.content.decode()
    assert "Main was added, and its key works." in text
    assert "…only" in text
    assert "no withdrawals" in text
    assert "allowed addresses only" in text
    assert credentials_of(account, settings.ENCRYPTION_KEYS).secret == SECRET
    listed = alice.client.get("/exchanges/").content.decode()
    assert "Main" in listed
    assert "Binance" in listed
    assert 'data-mode="live"' in listed
    assert 'data-mode="paper"' in listed


def test_each_exchange_says_how_to_make_a_key(alice: Person) -> None:
    chosen = alice.client.get("/exchanges/new/").content.decode()
    with_keys = [offer for offer in OFFERS.values() if not offer.paper_only]
    assert len(with_keys) == 5
    for offer in with_keys:
        exchange = offer.exchange
        assert f"/exchanges/new/{exchange}/" in chosen
        text = alice.client.get(f"/exchanges/new/{exchange}/").content.decode()
        assert f"How to make a safe key on {offer.name}" in text
        assert ("Passphrase" in text) == offer.needs_password
        assert ('value="sandbox"' in text) == offer.sandbox
        assert text.count('type="password"') == (3 if offer.needs_password else 2)
        assert text.count('autocomplete="off"') >= 3
    assert alice.client.get("/exchanges/new/nowhere/").status_code == 404


def test_an_exchange_that_is_not_reached_is_not_offered(alice: Person, settings: Any) -> None:
    settings.EXCHANGES = ""
    assert "No exchange can be reached" in alice.client.get("/exchanges/new/").content.decode()
    assert alice.client.get(NEW).status_code == 404


def test_a_form_that_is_refused_keeps_all_but_the_key(alice: Person) -> None:
    text = alice.client.post(NEW, typed("withdraws", label="My own name")).content.decode()
    assert "The key may withdraw money. Take that right from it on Binance." in text
    assert 'value="My own name"' in text
    assert "type the key and the secret again" in text
    assert "canary" not in text
    assert "I have looked" not in text
    assert not ExchangeAccount.objects.exclude(environment="paper").exists()


def test_where_nothing_is_told_consent_is_asked_for_and_kept(alice: Person) -> None:
    text = alice.client.post(NEW, typed("not-told")).content.decode()
    assert "does not say whether the key may withdraw or transfer money" in text
    assert "I have looked" in text
    assert "canary" not in text
    alice.client.post(NEW, typed("not-told", consent="on"))
    assert real(alice).consented_at is not None
    assert "withdrawals: not told" in alice.client.get("/exchanges/").content.decode()


def test_an_empty_form_says_what_is_missing(alice: Person) -> None:
    text = alice.client.post(NEW, {"label": ""}).content.decode()
    for sentence in ("Label is required", "Key is required", "Secret is required", "Environment: Binance"):
        assert sentence in text


def test_a_key_used_from_anywhere_says_what_to_do(alice: Person) -> None:
    desk.account(alice.user, "from-anywhere")
    text = alice.client.get("/exchanges/").content.decode()
    assert "from any address" in text
    assert "allow this key from your server&#x27;s public address only" in text.replace("'", "&#x27;")


def test_a_key_is_tested_with_htmx_and_without(alice: Person) -> None:
    account = desk.account(alice.user)
    answer = alice.client.post(page_of(account, "test"), headers={"HX-Request": "true"})
    text = answer.content.decode()
    assert text.lstrip().startswith(f'<article class="bot-card" id="account-{account.pk}"')
    assert "Main: its key works." in text
    answer = alice.client.post(page_of(account, "test"), {"back": "list"}, follow=True)
    assert answer.redirect_chain == [("/exchanges/", 302)]
    assert "Main: its key works." in answer.content.decode()


def test_a_key_is_replaced(alice: Person) -> None:
    account = desk.account(alice.user)
    refused = alice.client.post(page_of(account, "key/"), typed("withdraws"))
    assert "may withdraw money" in refused.content.decode()
    alice.client.post(page_of(account, "key/"), typed("from-anywhere"))
    assert real(alice).key_hint == "here"
    assert real(alice).environment == "live"


def test_an_account_is_renamed_and_deleted(alice: Person) -> None:
    account = desk.account(alice.user)
    assert (
        "is called Spare"
        in alice.client.post(page_of(account, "rename"), {"label": "Spare"}, follow=True).content.decode()
    )
    refused = alice.client.post(page_of(account, "rename"), {"label": "paper"}, follow=True)
    assert "Paper is the account without real money" in refused.content.decode()
    bot = people.bot(alice.user, account=real(alice), funds=Decimal(0), mode="live")
    refused = alice.client.post(page_of(account, "delete"), follow=True)
    assert "Spare is used by Demo grid; delete that bot first." in refused.content.decode()
    type(bot).objects.filter(pk=bot.pk).update(hidden_at=desk.NOW)
    done = alice.client.post(page_of(account, "delete"), follow=True)
    assert done.redirect_chain == [("/exchanges/", 302)]
    assert alice.client.get(page_of(account)).status_code == 404


def test_the_paper_account_has_a_page_and_nothing_to_change(alice: Person) -> None:
    text = alice.client.get(page_of(alice.account)).content.decode()
    assert "Replace the key" not in text
    assert "10,000" in alice.client.get(page_of(alice.account, "balance/")).content.decode()
    for name in ("test", "delete", "rename", "key/"):
        answer = alice.client.post(page_of(alice.account, name), {"label": "Real"}, follow=True)
        assert answer.status_code == 200
    assert ExchangeAccount.objects.get(pk=alice.account.pk).label == "Paper"


def test_a_balance_is_a_page_and_a_part(alice: Person) -> None:
    account = desk.account(alice.user)
    people.bot(alice.user, account=account, funds=Decimal(0), mode="live", position_amount="0.7")
    whole = alice.client.get(page_of(account, "balance/")).content.decode()
    part = alice.client.get(page_of(account, "balance/"), headers={"HX-Request": "true"}).content.decode()
    assert part.strip() in whole
    cells = re.findall(r'<td data-label="([^"]+)" class="num">([^<]*)</td>', part)
    assert cells[:4] == [
        ("Total", "0.5"),
        ("Free", "0.25"),
        ("Reserved by bots", "0.7"),
        ("Not of our bots", "-0.2 (missing)"),
    ]
    assert "the bots should hold 0.7, but the account holds 0.5" in part


def test_nothing_of_it_is_there_for_a_stranger(alice: Person, bob: Person) -> None:
    account = desk.account(alice.user, label="Moonraker")
    before = ExchangeAccount.objects.values().get(pk=account.pk)
    for name in ("", "balance/", "key/", "test", "rename", "delete"):
        for answer in (
            bob.client.get(page_of(account, name)),
            bob.client.post(page_of(account, name), typed("from-anywhere")),
        ):
            assert answer.status_code in {404, 405}
    assert bob.client.post(page_of(account, "delete")).status_code == 404
    assert "Moonraker" not in bob.client.get("/exchanges/").content.decode()
    assert ExchangeAccount.objects.values().get(pk=account.pk) == before


def test_a_suspended_account_says_so(alice: Person) -> None:
    account = desk.account(alice.user)
    account_suspend(account=account, now=desk.NOW)
    text = alice.client.get(page_of(account)).content.decode()
    assert "An operator suspended it; ask them why." in text
    assert Card(real(alice)).state.text == AccountState.SUSPENDED.label


def test_no_part_of_a_key_is_found_anywhere(alice: Person, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is done with a key, and whatever goes wrong: no answer, log, message or row holds it."""
    caplog.set_level(logging.DEBUG)
    answers = []
    for key in ("withdraws", "not-told", "unheard", "nobody-knows", "trades-only", "short" * 200):
        for changes in ({}, {"label": ""}, {"secret": "canary\x00secret"}, {"environment": "canary"}):
            answers.append(alice.client.post(NEW, typed(key, **changes)))
    okx = typed(password=PASSWORD, label="With passphrase")
    answers.append(alice.client.post("/exchanges/new/okx/", okx))
    answers.append(alice.client.post("/exchanges/new/okx/", okx))
    account = ExchangeAccount.objects.get(label="Main")
    answers += [
        alice.client.post(page_of(account, "key/"), typed(key)) for key in ("withdraws", "trades-only")
    ]
    answers += [alice.client.post(page_of(account, name), typed()) for name in ("test", "rename")]
    answers += [alice.client.get(page_of(account, name)) for name in ("", "balance/", "key/")]
    answers += [alice.client.get(name) for name in ("/exchanges/", "/activity/", "/")]
    answers.append(alice.client.post(page_of(account, "delete")))
    for answer in answers:
        assert answer.status_code in {200, 302}
        assert b"canary" not in answer.content
        assert "canary" not in str(answer.headers)
        assert "canary" not in repr([str(one) for one in get_messages(answer.wsgi_request)])
    assert "canary" not in caplog.text
    assert "canary" not in everything_stored()


def test_the_menu_leads_there(alice: Person) -> None:
    assert '<a href="/exchanges/">Exchange accounts</a>' in alice.client.get("/").content.decode()


def test_a_key_is_asked_for_only_after_the_password_was_given_again(alice: Person) -> None:
    """And nothing of what was typed waits in a session meanwhile."""
    account = desk.account(alice.user)
    alice.client.logout()
    alice.client.force_login(alice.user)
    for address in (NEW, page_of(account, "key/")):
        for answer in (alice.client.get(address), alice.client.post(address, typed())):
            assert answer.status_code == 302
            assert answer["Location"].startswith("/accounts/reauthenticate/?next=")
    assert SECRET not in everything_stored()
    assert ExchangeAccount.objects.exclude(environment="paper").count() == 1
    again = alice.client.post("/accounts/reauthenticate/", {"password": "correct horse", "next": NEW})
    assert (again.status_code, again["Location"]) == (302, NEW)
    assert alice.client.get(NEW).status_code == 200
