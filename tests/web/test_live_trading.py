"""Trading with real money, from adding the key to a fill and to money that is gone, all through the pages.

The exchange is the test exchange, put in place of Binance by an operator's own overrides.
"""

import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from accounts.models import ExchangeAccount
from accounts.services import account_compare, sure_shortages_of
from bots.engine import claims
from bots.engine.turn import run_turn
from bots.models import Bot, BotStatus, Phase
from orders.gateways.installed import installed
from orders.invariants import breaches
from orders.models import Order
from orders.states import OrderStatus
from tests.exchange import Exchange
from tests.web.conftest import Person, turn
from tests.web.test_forms_of_bots import shown
from tests.web.test_paper_on_real_prices import binance, form_of, served

__all__ = ["binance", "served"]
NEW = "/exchanges/new/binance/"


def added(person: Person, exchange: Exchange, environment: str = "live") -> ExchangeAccount:
    typed = {
        "environment": environment,
        "label": "Main",
        "key": exchange.alice.key,
        "secret": exchange.alice.secret,
    }
    page = person.client.post(NEW, typed, follow=True).content.decode()
    assert "Main was added, and its key works." in page
    return ExchangeAccount.objects.get(user=person.user, label="Main")


def made(person: Person, account: ExchangeAccount, **changes: str) -> Bot:
    fields = shown(form_of(person, account=account.pk)) | changes
    answer = person.client.post(reverse("bots:new", args=["grid"]), fields)
    assert answer.status_code == 302, answer.content.decode()
    return Bot.objects.get(user=person.user, account=account)


def page_of(person: Person, account: ExchangeAccount) -> str:
    return person.client.get(f"/exchanges/{account.pk}/").content.decode()


def sure(account: ExchangeAccount) -> None:
    for later_s in (0, 30):
        now = timezone.now() + timedelta(seconds=later_s)
        account_compare(account=account, exchanges=installed(), now=now)


@pytest.mark.parametrize(("environment", "place"), [("live", "binance"), ("sandbox", "binance-sandbox")])
def test_from_the_key_to_a_fill(alice: Person, binance: Exchange, environment: str, place: str) -> None:
    account = added(alice, binance, environment)
    form = form_of(alice, account=account.pk)
    assert ">100,000.00</data> USDT are free in your account" in form
    assert ("with real money" in form) == (environment == "live")
    bot = made(alice, account, start="yes", name="Earner")
    assert (bot.status, bot.exchange, bot.mode) == (BotStatus.ACTIVE, place, environment)
    turn(bot)
    sold = Order.objects.filter(bot=bot, status=OrderStatus.OPEN, side="sell").order_by("price").first()
    assert sold is not None
    assert sold.price is not None
    binance.ledger.move("BTCUSDT", sold.price + 1)
    Order.objects.filter(bot=bot).update(look_again_at=timezone.now() - timedelta(seconds=1))
    claims.release_all_leases()
    run_turn(claims.due_ids(), exchanges=installed(), now=timezone.now())
    sold.refresh_from_db()
    assert sold.status == OrderStatus.FILLED
    home = alice.client.get("/").content.decode()
    assert ("Real money" in home) == (environment == "live")
    assert ("Sandbox, play money" in home) == (environment == "sandbox")
    assert "Earner" in page_of(alice, account)
    assert breaches() == []


def test_a_preview_on_a_sandbox_without_candles_says_how_to_get_some(
    alice: Person, binance: Exchange
) -> None:
    fields = shown(form_of(alice, account=added(alice, binance, "sandbox").pk))
    answer = alice.client.post(reverse("bots:preview", args=["grid"]), fields)
    assert "import_candles FILE --exchange binance-sandbox --ticker BTC/USDT" in answer.content.decode()


def test_a_bot_with_real_money_starts_only_after_the_password_was_given_again(
    alice: Person, binance: Exchange
) -> None:
    account = added(alice, binance)
    alice.client.logout()
    alice.client.force_login(alice.user)
    bot = made(alice, account, start="yes")
    assert bot.status == BotStatus.STOPPED
    start = reverse("bots:start", args=[bot.pk])
    answer = alice.client.post(start)
    assert answer["Location"].startswith("/accounts/reauthenticate/?next=")
    swapped = alice.client.post(start, headers={"HX-Request": "true"})
    assert swapped["HX-Redirect"].startswith("/accounts/reauthenticate/?next=")
    assert Bot.objects.get(pk=bot.pk).status == BotStatus.STOPPED
    page = reverse("bots:page", args=[bot.pk])
    alice.client.post("/accounts/reauthenticate/", {"password": "correct horse", "next": page})
    alice.client.post(start)
    assert Bot.objects.get(pk=bot.pk).status == BotStatus.ACTIVE


