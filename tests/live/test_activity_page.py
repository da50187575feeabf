"""All that happened, newest first: filtered, paged, and nobody else's."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from activity import journal
from activity.models import ActivityLog, LiveCursor, Severity
from activity.queries import PAGE_ROWS
from bots.models import Bot
from tests import people
from tests.live.listening import signed_in
from tests.people import NOW

pytestmark = pytest.mark.django_db
LIST = "/activity/"
QUERIES_MAX = 8


@pytest.fixture
def bot() -> Bot:
    return people.bot(people.alice(), name="Grid <one>")


@pytest.fixture
def alice(bot: Bot) -> Client:
    return signed_in(people.alice())


def say(bot: Bot, *messages: str, level: Severity = Severity.INFO) -> None:
    for second, message in enumerate(messages):
        journal.say(
            user_id=bot.user_id,
            bot_id=bot.pk,
            message=message,
            level=level,
            now=NOW + timedelta(seconds=second // 3),
        )


def shown(client: Client, address: str) -> list[str]:
    """The messages of a page, in its order."""
    answer = client.get(address)
    assert answer.status_code == 200
    return [row.message for row in answer.context["page"].rows]


def test_older_pages_go_on_where_the_last_ended_even_within_one_moment(alice: Client, bot: Bot) -> None:
    told = [f"message {number}" for number in range(2 * PAGE_ROWS + 7)]
    say(bot, *told)
    seen: list[str] = []
    address = LIST
    for _ in range(5):
        answer = alice.get(address)
        seen += [row.message for row in answer.context["page"].rows]
        address = answer.context["older_url"]
        if not address:
            break
        assert address.replace("&", "&amp;") in answer.content.decode()
    assert seen == told[::-1]


def test_a_page_is_filtered_by_level_and_by_bot(alice: Client, bot: Bot) -> None:
    other = people.bot(people.alice(), name="Other")
    say(bot, "it began")
    say(bot, "it is odd", level=Severity.WARNING)
    say(other, "other is odd", level=Severity.WARNING)
    assert shown(alice, f"{LIST}?level=WARNING") == ["other is odd", "it is odd"]
    assert shown(alice, f"{LIST}?level=WARNING&bot={bot.pk}") == ["it is odd"]
    assert shown(alice, f"{LIST}?bot=&level=") == ["other is odd", "it is odd", "it began"]


def test_a_stranger_sees_nothing_of_it(alice: Client, bot: Bot) -> None:
    say(bot, "hers alone")
    bob = signed_in(people.bob())
    assert shown(bob, LIST) == []
    assert bob.get(f"{LIST}?bot={bot.pk}").status_code == 404
    assert bob.get(f"{LIST}?behind={ActivityLog.objects.get().pk}").status_code == 404
    assert bob.get(f"/activity/rows?bot={bot.pk}").status_code == 404


@pytest.mark.parametrize(
    "query", ["level=LOUD", "bot=1", "bot=%00", "behind=-1", "behind=x", "behind=" + "9" * 30]
)
def test_an_address_that_cannot_be_is_not_found(alice: Client, query: str) -> None:
    assert alice.get(f"{LIST}?{query}").status_code == 404


def test_a_visitor_is_asked_to_sign_in(client: Client) -> None:
    answer = client.get(LIST)
    assert (answer.status_code, answer["Location"]) == (302, f"{reverse('account_login')}?next=/activity/")


def test_the_list_alone_is_the_same_as_in_the_page_and_says_how_fresh_it_is(alice: Client, bot: Bot) -> None:
    say(bot, "one", "two")
    LiveCursor.objects.create(user_id=bot.user_id, sequence=9)
    page = alice.get(f"{LIST}?level=INFO").content.decode()
    part = alice.get("/activity/rows?level=INFO")
    assert part["X-Live-Seq"] == "9"
    assert part.content.decode().strip() in page
    assert 'data-live-url="/activity/rows?level=INFO"' in page
    assert 'data-seq="9"' in page


def test_names_and_messages_are_only_text(alice: Client, bot: Bot) -> None:
    say(bot, "<script>alert(1)</script>")
    text = alice.get(LIST).content.decode()
    assert "<script>alert" not in text
    assert "Grid &lt;one&gt;" in text


def test_a_page_takes_few_queries(
    alice: Client, bot: Bot, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    say(bot, *[f"message {number}" for number in range(PAGE_ROWS + 5)])
    with django_assert_max_num_queries(QUERIES_MAX):
        alice.get(LIST)
