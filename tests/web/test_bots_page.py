"""One bot's page, what a person does there, and what a stranger gets: 404, everywhere."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from bots.models import Bot, BotCommand, BotStatus
from orders.models import Order
from tests.web.conftest import Person, turn

QUERIES_MAX = 14

READ = ("page", "edit", "chart")
PARTS = ("card", "head", "figures", "record")
DEEDS = ("start", "stop", "delete", "check_edit")
ASKED = ("close_now", "add_funds", "start_deal")


def addresses(bot: Bot) -> list[tuple[str, str]]:
    found = [("get", reverse(f"bots:{name}", args=[bot.pk])) for name in READ]
    found += [("get", reverse("bots:part", args=[bot.pk, name])) for name in PARTS]
    found += [("post", reverse(f"bots:{name}", args=[bot.pk])) for name in (*DEEDS, "edit")]
    return found + [("post", reverse("bots:command", args=[bot.pk, kind])) for kind in ASKED]


def test_a_stranger_gets_404_everywhere_and_changes_nothing(alice: Person, bob: Person) -> None:
    bot = alice.running()
    before = Bot.objects.filter(pk=bot.pk).values().get()
    for method, address in addresses(bot):
        assert getattr(bob.client, method)(address).status_code == 404, address
    assert Bot.objects.filter(pk=bot.pk).values().get() == before


def test_a_visitor_is_asked_to_sign_in(alice: Person) -> None:
    bot = alice.running()
    alice.client.logout()
    for method, address in addresses(bot):
        answer = getattr(alice.client, method)(address)
        assert answer.status_code == 302, address
        assert answer["Location"].startswith(reverse("account_login")), address


def test_a_deed_is_never_done_by_following_a_link(alice: Person) -> None:
    bot = alice.bot()
    for name in ("start", "stop", "delete"):
        assert alice.client.get(reverse(f"bots:{name}", args=[bot.pk])).status_code == 405


def test_the_page_shows_orders_trades_decisions_with_reasons_and_settings(
    alice: Person, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    bot = alice.running()
    with django_assert_max_num_queries(QUERIES_MAX):
        page = alice.client.get(reverse("bots:page", args=[bot.pk])).content.decode()
    for order in Order.objects.filter(bot=bot, status="open"):
        assert f"{order.price:,.2f}" in page
    assert "line-0" in page
    assert "first-buy" in page
    assert "The grid starts at" in page
    assert "Settings, version 1" in page
    assert "Grid profit" in page


def test_a_bot_starts_and_stops_without_javascript(alice: Person) -> None:
    bot = alice.bot()
    page = reverse("bots:page", args=[bot.pk])
    answer = alice.client.post(reverse("bots:start", args=[bot.pk]))
    assert (answer.status_code, answer["Location"]) == (302, page)
    assert "Night grid has started." in alice.client.get(page).content.decode()
    turn(bot)
    alice.client.post(reverse("bots:stop", args=[bot.pk]), {"how": "cancel_and_sell"})
    turn(bot)
    assert Bot.objects.get(pk=bot.pk).status == BotStatus.STOPPED
    assert Bot.objects.get(pk=bot.pk).position_amount == 0
    answer = alice.client.post(reverse("bots:delete", args=[bot.pk]), follow=True)
    assert "Night grid was deleted." in answer.content.decode()
    assert alice.client.get(page).status_code == 404


def test_htmx_gets_the_card_and_the_message(alice: Person) -> None:
    bot = alice.bot()
    answer = alice.client.post(reverse("bots:start", args=[bot.pk]), headers={"HX-Request": "true"})
    html = answer.content.decode()
    assert html.startswith(f'<article class="bot-card" id="bot-{bot.pk}"')
    assert 'data-status="active"' in html
    assert 'id="messages"' in html
    assert "Night grid has started." in html


def test_a_refused_start_says_what_to_do_and_changes_nothing(alice: Person) -> None:
    bot = alice.bot(investment="20000")
    answer = alice.client.post(reverse("bots:start", args=[bot.pk]), follow=True)
    assert "more than the 10000 USDT free in the account; lower it to that." in answer.content.decode()
    after = Bot.objects.get(pk=bot.pk)
    assert (after.status, after.cash, after.funded) == (BotStatus.STOPPED, 0, 0)


def test_a_running_bot_is_not_deleted(alice: Person) -> None:
    bot = alice.running()
    answer = alice.client.post(reverse("bots:delete", args=[bot.pk]), follow=True)
    assert "stop it before you delete it" in answer.content.decode()
    assert Bot.objects.get(pk=bot.pk).hidden_at is None


def test_an_unknown_way_to_stop_is_refused_and_an_unknown_command_not_found(alice: Person) -> None:
    bot = alice.running()
    for how in ("burn", "KEEP_ORDERS", "keep_orders\0", "x" * 10_000):
        answer = alice.client.post(reverse("bots:stop", args=[bot.pk]), {"how": how}, follow=True)
        assert "How to stop must be one of: keep the orders," in answer.content.decode()
    after = Bot.objects.get(pk=bot.pk)
    assert (after.status, after.stop_request) == (BotStatus.ACTIVE, "")
    for kind in ("burn", "restart"):
        assert alice.client.post(reverse("bots:command", args=[bot.pk, kind])).status_code == 404
    assert not BotCommand.objects.exists()


def test_funds_are_added_to_an_open_deal(alice: Person) -> None:
    bot = alice.running(bot_type="dca")
    ask = reverse("bots:command", args=[bot.pk, "add_funds"])
    for wrong in ("", "ten", "-5", "NaN", "1e3", "999999"):
        answer = alice.client.post(ask, {"quote": wrong}, follow=True)
        assert "Amount must be" in answer.content.decode(), wrong
    assert not BotCommand.objects.exists()
    alice.client.post(ask, {"quote": "25.5"})
    assert BotCommand.objects.get().quote == Decimal("25.5")
    turn(bot)
    assert Bot.objects.get(pk=bot.pk).total_trades == 2


def test_a_deal_is_closed_on_request(alice: Person) -> None:
    bot = alice.running(bot_type="dca")
    answer = alice.client.post(reverse("bots:command", args=[bot.pk, "close_now"]), follow=True)
    assert "was asked to close its deal now" in answer.content.decode()
    turn(bot)
    assert Bot.objects.get(pk=bot.pk).position_amount == 0


def test_the_chart_is_told_candles_fills_and_resting_orders_to_the_last_digit(alice: Person) -> None:
    bot = alice.running(ticker="PEPE/USDT", investment="400")
    for timeframe in ("1m", "4h"):
        chart = alice.client.get(reverse("bots:chart", args=[bot.pk]), {"timeframe": timeframe}).json()
        assert chart["tick"] == "0.00000005"
        times = [candle["time"] for candle in chart["candles"]]
        assert times == sorted(set(times))
        assert len(times) > 250
        assert len(chart["fills"]) == 1
    resting = Order.objects.filter(bot=bot, status="open")
    assert {Decimal(order["price"]) for order in chart["orders"]} == {order.price for order in resting}
    assert all("e" not in order["price"].lower() for order in chart["orders"])


@pytest.mark.parametrize("name", PARTS)
def test_each_live_part_stands_in_its_page_and_answers_alone(alice: Person, name: str) -> None:
    bot = alice.running()
    answer = alice.client.get(reverse("bots:part", args=[bot.pk, name]))
    assert answer["X-Live-Seq"] == "0"
    root = f'id="bot-{name}-{bot.pk}"'
    where = "home" if name == "card" else "bots:page"
    page = alice.client.get(reverse(where, args=[] if name == "card" else [bot.pk])).content.decode()
    assert page.count(root) == answer.content.decode().count(root) == 1


def test_an_unknown_part_or_bot_is_not_found(alice: Person) -> None:
    bot = alice.bot()
    assert alice.client.get(reverse("bots:part", args=[bot.pk, "secrets"])).status_code == 404
    assert alice.client.get(reverse("bots:page", args=[uuid4()])).status_code == 404


@pytest.mark.parametrize("asked", ["0", "-3", "x", "999", "²"])
def test_a_page_of_trades_that_does_not_exist_becomes_the_nearest(alice: Person, asked: str) -> None:
    bot = alice.running()
    address = reverse("bots:page", args=[bot.pk])
    assert alice.client.get(address, {"trades": asked, "decisions": asked}).status_code == 200