def test_a_password_given_long_ago_or_by_another_or_only_at_login_does_not_count(
    alice: Person, bob: Person, binance: Exchange
) -> None:
    bot = made(alice, added(alice, binance), name="Live one")
    start = reverse("bots:start", args=[bot.pk])
    now = time.time()
    wrong: list[dict[str, Any]] = [
        {"at": now - 901, "reauthenticated": True},
        {"at": now, "reauthenticated": False},
        {"at": now, "reauthenticated": True, "user": str(bob.user.pk)},
    ]
    for record in wrong:
        session = alice.client.session
        session["account_authentication_methods_user"] = record.pop("user", str(alice.user.pk))
        session["account_authentication_methods"] = [{"method": "password", **record}]
        session.save()
        assert alice.client.post(start)["Location"].startswith("/accounts/reauthenticate/"), record
        assert alice.client.get(NEW)["Location"].startswith("/accounts/reauthenticate/"), record
    assert Bot.objects.get(pk=bot.pk).status == BotStatus.STOPPED


def test_the_password_leads_nowhere_else(alice: Person) -> None:
    alice.client.logout()
    alice.client.force_login(alice.user)
    elsewhere = {"password": "correct horse", "next": "https://evil.example/"}
    answer = alice.client.post("/accounts/reauthenticate/", elsewhere)
    assert not answer["Location"].startswith("https:")


def test_on_paper_nothing_can_be_missing(alice: Person) -> None:
    assert alice.client.post(f"/exchanges/{alice.account.pk}/compare").status_code == 404


def test_a_look_with_a_key_that_is_not_accepted_says_so(alice: Person, binance: Exchange) -> None:
    account = added(alice, binance)
    made(alice, account, start="yes")
    binance.alice.revoked = True
    told = alice.client.post(f"/exchanges/{account.pk}/compare", follow=True).content.decode()
    assert "The exchange does not accept the key" in told


def test_a_bot_on_an_exchange_that_is_reached_no_more_is_still_shown(
    alice: Person, binance: Exchange, settings: Any
) -> None:
    bot = made(alice, added(alice, binance))
    settings.EXCHANGES = ""
    cache.clear()  # what it last said is shown for some seconds
    page = alice.client.get(reverse("bots:edit", args=[bot.pk]))
    assert "what is free in your account is not known now" in page.content.decode()


def test_more_than_the_exchange_has_free_is_refused_and_nothing_is_made(
    alice: Person, binance: Exchange
) -> None:
    account = added(alice, binance)
    fields = shown(form_of(alice, account=account.pk)) | {"investment": "100001", "start": "yes"}
    page = alice.client.post(reverse("bots:new", args=["grid"]), fields).content.decode()
    assert "is more than the 100000 USDT free in the account" in page
    assert not Bot.objects.filter(account=account).exists()


def test_money_that_is_gone_is_told_on_the_accounts_page_with_two_ways_out(
    alice: Person, bob: Person, binance: Exchange
) -> None:
    account = added(alice, binance)
    bot = made(alice, account, start="yes", name="Short one")
    held = binance.alice.balances["USDT"].total
    binance.alice.change("USDT", -held)
    sure(account)
    (shortage,) = sure_shortages_of(account)
    page = page_of(alice, account)
    assert "USDT is missing" in page
    assert "It is gone: close Short one" in page
    assert Bot.objects.get(pk=bot.pk).phase == Phase.SUSPENDED
    assert "The bots should hold" in alice.client.get(reverse("bots:page", args=[bot.pk])).content.decode()
    look, close = f"/exchanges/{account.pk}/compare", f"/exchanges/{account.pk}/shortages/{shortage.pk}/close"
    assert bob.client.post(look).status_code == 404
    assert bob.client.post(f"{close}/{bot.pk}").status_code == 404
    assert "Money is still missing." in alice.client.post(look, follow=True).content.decode()

    binance.alice.change("USDT", held)
    told = alice.client.post(look, follow=True).content.decode()
    assert "All is there that your bots should hold." in told
    assert "USDT is missing" not in told


def test_a_bot_is_closed_from_the_accounts_page(alice: Person, binance: Exchange) -> None:
    account = added(alice, binance)
    bot = made(alice, account, start="yes", name="Short one")
    binance.alice.change("USDT", -binance.alice.balances["USDT"].total + Decimal(1))
    sure(account)
    (shortage,) = sure_shortages_of(account)
    address = f"/exchanges/{account.pk}/shortages/{shortage.pk}/close/{bot.pk}"
    assert "is being closed" in alice.client.post(address, follow=True).content.decode()
    for _ in range(2):
        claims.release_all_leases()
        run_turn([bot.pk], exchanges=installed(), now=timezone.now())
    sure(account)
    assert Bot.objects.get(pk=bot.pk).status == BotStatus.STOPPED
    assert not sure_shortages_of(account).exists()
    assert "USDT is missing" not in page_of(alice, account)
    assert breaches() == []
