"""The form made from a settings model: what it offers, what it refuses, and that nothing typed is lost."""

import re
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.urls import reverse

from bots.forms import BotForm, defaults_of, initial_of
from bots.models import Bot, BotSettings, BotStatus
from bots.queries import values_of
from bots.strategies.registry import BOT_TYPES, read_settings
from orders.models import Order
from tests.web.conftest import Person, price_of, suggested

TICKERS = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "PEPE/USDT", "AWK/USDT")


def shown(html: str) -> dict[str, Any]:
    """What a browser would send for the form as it stands, buttons left out."""
    html = html[html.index('<form class="form-stack panel') :]
    html = html[: html.index("</form>")]
    sent: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", html):
        found = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if found.get("type") == "checkbox":
            if " checked" in tag:
                sent[found["name"]] = "on"
        elif found.get("name") != "csrfmiddlewaretoken":
            sent[found["name"]] = unescape(found.get("value", ""))
    for name, options in re.findall(r'<select name="(\w+)"[^>]*>(.*?)</select>', html, re.DOTALL):
        (sent[name],) = re.findall(r'<option value="([^"]*)" selected>', options)
    return sent


def offered(person: Person, bot_type: str, **query: str) -> dict[str, Any]:
    return shown(person.client.get(reverse("bots:new", args=[bot_type]), query).content.decode())


@pytest.mark.parametrize("bot_type", list(BOT_TYPES))
@pytest.mark.parametrize("ticker", TICKERS)
def test_what_the_form_offers_passes_its_own_check(alice: Person, bot_type: str, ticker: str) -> None:
    fields = offered(alice, bot_type, ticker=ticker)
    assert fields["ticker"] == ticker
    page = alice.client.post(reverse("bots:check", args=[bot_type]), fields).content.decode()
    assert "It may start." in page
    assert "form-errors" not in page


@pytest.mark.parametrize("bot_type", list(BOT_TYPES))
def test_every_setting_has_an_input_with_its_title_and_help(alice: Person, bot_type: str) -> None:
    page = unescape(alice.client.get(reverse("bots:new", args=[bot_type])).content.decode())
    for name, field in BOT_TYPES[bot_type].settings.model_fields.items():
        assert f'name="{name}"' in page
        assert str(field.title) in page
        assert str(field.description) in page


@pytest.mark.parametrize("bot_type", list(BOT_TYPES))
def test_the_forms_defaults_are_the_models_own(bot_type: str) -> None:
    given = {**defaults_of(bot_type), "name": "A", "investment": "1000"}
    needed = {"lower_price": "90", "upper_price": "110"} if bot_type == "grid" else {}
    filled = {name: value for name, value in {**given, **needed}.items() if value not in (None, False)}
    form = BotForm(filled, bot_type=bot_type, ticker="BTC/USDT")
    assert form.is_valid(), form.errors
    assert read_settings(bot_type, form.values) == read_settings(bot_type, {"investment": "1000", **needed})


def test_a_bot_is_made_and_started_without_javascript(alice: Person) -> None:
    fields = offered(alice, "grid") | {"name": "First grid", "start": "yes"}
    answer = alice.client.post(reverse("bots:new", args=["grid"]), fields)
    bot = Bot.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, reverse("bots:page", args=[bot.pk]))
    assert (bot.name, bot.user, bot.status, bot.funded) == ("First grid", alice.user, BotStatus.ACTIVE, 1000)


def test_a_start_that_is_refused_leaves_no_bot_behind(alice: Person) -> None:
    fields = offered(alice, "grid") | {"investment": "10000.01", "start": "yes"}
    page = alice.client.post(reverse("bots:new", args=["grid"]), fields).content.decode()
    assert "Investment 10000.01 USDT is more than the 10000 USDT free in the account" in page
    assert not Bot.objects.exists()
    assert shown(page)["investment"] == "10000.01"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"investment": ""}, "Investment is required."),
        ({"investment": "lots"}, "Investment must be a plain number, such as 12.5."),
        ({"investment": "1e5"}, "Investment must be a plain number, such as 12.5."),
        ({"investment": "NaN"}, "Investment must be a plain number, such as 12.5."),
        ({"investment": "1.0000000000000000001"}, "Investment must be a plain number, such as 12.5."),
        ({"investment": "-1"}, "Investment should be greater than 0."),
        ({"investment": "1" + "0" * 400}, "Investment must be a plain number, such as 12.5."),
        ({"investment": "\u0661\u0662"}, "Investment must be a plain number, such as 12.5."),
        ({"on_stop": "burn"}, "On stop must be one of those offered; choose another."),
        ({"lines": "2.5"}, "Lines must be a whole number, such as 12."),
        ({"lines": "201"}, "Lines should be less than or equal to 200."),
        (
            {"lower_price": "70000", "upper_price": "60000"},
            "Upper price must be above the lower price 70000.",
        ),
        ({"upper_price": ""}, "Upper price is required, unless the grid is infinite."),
        ({"trailing_down": "on"}, "Trailing down limit is required"),
        ({"name": " "}, "Name is required."),
        ({"name": "x" * 65}, "Name must have 1 to 64 characters."),
        ({"ticker": "DOGE/USDT"}, "Market: DOGE/USDT is not traded"),
        ({"max_slippage_pct": "100"}, "Slippage limit should be less than 100."),
    ],
)
def test_bad_input_is_refused_in_one_sentence_and_nothing_typed_is_lost(
    alice: Person, changes: dict[str, str], sentence: str
) -> None:
    fields = offered(alice, "grid") | {"stop_loss_price": "1234.5"} | changes
    page = alice.client.post(reverse("bots:new", args=["grid"]), fields).content.decode()
    assert sentence in unescape(page)
    assert "data-invalid" in page
    kept = shown(page) if changes.keys().isdisjoint({"ticker", "on_stop"}) else {}
    for name, value in kept.items():
        assert value == fields[name].strip() or name == "name"
    assert not Bot.objects.exists()
    assert not BotSettings.objects.exists()


