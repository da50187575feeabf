"""What is pushed to a person's pages: one root each, with a place for its number, and no form."""

import re
from uuid import UUID

from django.utils import timezone

from activity.models import Topic
from bots.fragments import fragments_for
from bots.services import bot_delete
from orders.gateways.installed import installed
from tests.web.conftest import Person


def pushed(person: Person, *topics: tuple[str, UUID | None]) -> list[str]:
    return fragments_for(user=person.user, topics=topics, exchanges=installed(), now=timezone.now())


def root_id(fragment: str) -> str:
    tag = re.match(r"\s*<(\w+)\s[^>]*>", fragment)
    assert tag is not None
    (found,) = re.findall(r'\sid="([^"]+)"', tag[0])
    assert tag[0].count('data-seq="__SEQ__"') == 1
    assert 'hx-swap-oob="' in tag[0]
    return str(found)


def test_every_topic_is_rendered_once_with_a_place_for_its_number(alice: Person) -> None:
    bot = alice.running()
    fragments = pushed(
        alice, (Topic.BOT, bot.pk), (Topic.SUMMARY, None), (Topic.BOT, bot.pk), (Topic.ACTIVITY, None)
    )
    parts = [f"bot-{name}-{bot.pk}" for name in ("card", "head", "figures", "record")]
    assert [root_id(one) for one in fragments] == [*parts, "home-summary", "activity-latest"]
    assert not any("<form" in one or "csrf" in one for one in fragments)
    assert all(one.count("__SEQ__") == 1 for one in fragments)


def test_a_deleted_bots_card_leaves_the_page(alice: Person) -> None:
    bot = alice.bot()
    bot_delete(bot=bot, exchanges=installed(), now=timezone.now())
    (fragment,) = pushed(alice, (Topic.BOT, bot.pk))
    assert root_id(fragment) == f"bot-{bot.pk}"
    assert 'hx-swap-oob="delete"' in fragment


def test_nothing_of_anothers_bot_is_pushed(alice: Person, bob: Person) -> None:
    bot = alice.running()
    fragments = pushed(bob, (Topic.BOT, bot.pk), (Topic.ACTIVITY, None), (Topic.SUMMARY, None))
    assert not any("Night grid" in one or "BTC" in one for one in fragments)


def test_a_name_cannot_carry_markup_into_a_page(alice: Person) -> None:
    bot = alice.bot("<img src=x onerror=alert(1)>")
    everything = "".join(pushed(alice, (Topic.BOT, bot.pk), (Topic.ACTIVITY, None)))
    everything += alice.client.get("/").content.decode()
    assert "<img" not in everything
    assert "&lt;img" in everything
