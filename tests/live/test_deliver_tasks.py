"""The sweep finds whoever waits, and one person's broken page does not keep the others waiting."""

from datetime import timedelta
from decimal import Decimal

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.cache import cache
from django.utils import timezone

from activity import journal, tasks
from activity.live import watch_key
from activity.models import Delivery
from activity.queries import live_sequence, waiting_users
from bots.models import Bot, BotSettings
from bots.services import bot_start, bot_stop
from orders.gateways.installed import installed
from orders.gateways.simulated import open_exchange
from orders.matching import Quote
from tests import people
from tests.live.listening import hears_nothing, open_socket, signed_in
from tests.people import NOW

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_stopped_bot_reaches_every_part_of_the_page_and_no_stranger() -> None:
    open_exchange(now=NOW)
    alice, bob = people.alice(), people.bob()
    bot = people.bot(alice)
    BotSettings.objects.filter(bot=bot).update(
        values={"investment": "1000", "lower_price": "50000", "upper_price": "70000", "lines": 5}
    )
    bot_start(bot=bot, exchanges=installed(), now=timezone.now())
    tasks.deliver_due()
    hers, his = signed_in(alice), signed_in(bob)

    async def conversation() -> list[str]:
        async with open_socket(hers) as alices, open_socket(his) as bobs:
            await sync_to_async(lambda: bot_stop(bot=Bot.objects.get(pk=bot.pk), now=timezone.now()))()
            await sync_to_async(tasks.deliver_due)()
            heard = [str(await alices.receive_from(timeout=10)) for _ in range(7)]
            assert await hears_nothing(alices)
            assert await hears_nothing(bobs)
            return heard

    heard = async_to_sync(conversation)()
    first = live_sequence(alice.pk) - len(heard) + 1
    assert [f'data-seq="{first + place}"' in text for place, text in enumerate(heard)] == [True] * 7
    assert any("Told to stop" in text for text in heard)
    assert all("__SEQ__" not in text for text in heard)
    assert waiting_users() == []


def test_a_page_that_cannot_be_drawn_is_told_by_its_number_and_others_are_drawn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    alice, bob = people.alice(), people.bob()
    for user in (alice, bob):
        cache.set(watch_key(user.pk), 1)
        journal.say(user_id=user.pk, bot_id=None, message="Hello.", now=NOW)
    type(alice).objects.filter(pk=alice.pk).update(timezone="Nowhere/At_all")
    tasks.deliver([str(alice.pk), str(bob.pk)])
    assert "deliver.failed" in caplog.text
    assert (live_sequence(alice.pk), live_sequence(bob.pk)) == (1, 2)
    assert waiting_users() == []


def test_the_sweep_forgets_what_was_told_long_ago() -> None:
    alice = people.alice()
    journal.say(user_id=alice.pk, bot_id=None, message="Hello.", now=NOW)
    Delivery.objects.update(delivered_at=timezone.now() - timedelta(hours=2))
    journal.say(user_id=alice.pk, bot_id=None, message="Again.", now=NOW)
    tasks.deliver_due()
    assert Delivery.objects.count() == 1


def test_a_price_is_shown_with_the_digits_of_its_market() -> None:
    open_exchange(now=NOW)
    alice = people.alice()
    people.bot(alice, ticker="PEPE/USDT")
    hers = signed_in(alice)
    quote = Quote(Decimal("0.0000099"), Decimal("0.0000101"), Decimal("0.00001000"), 1)

    async def price() -> str:
        async with open_socket(hers) as socket:
            await sync_to_async(tasks.publish_price)("simulated", "PEPE/USDT", quote)
            return str(await socket.receive_from(timeout=10))

    assert async_to_sync(price)() == (
        '<span class="price" id="price-simulated-PEPE-USDT" data-price="0.00001" data-at="1" '
        'hx-swap-oob="true">0.00001000</span>'
    )
