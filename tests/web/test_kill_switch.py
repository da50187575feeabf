"""The kill switch on the pages: pressed and released without JavaScript, by its owner alone."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from bots.models import Bot, BotStatus, KillSwitch, Level, Scope
from bots.services import Target, switch_press, switches_sweep
from orders.models import Order
from tests.web.conftest import Person, turn

KILL = "/bots/kill/"
ALL_TO_CANCEL = {"target": "user", "level": "cancel", "why": "Too wild"}


def text_of(html: bytes) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.decode()))


def shown(person: Person, address: str = "/") -> str:
    return text_of(person.client.get(address).content)


def is_told(person: Person) -> bool:
    """Whether a switch stands on their first page."""
    return "switch-banner" in person.client.get("/").content.decode()


def everything_done(*bots: Bot) -> None:
    for bot in bots:
        turn(bot)
    switches_sweep(now=timezone.now())


def operators(level: Level = Level.BLOCK, **target: Any) -> KillSwitch:
    whole = Target(Scope.SYSTEM) if not target else Target(**target)
    return switch_press(target=whole, level=level, by=None, now=timezone.now(), why="Maintenance")


def test_from_the_home_page_to_nothing_rests_and_back(alice: Person) -> None:
    bot = alice.running()
    assert f'href="{KILL}"' in alice.client.get("/").content.decode()
    page = shown(alice, KILL)
    assert "Nothing more is bought." in page
    assert "Every resting order is cancelled and none goes out" in page
    assert "sold at market at once, and the bots stop." in page
    resting = Order.objects.filter(bot=bot, status="open").count()
    answer = alice.client.post(KILL, ALL_TO_CANCEL, follow=True)
    assert answer.redirect_chain == [("/", 302)]
    told = text_of(answer.content)
    assert "The kill switch is on: all orders cancelled, for all your bots." in told
    assert f"Cancelling {resting} orders…" in told
    assert "Why: Too wild" in told
    everything_done(bot)
    assert "Nothing rests, seen at" in shown(alice)
    assert "Nothing rests, seen at" in shown(alice, reverse("bots:page", args=[bot.pk]))
    switch = KillSwitch.objects.get()
    answer = alice.client.post(reverse("bots:release", args=[switch.pk]), follow=True)
    assert "was released." in text_of(answer.content)
    assert not is_told(alice)
    turn(bot)
    assert Order.objects.filter(bot=bot, status="open").count() == resting


def test_from_a_bots_page_it_is_pressed_for_the_bot_its_market_or_all(alice: Person) -> None:
    bot, other = alice.running(investment="500"), alice.bot("Other", ticker="SOL/USDT")
    address = reverse("bots:kill_bot", args=[bot.pk])
    assert f'href="{address}"' in alice.client.get(reverse("bots:page", args=[bot.pk])).content.decode()
    for target in ("bot", "market simulated BTC/USDT", "user"):
        answer = alice.client.post(address, {"target": target, "level": "block"})
        assert answer["Location"] == reverse("bots:page", args=[bot.pk])
    assert set(KillSwitch.objects.values_list("scope", flat=True)) == {"bot", "market", "user"}
    assert (
        shown(alice, reverse("bots:page", args=[bot.pk])).count("Nothing more is bought; exits go on.") == 3
    )
    assert (
        shown(alice, reverse("bots:page", args=[other.pk])).count("Nothing more is bought; exits go on.") == 1
    )


def test_flatten_tells_of_the_bots_that_still_sell(alice: Person) -> None:
    bot = alice.running(bot_type="dca")
    alice.client.post(KILL, {"target": "user", "level": "flatten"})
    assert "1 bot is still selling…" in shown(alice)
    everything_done(bot, bot)
    assert "Nothing rests, seen at" in shown(alice)
    bot.refresh_from_db()
    assert (bot.status, bot.position_amount) == (BotStatus.STOPPED, 0)


def test_a_bot_under_it_is_not_started_and_the_page_says_why(alice: Person) -> None:
    bot = alice.bot()
    alice.client.post(KILL, ALL_TO_CANCEL)
    answer = alice.client.post(reverse("bots:start", args=[bot.pk]), follow=True)
    told = text_of(answer.content)
    assert "The kill switch for all your bots is on: all orders cancelled. Why: Too wild Release it" in told
    assert Bot.objects.get(pk=bot.pk).status == BotStatus.STOPPED


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"target": ""}, "Choose what to stop."),
        ({"target": "market simulated ETH/USDT"}, "Choose what to stop."),
        ({"target": "bot"}, "Choose what to stop."),
        ({"level": "soft"}, "Choose how far it goes."),
        ({"why": "x" * 301}, "at most 300 characters"),
    ],
)
def test_what_cannot_be_comes_back_as_it_was_filled_in(
    alice: Person, changes: dict[str, str], sentence: str
) -> None:
    alice.bot()
    answer = alice.client.post(KILL, ALL_TO_CANCEL | {"why": "My reason"} | changes)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert sentence in text_of(answer.content)
    assert changes.get("why", "My reason") in page
    assert not KillSwitch.objects.exists()


def test_a_stranger_neither_presses_nor_sees_nor_releases_anothers(alice: Person, bob: Person) -> None:
    bot = alice.running("Moonraker")
    address = reverse("bots:kill_bot", args=[bot.pk])
    assert bob.client.get(address).status_code == 404
    assert bob.client.post(address, {"target": "bot", "level": "cancel"}).status_code == 404
    alice.client.post(address, {"target": "bot", "level": "cancel"})
    switch = KillSwitch.objects.get()
    assert bob.client.post(reverse("bots:release", args=[switch.pk])).status_code == 404
    assert not is_told(bob)
    bob.client.post(KILL, ALL_TO_CANCEL | {"target": "user"})
    assert [one.user for one in KillSwitch.objects.order_by("pressed_at")] == [alice.user, bob.user]
    assert KillSwitch.objects.filter(released_at__isnull=True).count() == 2


def test_nobody_but_an_operator_releases_what_an_operator_has_pressed(alice: Person) -> None:
    alice.bot()
    switch = operators()
    page = shown(alice)
    assert "the whole platform is on: no new buys" in page
    assert "by an operator, who alone releases it. Why: Maintenance" in page
    release = reverse("bots:release", args=[switch.pk])
    assert release not in alice.client.get("/").content.decode()
    answer = alice.client.post(release, follow=True)
    assert "an operator alone releases it" in text_of(answer.content)
    assert KillSwitch.objects.get().released_at is None
    User.objects.filter(pk=alice.user.pk).update(is_staff=True)
    alice.client.post(release)
    assert KillSwitch.objects.get().released_at is not None


def test_a_market_stopped_for_everybody_is_told_to_those_who_have_bots_there(
    alice: Person, bob: Person
) -> None:
    alice.bot(ticker="SOL/USDT")
    operators(scope=Scope.MARKET, exchange="simulated", ticker="SOL/USDT")
    assert "SOL/USDT on simulated, for everybody is on" in shown(alice)
    assert not is_told(bob)


def test_it_is_not_pressed_by_following_a_link_or_from_another_site(alice: Person) -> None:
    alice.client.get(KILL, ALL_TO_CANCEL)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice.user)
    assert strict.post(KILL, ALL_TO_CANCEL).status_code == 403
    assert not KillSwitch.objects.exists()
    switch = operators(scope=Scope.USER, user=alice.user)
    assert alice.client.get(reverse("bots:release", args=[switch.pk])).status_code == 405


def test_the_plain_stop_of_all_bots_stands_beside_it(alice: Person) -> None:
    assert reverse("bots:stop_all") not in alice.client.get(KILL).content.decode()
    alice.running()
    assert reverse("bots:stop_all") in alice.client.get(KILL).content.decode()


def test_the_banner_asks_again_only_while_something_is_under_way(alice: Person, bob: Person) -> None:
    bot = alice.running()
    page, live = reverse("bots:page", args=[bot.pk]), reverse("bots:switches_of_bot", args=[bot.pk])
    alice.client.post(KILL, ALL_TO_CANCEL)
    assert f'hx-get="{live}"' in alice.client.get(page).content.decode()
    assert 'hx-get="/bots/kill/now"' in alice.client.get("/").content.decode()
    assert "Cancelling" in shown(alice, live)
    everything_done(bot)
    answer = alice.client.get(live).content.decode()
    assert "Nothing rests, seen at" in answer
    assert "hx-get" not in answer
    assert bob.client.get(live).status_code == 404


def test_an_open_page_asks_for_the_banner_when_something_has_happened(alice: Person) -> None:
    bot = alice.running()
    for page, live in (
        ("/", reverse("bots:switches")),
        (reverse("bots:page", args=[bot.pk]), reverse("bots:switches_of_bot", args=[bot.pk])),
    ):
        assert (
            f'id="switches" data-live-url="{live}" data-news hidden'
            in alice.client.get(page).content.decode()
        )
    switch_press(target=Target(Scope.SYSTEM), level=Level.BLOCK, by=None, now=timezone.now())
    answer = alice.client.get(reverse("bots:switches"))
    assert answer["X-Live-Seq"]
    assert "data-news>" in answer.content.decode()
    assert "the whole platform is on" in answer.content.decode()


def test_an_exchange_is_called_by_its_name(alice: Person) -> None:
    bot = alice.bot()
    page = alice.client.get(reverse("bots:kill_bot", args=[bot.pk])).content.decode()
    assert "Your bots on BTC/USDT at the built-in simulated exchange" in page
