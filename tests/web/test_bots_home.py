"""Home: one's money, one's bots as cards, and what happened last."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from bots.analytics import bots_of_today, free_money, standings, summaries
from bots.models import Bot, BotStatus, EquityPoint
from bots.services import bot_delete, bot_stop
from orders.gateways.installed import installed
from tests.web.conftest import Person, turn

QUERIES_MAX = 12


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


@pytest.mark.django_db
def test_a_visitor_sees_the_landing_page(client: Client) -> None:
    answer = client.get("/")
    assert "landing.html" in {template.name for template in answer.templates}


def test_a_new_person_sees_their_paper_money_and_how_to_begin(alice: Person) -> None:
    page = alice.client.get("/").content.decode()
    assert "10,000.00" in page
    assert "No bot yet" in page
    assert reverse("bots:create") in page


def test_cards_show_name_status_market_and_figures(alice: Person) -> None:
    bot = alice.running()
    page = text_of(alice.client.get("/").content.decode())
    assert "Night grid" in page
    assert "Trading between its lines." in page
    assert bot.total_trades == 1
    assert "Grid · BTC/USDT" in page


def test_home_asks_few_questions_however_many_bots_there_are(
    alice: Person, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    alice.running(investment="500")
    for number in range(30):
        alice.bot(f"Grid {number}", ticker=("BTC/USDT", "SOL/USDT")[number % 2])
    with django_assert_max_num_queries(QUERIES_MAX):
        page = alice.client.get("/").content.decode()
    assert page.count('class="bot-card"') == 24
    assert alice.client.get("/?page=2").content.decode().count('class="bot-card"') == 7


def test_a_stranger_sees_nothing_of_it(alice: Person, bob: Person) -> None:
    alice.running()
    page = bob.client.get("/").content.decode()
    assert "Night grid" not in page
    assert "No bot yet" in page


def test_equity_is_what_was_paid_in_plus_total_profit_and_loss(alice: Person) -> None:
    bot = alice.running()
    now = timezone.now()
    found = standings(bots_of_today(alice.user, now), user=alice.user, exchanges=installed(), now=now)
    (money,) = summaries(found, user=alice.user, free=free_money(alice.user), now=now)
    assert money.equity is not None
    assert money.total is not None
    assert money.total < 0, "fee and spread of the first purchase"
    assert money.equity == Decimal(10_000) + money.total
    assert found[0].total == found[0].unrealised == money.today
    assert bot.pnl == 0


def test_todays_gain_counts_from_the_last_point_before_the_users_midnight(alice: Person) -> None:
    alice.user.timezone = "Asia/Tokyo"  # its day of 6 January begins at 15:00 UTC of the 5th
    bot = alice.bot()
    midnight = datetime(2026, 1, 5, 15, tzinfo=UTC)
    for at, equity in (
        (midnight - timedelta(hours=30), 900),
        (midnight, 950),
        (midnight + timedelta(hours=1), 990),
    ):
        EquityPoint.objects.create(user=alice.user, bot=bot, at=at, equity=equity, price=1, funded=1000)
    Bot.objects.filter(pk=bot.pk).update(cash=1010, funded=1000)
    (one,) = standings(
        list(bots_of_today(alice.user, midnight)),
        user=alice.user,
        exchanges=installed(),
        now=midnight + timedelta(hours=2),
    )
    assert (one.total, one.today) == (Decimal(10), Decimal(60))


def test_without_a_point_before_midnight_the_day_begins_with_the_first_after_it(alice: Person) -> None:
    bot = alice.bot()
    now = datetime(2026, 1, 5, 12, tzinfo=UTC)
    for hours, equity in ((3, 995), (1, 1200)):
        EquityPoint.objects.create(
            user=alice.user, bot=bot, at=now - timedelta(hours=hours), equity=equity, price=1, funded=1000
        )
    Bot.objects.filter(pk=bot.pk).update(cash=1010, funded=1000)
    (one,) = standings([Bot.objects.get(pk=bot.pk)], user=alice.user, exchanges=installed(), now=now)
    assert one.today == Decimal(15)


def test_a_bot_that_rested_all_day_gained_nothing_today(alice: Person) -> None:
    bot = alice.running()
    bot_stop(bot=bot, now=timezone.now(), how="cancel_and_sell")
    turn(bot)
    for days, is_zero in ((0, False), (2, True)):
        now = timezone.now() + timedelta(days=days)
        (one,) = standings([Bot.objects.get(pk=bot.pk)], user=alice.user, exchanges=installed(), now=now)
        assert one.today is not None
        assert (one.today == 0) is is_zero


def test_a_deleted_bot_still_counts_in_total_profit_and_loss(alice: Person) -> None:
    bot = alice.running()
    bot_stop(bot=bot, now=timezone.now(), how="cancel_and_sell")
    turn(bot)
    stopped = Bot.objects.get(pk=bot.pk)
    assert stopped.status == BotStatus.STOPPED
    bot_delete(bot=stopped, exchanges=installed(), now=timezone.now())
    lost = Bot.objects.get(pk=bot.pk).pnl
    assert lost < 0
    for days in (0, 2):
        now = timezone.now() + timedelta(days=days)
        found = standings(bots_of_today(alice.user, now), user=alice.user, exchanges=installed(), now=now)
        (money,) = summaries(found, user=alice.user, free=free_money(alice.user), now=now)
        assert money.total == lost
        assert money.equity == Decimal(10_000) + lost


def test_stop_all_stops_what_runs_and_only_ones_own(alice: Person, bob: Person) -> None:
    mine, theirs = alice.running(), bob.running("Other grid")
    answer = alice.client.post(reverse("bots:stop_all"), follow=True)
    assert "1 bot was told to stop." in answer.content.decode()
    assert Bot.objects.get(pk=mine.pk).stop_request == "cancel_orders"
    assert Bot.objects.get(pk=theirs.pk).stop_request == ""


@pytest.mark.parametrize("name", ["summary", "latest"])
def test_the_live_parts_answer_with_the_sequence_they_are_complete_to(alice: Person, name: str) -> None:
    answer = alice.client.get(reverse(f"bots:{name}"))
    assert answer["X-Live-Seq"] == "0"
    assert answer.content.decode().count("data-live-url") == 1
    assert "hx-swap-oob" not in answer.content.decode()


def test_what_follows_the_price_is_marked_for_it(alice: Person) -> None:
    bot = alice.running()
    home = alice.client.get("/").content.decode()
    assert home.count("data-priced") == 2
    assert 'id="home-summary" class="page-section" aria-label="Your money" data-priced' in home
    assert alice.client.get(reverse("bots:page", args=[bot.pk])).content.decode().count("data-priced") == 1


def test_how_many_run_is_told_anew_with_the_sums(alice: Person) -> None:
    bot = alice.running()
    assert "1 bot, 1 running." in alice.client.get(reverse("bots:summary")).content.decode()
    Bot.objects.filter(pk=bot.pk).update(status=BotStatus.STOPPED)
    assert "1 bot, 0 running." in alice.client.get(reverse("bots:summary")).content.decode()