def test_the_market_decides_before_a_start(alice: Person) -> None:
    low = price_of("BTC/USDT")
    fields = offered(alice, "grid") | {
        "lower_price": f"{low * 99 / 100:.2f}",
        "upper_price": f"{low * 101 / 100:.2f}",
        "lines": "200",
    }
    page = unescape(alice.client.post(reverse("bots:check", args=["grid"]), fields).content.decode())
    assert "after fees: use at most" in page
    assert "It may start." not in page
    alice.client.post(reverse("bots:new", args=["grid"]), fields | {"start": "yes"})
    assert not Bot.objects.exists()


def test_the_check_lists_every_order_that_the_start_then_places(alice: Person) -> None:
    fields = offered(alice, "grid")
    page = alice.client.post(
        reverse("bots:check", args=["grid"]), fields, headers={"HX-Request": "true"}
    ).content.decode()
    assert page.lstrip().startswith('<div id="bot-form"')
    bot = alice.running(**suggested("grid", "BTC/USDT"))
    for order in Order.objects.filter(bot=bot, status="open"):
        assert f">{order.price:,.2f}<" in page
        assert f">{order.amount:,.5f}<" in page


def test_another_market_brings_its_own_suggestions_and_keeps_what_was_chosen(alice: Person) -> None:
    fields = offered(alice, "grid") | {"ticker": "AWK/USDT", "lines": "7", "name": "Mine"}
    page = alice.client.post(reverse("bots:suggest", args=["grid"]), fields).content.decode()
    after = shown(page)
    assert (after["ticker"], after["lines"], after["name"]) == ("AWK/USDT", "7", "Mine")
    assert Decimal(after["lower_price"]) == Decimal(suggested("grid", "AWK/USDT")["lower_price"])
    assert "AWK</span>" in page


def test_take_profit_steps_are_written_as_pairs(alice: Person) -> None:
    fields = offered(alice, "dca") | {"take_profit_steps": "1/50, 2.5 / 50"}
    alice.client.post(reverse("bots:new", args=["dca"]), fields)
    version = BotSettings.objects.get()
    stored = values_of(version.bot, version)
    assert [list(step.values()) for step in stored["take_profit_steps"]] == [["1", "50"], ["2.5", "50"]]
    assert initial_of(stored)["take_profit_steps"] == "1/50, 2.5/50"
    wrong = alice.client.post(reverse("bots:new", args=["dca"]), fields | {"take_profit_steps": "1, 2"})
    assert "Take profit steps must read profit/share" in wrong.content.decode()


def test_a_dips_lists_are_written_as_numbers_and_as_pairs(alice: Person) -> None:
    fields = offered(alice, "dip")
    assert fields["take_profits"] == "4/34, 7/33, 10/33"
    assert (fields["buy_weights"], fields["roi_steps"]) == ("1, 1.5, 2", "")
    asked = fields | {"buy_weights": "1, 2", "roi_steps": "3600/3, 7200/1.5"}
    alice.client.post(reverse("bots:new", args=["dip"]), asked)
    version = BotSettings.objects.get()
    stored = values_of(version.bot, version)
    assert stored["buy_weights"] == ["1", "2"]
    assert initial_of(stored)["roi_steps"] == "3600/3, 7200/1.5"


def test_an_edit_keeps_the_open_deals_settings_unless_it_is_asked_for(alice: Person) -> None:
    bot = alice.running(bot_type="dca")
    address = reverse("bots:edit", args=[bot.pk])
    page = alice.client.get(address).content.decode()
    assert "Apply to the open deal too" in page
    fields = shown(page) | {"take_profit_pct": "3"}
    assert "ticker" not in fields
    assert alice.client.post(address, fields).status_code == 302
    after = Bot.objects.get(pk=bot.pk)
    assert (after.settings_version, after.settings_in_use) == (2, 1)
    assert (
        "The open deal keeps version 1."
        in alice.client.get(reverse("bots:page", args=[bot.pk])).content.decode()
    )
    alice.client.post(address, fields | {"take_profit_pct": "4", "this_deal_too": "on"})
    after.refresh_from_db()
    assert (after.settings_version, after.settings_in_use) == (3, 3)


def test_a_refused_edit_changes_nothing(alice: Person) -> None:
    bot = alice.bot()
    address = reverse("bots:edit", args=[bot.pk])
    fields = shown(alice.client.get(address).content.decode()) | {"lines": "1", "name": "Other"}
    page = alice.client.post(address, fields).content.decode()
    assert "Lines should be greater than or equal to 2." in page
    assert shown(page)["name"] == "Other"
    assert Bot.objects.get(pk=bot.pk).name == "Night grid"
    assert BotSettings.objects.filter(bot=bot).count() == 1


def test_the_check_of_a_running_bot_counts_the_money_it_already_has(alice: Person) -> None:
    bot = alice.running(investment="9000")
    fields = shown(alice.client.get(reverse("bots:edit", args=[bot.pk])).content.decode())
    page = alice.client.post(reverse("bots:check_edit", args=[bot.pk]), fields).content.decode()
    assert "It may start." in page
    page = alice.client.post(
        reverse("bots:check_edit", args=[bot.pk]), fields | {"investment": "10500"}
    ).content.decode()
    assert "free in the account" in page


def test_a_bot_type_that_does_not_exist_is_not_found(alice: Person) -> None:
    for name in ("new", "check", "suggest"):
        assert alice.client.post(reverse(f"bots:{name}", args=["arbitrage"])).status_code == 404
