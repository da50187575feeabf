"""What guards the way in: nobody learns who has an account, guessing is slowed, no link leads away."""

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from tests import people
from tests.web.conftest import Person

AWAY = ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)")


@pytest.fixture(autouse=True)
def nobody_has_tried_yet() -> None:
    cache.clear()


def reset(email: str) -> tuple[int, str]:
    answer = Client().post("/accounts/password/reset/", {"email": email})
    return answer.status_code, answer["Location"]


@pytest.mark.django_db
def test_a_password_reset_answers_alike_whoever_asks() -> None:
    known = people.alice().email
    assert reset(known) == reset("nobody@example.org")
    assert [one.to for one in mail.outbox] == [[known], ["nobody@example.org"]]
    assert "password/reset/key" not in str(mail.outbox[1].body)


@pytest.mark.django_db
def test_guessing_a_password_is_stopped_with_a_page_of_ours() -> None:
    email = people.alice().email
    client = Client()
    for _ in range(5):
        client.post("/accounts/login/", {"login": email, "password": "wrong"})
    answer = client.post("/accounts/login/", {"login": email, "password": "correct horse"})
    assert "_auth_user_id" not in client.session
    assert "Too many" in answer.content.decode()
    for _ in range(40):
        answer = client.post("/accounts/login/", {"login": "x@example.org", "password": "wrong"})
    assert answer.status_code == 429
    assert "Wait a few minutes" in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("away", AWAY)
def test_signing_in_leads_to_no_other_site(away: str) -> None:
    client = Client()
    answer = client.post(
        "/accounts/login/", {"login": people.alice().email, "password": "correct horse", "next": away}
    )
    assert (answer.status_code, answer["Location"]) == (302, "/")


@pytest.mark.django_db
def test_signing_in_changes_the_session_and_its_cookie_is_out_of_reach_of_scripts() -> None:
    client = Client()
    client.get("/accounts/login/")
    planted = client.session
    planted.save()
    client.cookies["session"] = str(planted.session_key)
    client.post("/accounts/login/", {"login": people.alice().email, "password": "correct horse"})
    cookie = client.cookies["session"]
    assert cookie.value != planted.session_key
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_a_form_leads_back_to_our_own_pages_alone(alice: Person) -> None:
    bot = alice.bot()
    for back in AWAY:
        answer = alice.client.post(f"/bots/{bot.pk}/start", {"back": back})
        assert answer["Location"] == f"/bots/{bot.pk}/"


@pytest.mark.django_db
def test_another_host_is_not_answered() -> None:
    assert Client(headers={"host": "evil.example"}).get("/").status_code == 400


def test_a_signed_in_persons_pages_are_kept_by_no_cache(alice: Person, client: Client) -> None:
    assert alice.client.get(reverse("home"))["Cache-Control"] == "no-store, private"
    assert "no-store" not in client.get(reverse("home")).get("Cache-Control", "")
