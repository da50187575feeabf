"""A socket hears its own user and the user's markets, and ends with its session."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from channels.auth import AuthMiddlewareStack
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import User
from activity import journal
from activity.consumers import HEARD_LENGTH_MAX, SIGNED_OUT, TOO_LONG, LiveConsumer
from activity.live import market_group, price_fragment, send_to, user_group, watch_key
from activity.models import LiveCursor
from orders.matching import Quote
from tests import people
from tests.live.listening import hears_nothing, open_socket, signed_in, socket_of
from tests.people import NOW

pytestmark = pytest.mark.django_db(transaction=True)

QUICK = AuthMiddlewareStack(LiveConsumer.as_asgi(check_every_s=0.05))
QUOTE = Quote(Decimal("58120.3"), Decimal("58120.4"), Decimal("58120.37"), 1_700_000_000_000)
tell = sync_to_async(send_to)


def fragment(text: str, *bots: str) -> dict[str, Any]:
    return {"type": "live.fragment", "text": text, "bots": list(bots)}


def test_a_visitor_without_a_session_is_not_let_in() -> None:
    connected, code = async_to_sync(socket_of(Client()).connect)()
    assert not connected
    assert code == SIGNED_OUT


def test_a_page_of_another_site_is_not_let_in() -> None:
    socket = socket_of(signed_in(people.alice()), origin=(b"origin", b"https://elsewhere.example"))
    connected, _ = async_to_sync(socket.connect)()
    assert not connected


def test_a_page_is_told_the_latest_number_first() -> None:
    alice = people.alice()
    LiveCursor.objects.create(user=alice, sequence=41)

    async def greeting() -> str:
        async with open_socket(signed) as socket:
            return str(socket.greeting)

    signed = signed_in(alice)
    assert async_to_sync(greeting)() == '<i id="live" data-seq-latest="41"></i>'
    assert cache.get(watch_key(alice.pk))


def test_a_stranger_hears_nothing_of_anothers_bots() -> None:
    alice, bob = people.alice(), people.bob()
    hers, his = signed_in(alice), signed_in(bob)

    async def conversation() -> None:
        async with open_socket(hers) as alices, open_socket(his) as bobs:
            await tell(user_group(alice.pk), [fragment("<p>hers</p>")])
            assert await alices.receive_from(timeout=10) == "<p>hers</p>"
            assert await hears_nothing(bobs)

    async_to_sync(conversation)()


def test_prices_reach_those_who_trade_the_market_and_no_others() -> None:
    alice, bob = people.alice(), people.bob()
    people.market()
    people.bot(alice)
    hers, his = signed_in(alice), signed_in(bob)
    shown = price_fragment("simulated", "BTC/USDT", QUOTE)
    assert shown == (
        '<span class="price" id="price-simulated-BTC-USDT" data-price="58120.37" data-at="1700000000000" '
        'hx-swap-oob="true">58,120.37</span>'
    )

    async def conversation() -> None:
        async with open_socket(hers) as alices, open_socket(his) as bobs:
            await tell(market_group("simulated", "BTC/USDT"), [{"type": "live.price", "text": shown}])
            assert await alices.receive_from(timeout=10) == shown
            assert await hears_nothing(bobs)

    async_to_sync(conversation)()


def test_the_market_of_a_new_bot_is_followed_from_its_first_fragment_on() -> None:
    alice = people.alice()
    signed = signed_in(alice)

    async def conversation() -> None:
        async with open_socket(signed) as socket:
            bot = await sync_to_async(people.bot)(alice, ticker="ETH/USDT")
            await tell(user_group(alice.pk), [fragment("<p>new</p>", str(bot.pk))])
            assert await socket.receive_from(timeout=10) == "<p>new</p>"
            assert await hears_nothing(socket)  # it has read the markets by now
            await tell(market_group("simulated", "ETH/USDT"), [{"type": "live.price", "text": "<b>1</b>"}])
            assert await socket.receive_from(timeout=10) == "<b>1</b>"

    async_to_sync(conversation)()


@pytest.mark.row(24)
def test_a_missed_number_is_told_again_with_each_check() -> None:
    alice = people.alice()
    signed = signed_in(alice)

    async def conversation() -> str:
        async with open_socket(signed, QUICK) as socket:
            await LiveCursor.objects.aupdate_or_create(user=alice, defaults={"sequence": 7})
            for _ in range(20):
                text = str(await socket.receive_from(timeout=10))
                if "7" in text:
                    return text
            return "never"

    assert async_to_sync(conversation)() == '<i id="live" data-seq-latest="7"></i>'


@pytest.mark.parametrize(
    "end",
    [
        lambda: User.objects.aupdate(is_active=False),
        lambda: Session.objects.all().adelete(),
        lambda: User.objects.aupdate(password="changed"),
    ],
    ids=["deactivated", "session gone", "password changed"],
)
def test_a_socket_does_not_outlive_its_session(end: Callable[[], Awaitable[object]]) -> None:
    signed = signed_in(people.alice())

    async def conversation() -> int:
        async with open_socket(signed, QUICK) as socket:
            await end()
            for _ in range(20):
                output = await socket.receive_output()
                if output["type"] == "websocket.close":
                    return int(output["code"])
            return 0

    assert async_to_sync(conversation)() == SIGNED_OUT


def test_signing_out_closes_that_browsers_sockets_at_once() -> None:
    alice = people.alice()
    here, elsewhere = signed_in(alice), signed_in(alice)

    async def conversation() -> None:
        async with open_socket(here) as first, open_socket(elsewhere) as second:
            await sync_to_async(here.post)("/accounts/logout/")
            output = await first.receive_output()
            assert (output["type"], output["code"]) == ("websocket.close", SIGNED_OUT)
            assert await hears_nothing(second)

    async_to_sync(conversation)()


def test_what_a_client_says_is_ignored_unless_it_is_too_long() -> None:
    alice, bob = people.alice(), people.bob()
    signed = signed_in(bob)

    async def conversation() -> None:
        async with open_socket(signed) as socket:
            await socket.send_to(text_data=f'{{"type": "live.fragment", "group": "{user_group(alice.pk)}"}}')
            await socket.send_to(bytes_data=b"\x00\xff")
            assert await hears_nothing(socket)
            await socket.send_to(text_data="x" * (HEARD_LENGTH_MAX + 1))
            output = await socket.receive_output()
            assert (output["type"], output["code"]) == ("websocket.close", TOO_LONG)

    async_to_sync(conversation)()


def test_news_of_a_bot_wait_in_the_rows_of_its_own_user() -> None:
    """The group is named by the session's user; the rows by the bot's owner, in the database's word."""
    alice, bob = people.alice(), people.bob()
    bot = people.bot(alice)
    with pytest.raises(IntegrityError), transaction.atomic():
        journal.changed([(bob.pk, bot.pk)], now=NOW)
