"""The preview on a bot's form: shown as it is computed, for its owner alone, and never in the way."""

import sys
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import Environment, ExchangeAccount
from bots.models import Bot
from bots.strategies.registry import BOT_TYPES
from orders.models import Market
from tests.previews import fake_child
from tests.web.conftest import Person
from tests.web.test_forms_of_bots import offered, shown

NEW_DCA = reverse("bots:preview", args=["dca"])
HTMX = {"HX-Request": "true"}
REAL = (sys.executable, "-m", "bots.backtest.child")


def does(settings: Settings, word: str) -> None:
    settings.PREVIEW_ARGV = [sys.executable, fake_child.__file__, word]


def previewed(person: Person, fields: dict[str, Any], query: str = "") -> str:
    answer = person.client.post(NEW_DCA + query, fields, headers=HTMX)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert page.lstrip().startswith('<div id="preview-body"')
    return page


def test_the_form_asks_for_its_preview_and_again_when_a_field_changes(alice: Person) -> None:
    bot = alice.bot()
    for page, address in (
        (reverse("bots:new", args=["dca"]), NEW_DCA),
        (reverse("bots:edit", args=[bot.pk]), reverse("bots:preview_edit", args=[bot.pk])),
    ):
        html = alice.client.get(page).content.decode()
        assert f'hx-post="{address}"' in html
        assert 'hx-trigger="change from:#bot-settings delay:400ms, load"' in html
        assert 'id="bot-settings"' in html


def test_a_preview_shows_what_the_settings_would_have_done(alice: Person) -> None:
    page = previewed(alice, offered(alice, "dca"))
    for told in (
        ">+61.63<",
        ">+6.16<",
        "Buy and hold",
        ">+50.94<",
        "Even DCA",
        ">−18.80<",
        ">1.06<",
        ">1.72<",
        "of 21 trades",
        ">75 % <",
        "95 %: 41 to 93 %",
        ">8.34<",
        "5 Jan 2025",
        "8 Jan 2025",
        "On 5m candles of BTC/USDT",
        "Too few to judge: luck may have decided 7 closed deals.",
        '<polyline class="equity-path" points="0.0,',
    ):
        assert told in page
    assert "hx-trigger" not in page


def test_without_javascript_a_check_brings_preflight_and_preview(alice: Person) -> None:
    fields = offered(alice, "dca")
    page = alice.client.post(reverse("bots:check", args=["dca"]), fields).content.decode()
    assert "It may start." in page
    assert ">+61.63<" in page
    assert "change from:#bot-settings delay:400ms" in page
    assert ", load" not in page
    assert shown(page) == fields


def test_with_htmx_a_check_does_not_wait_for_the_preview(alice: Person, settings: Settings) -> None:
    does(settings, "hang")
    fields = offered(alice, "dca")
    page = alice.client.post(reverse("bots:check", args=["dca"]), fields, headers=HTMX).content.decode()
    assert "It may start." in page
    assert "delay:400ms, load" in page


def test_a_preview_of_a_bot_that_is(alice: Person) -> None:
    bot = alice.bot(bot_type="dca")
    fields = shown(alice.client.get(reverse("bots:edit", args=[bot.pk])).content.decode())
    page = alice.client.post(reverse("bots:preview_edit", args=[bot.pk]), fields).content.decode()
    assert ">+61.63<" in page
    checked = alice.client.post(reverse("bots:check_edit", args=[bot.pk]), fields).content.decode()
    assert ">+61.63<" in checked
    assert Bot.objects.get(pk=bot.pk).settings_version == 1


def test_a_stranger_and_a_visitor_get_no_preview(alice: Person, bob: Person) -> None:
    address = reverse("bots:preview_edit", args=[alice.bot().pk])
    assert bob.client.post(address).status_code == 404
    assert alice.client.get(address).status_code == 405
    for closed in (address, NEW_DCA):
        answer = Client().post(closed)
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/accounts/login/")


def test_wrong_settings_must_be_right_first(alice: Person) -> None:
    page = previewed(alice, offered(alice, "dca") | {"take_profit_pct": "lots"})
    assert "The settings must be right first" in page
    page = alice.client.post(reverse("bots:check", args=["dca"]), {"name": "A"}).content.decode()
    assert "The settings must be right first" in page


def test_what_still_computes_is_asked_for_again_a_few_times(alice: Person, settings: Settings) -> None:
    does(settings, "hang")
    settings.PREVIEW_WAIT_S = 0.2
    fields = offered(alice, "dca")
    page = previewed(alice, fields)
    for _ in range(20):
        assert "Still computing" in page
        if "Still computing: 43 %." in page:
            break
        page = previewed(alice, fields)
    assert "Still computing: 43 %." in page
    assert f'hx-post="{NEW_DCA}?tries=1" hx-trigger="load delay:1s"' in page
    settings.PREVIEW_WAIT_S = 0
    last = previewed(alice, fields, "?tries=10")
    assert "Still computing" in last
    assert "hx-trigger" not in last
    assert f'formaction="{reverse("bots:check", args=["dca"])}"' in last


def test_a_page_whose_preview_was_superseded_is_told_so(alice: Person, settings: Settings) -> None:
    fields = offered(alice, "dca")
    previewed(alice, fields)
    page = previewed(alice, fields | {"take_profit_pct": "3"}, "?tries=1")
    assert "A newer preview of yours took its place." in page


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("refuse", "Not with so many lines."),
        ("fail", "No preview: It could not be done."),
        ("die", "No preview: It ended before it was done."),
    ],
)
def test_what_cannot_be_previewed_says_why(
    alice: Person, settings: Settings, word: str, sentence: str
) -> None:
    does(settings, word)
    assert sentence in previewed(alice, offered(alice, "dca"))


def test_without_candles_it_says_how_to_import_some(alice: Person) -> None:
    rules = Market.objects.get(ticker="BTC/USDT")
    rules.pk, rules.exchange = None, "elsewhere"
    rules.save()
    bot = alice.bot(bot_type="dca")
    fields = offered(alice, "dca")
    there = ExchangeAccount.objects.create(
        user=alice.user, exchange="elsewhere", label="Elsewhere", environment=Environment.PAPER
    )
    Bot.objects.filter(pk=bot.pk).update(account=there)
    page = alice.client.post(reverse("bots:preview_edit", args=[bot.pk]), fields).content.decode()
    assert "import_candles FILE --exchange elsewhere --ticker BTC/USDT" in page


@pytest.mark.parametrize("bot_type", list(BOT_TYPES))
def test_the_real_child_previews_what_every_form_offers(
    alice: Person, settings: Settings, bot_type: str
) -> None:
    settings.PREVIEW_ARGV = REAL
    address = reverse("bots:preview", args=[bot_type])
    fields = offered(alice, bot_type)
    for tries in range(20):
        page = alice.client.post(f"{address}?tries={min(tries, 1)}", fields).content.decode()
        if "Still computing" not in page:
            break
    assert "Buy and hold" in page
    assert 'class="equity-path"' in page
