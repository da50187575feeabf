"""What waits in the outbox reaches the user's pages, numbered without gaps, at least once."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.cache import cache

from accounts.models import User
from activity import journal
from activity.live import NUMBER_PLACE, Topics, deliver_to, publish_part, watch_key
from activity.models import Delivery, Topic
from activity.queries import live_sequence, told_before, waiting_users
from orders.gateways.base import Exchanges
from tests import people
from tests.live.listening import hears_nothing, open_socket, signed_in
from tests.people import NOW

pytestmark = pytest.mark.django_db(transaction=True)
NOWHERE = Exchanges()


class Painter:
    """Renders one fragment a topic, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[Topics] = []

    def __call__(self, *, user: User, topics: Topics, exchanges: Exchanges, now: datetime) -> list[str]:
        self.asked.append(topics)
        return [f'<div id="{topic}-{bot_id}" {NUMBER_PLACE}></div>' for topic, bot_id in topics]


class SlowPainter(Painter):
    """While it renders, another worker delivers the same rows, so its look is the older one."""

    def __init__(self, user: User) -> None:
        super().__init__()
        self.user = user

    def __call__(self, *, user: User, topics: Topics, exchanges: Exchanges, now: datetime) -> list[str]:
        if not self.asked:
            deliver_to(user=self.user, render=Painter(), exchanges=NOWHERE, now=NOW)
        return super().__call__(user=user, topics=topics, exchanges=exchanges, now=now)


@pytest.fixture(autouse=True)
def nobody_watches() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def alice() -> User:
    user = people.alice()
    cache.set(watch_key(user.pk), 1)
    return user


def change(user: User, *bots: UUID, times: int = 1) -> None:
    for _ in range(times):
        journal.changed([(user.pk, bot_id) for bot_id in bots], now=NOW)


def test_many_changes_of_one_bot_are_one_fragment(alice: User) -> None:
    bot = people.bot(alice)
    Delivery.objects.all().delete()
    change(alice, bot.pk, times=5)
    painter = Painter()
    assert deliver_to(user=alice, render=painter, exchanges=NOWHERE, now=NOW) == 2
    assert painter.asked == [[("bot", bot.pk), ("summary", None)]]
    assert waiting_users() == []
    assert deliver_to(user=alice, render=painter, exchanges=NOWHERE, now=NOW) == 0


def test_news_also_tell_the_page_of_all_activity(alice: User) -> None:
    journal.say(user_id=alice.pk, bot_id=None, message="Hello.", now=NOW)
    assert deliver_to(user=alice, render=Painter(), exchanges=NOWHERE, now=NOW) == 2


@pytest.mark.row(9)
def test_numbers_have_no_gap_however_often_a_delivery_is_repeated(alice: User) -> None:
    bot = people.bot(alice)
    Delivery.objects.all().delete()
    client = signed_in(alice)

    async def numbers() -> list[int]:
        heard = []
        async with open_socket(client) as socket:
            for _ in range(3):
                await sync_to_async(change)(alice, bot.pk)
                await sync_to_async(deliver_to)(user=alice, render=Painter(), exchanges=NOWHERE, now=NOW)
                # As after a crash between sending and marking: the same rows once more.
                await sync_to_async(Delivery.objects.update)(delivered_at=None)
                await sync_to_async(deliver_to)(user=alice, render=Painter(), exchanges=NOWHERE, now=NOW)
                for _ in range(4):
                    text = await socket.receive_from(timeout=10)
                    heard.append(int(text.split('data-seq="')[1].split('"')[0]))
        return heard

    assert async_to_sync(numbers)() == list(range(1, 13))
    assert live_sequence(alice.pk) == 12


def test_a_higher_number_never_carries_an_older_look(alice: User) -> None:
    bot = people.bot(alice)
    Delivery.objects.all().delete()
    change(alice, bot.pk)
    slow = SlowPainter(alice)
    deliver_to(user=alice, render=slow, exchanges=NOWHERE, now=NOW)
    assert len(slow.asked) == 2  # it looked again once the number was gone
    assert live_sequence(alice.pk) == 4


def test_a_person_without_an_open_page_costs_no_rendering() -> None:
    bob = people.bob()
    change(bob, people.bot(bob).pk)
    painter = Painter()
    assert deliver_to(user=bob, render=painter, exchanges=NOWHERE, now=NOW) == 0
    assert painter.asked == []
    assert live_sequence(bob.pk) == 1  # a page that is there after all sees the gap
    assert waiting_users() == []


@pytest.mark.row(24)
def test_more_changes_than_a_channel_holds_are_told_as_one_gap(alice: User) -> None:
    def many(*, user: User, topics: Topics, exchanges: Exchanges, now: datetime) -> list[str]:
        return [f"<i {NUMBER_PLACE}></i>"] * 51

    change(alice, people.bot(alice).pk)
    assert deliver_to(user=alice, render=many, exchanges=NOWHERE, now=NOW) == 0
    assert live_sequence(alice.pk) == 1


def test_a_fragment_without_a_place_for_its_number_is_an_error(alice: User) -> None:
    change(alice, people.bot(alice).pk)
    with pytest.raises(ValueError, match="no place for its number"):
        deliver_to(user=alice, render=lambda **_: ["<div></div>"], exchanges=NOWHERE, now=NOW)
    assert waiting_users() == [alice.pk]


def test_only_what_was_told_long_ago_is_forgotten(alice: User) -> None:
    journal.say(user_id=alice.pk, bot_id=None, message="Old.", now=NOW)
    Delivery.objects.update(delivered_at=NOW)
    journal.say(user_id=alice.pk, bot_id=None, message="New.", now=NOW)
    assert told_before(NOW, limit=10) == []
    old = Delivery.objects.get(delivered_at__isnull=False)
    assert told_before(NOW.replace(year=NOW.year + 1), limit=10) == [old.pk]


def test_an_open_page_that_nobody_remembers_is_told_that_it_missed_something(alice: User) -> None:
    bot = people.bot(alice)
    Delivery.objects.all().delete()
    signed = signed_in(alice)

    async def conversation() -> str:
        async with open_socket(signed) as socket:
            await cache.adelete(watch_key(alice.pk))
            await sync_to_async(change)(alice, bot.pk)
            await sync_to_async(deliver_to)(user=alice, render=Painter(), exchanges=NOWHERE, now=NOW)
            return str(await socket.receive_from(timeout=10))

    assert async_to_sync(conversation)() == '<i id="live" data-seq-latest="1"></i>'


def test_a_part_that_changes_all_the_time_is_shown_unnumbered_to_its_user_alone(alice: User) -> None:
    part = '<div id="progress" hx-swap-oob="true"></div>'
    her_page, his_page = signed_in(alice), signed_in(people.bob())

    async def conversation() -> tuple[str, bool]:
        async with open_socket(her_page) as hers, open_socket(his_page) as his:
            await sync_to_async(publish_part)(alice.pk, part)
            return await hers.receive_from(timeout=10), await hears_nothing(his)

    assert async_to_sync(conversation)() == (part, True)
    assert live_sequence(alice.pk) == 0


def test_a_backtest_is_a_topic_of_its_own_and_no_bot_to_follow(alice: User) -> None:
    backtest = people.backtest(alice)
    journal.backtest_changed(user_id=alice.pk, backtest_id=backtest.pk, now=NOW)
    painter = Painter()
    assert deliver_to(user=alice, render=painter, exchanges=NOWHERE, now=NOW) == 1
    assert painter.asked == [[(Topic.BACKTEST, backtest.pk)]]
