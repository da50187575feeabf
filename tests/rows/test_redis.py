"""The cache comes back empty, or is away for a while (rows 22, 23)."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from django.core.cache import cache
from django.test import override_settings
from redis.exceptions import RedisError

from bots.engine import claims
from bots.engine.turn import run_turn
from bots.models import Bot, BotStatus
from orders.models import Order
from orders.states import OrderStatus
from tests.exchange.faults import CREATE
from tests.gateways.exchange.books import agree, come_to_rest, statuses
from tests.gateways.exchange.conftest import Floor
from tests.rows.away import backend, is_away
from tests.rows.deaths import once, turn_with

FILLED, OPEN, UNKNOWN = OrderStatus.FILLED, OrderStatus.OPEN, OrderStatus.UNKNOWN
BREAKER_WAIT_S = 30


@contextmanager
def away() -> Iterator[None]:
    is_away.set()
    try:
        yield
    finally:
        is_away.clear()


@pytest.fixture
def cached(floor: Floor) -> Iterator[Floor]:
    """The same floor on a cache that can go away."""
    with override_settings(CACHES=backend()):
        yield floor


@pytest.mark.row(22)
def test_a_cache_that_comes_back_empty_loses_nothing(floor: Floor) -> None:
    """The rows say who is due; what was cached is asked for again."""
    bot = floor.bot()
    floor.exchange.faults.add("drop_answer", **CREATE)
    floor.exchange.faults.add("drop_request", method="GET", path="/api/v3/order")
    floor.turn(bot)
    cache.clear()
    assert statuses(floor, bot) == [UNKNOWN]
    Order.objects.update(look_again_at=floor.now)
    assert claims.due_ids() == [bot.pk]
    come_to_rest(floor)
    assert statuses(floor, bot) == [FILLED, OPEN]
    agree(floor)


@pytest.mark.row(22)
def test_a_ban_that_was_forgotten_is_learnt_again_with_one_request(floor: Floor) -> None:
    first, second = floor.bot("First"), floor.bot("Second")
    floor.exchange.faults.add("limited", path="/api/v3/*", times=None, status=429, retry_after=BREAKER_WAIT_S)
    floor.turn(first)
    cache.clear()
    asked = len(floor.exchange.oracle.requests)
    for _ in range(3):
        floor.turn(first, second)
    assert len(floor.exchange.oracle.requests) <= asked + 1
    floor.exchange.faults.clear()
    cache.clear()
    come_to_rest(floor)
    agree(floor)


@pytest.mark.row(23)
def test_while_the_cache_is_away_nothing_is_sent_and_no_bot_is_to_blame(cached: Floor) -> None:
    holding, entering = cached.bot("Holding"), cached.bot("Entering")
    cached.turn(holding)
    sent = len(cached.exchange.oracle.creates)
    with away():
        for _ in range(5):
            with suppress(RedisError):
                run_turn([holding.pk, entering.pk], exchanges=cached.exchanges, now=cached.now)
    assert len(cached.exchange.oracle.creates) == sent
    for bot in Bot.objects.all():
        assert (bot.status, bot.failures) == (BotStatus.ACTIVE, 0)
    come_to_rest(cached)
    assert statuses(cached, entering) == [FILLED, OPEN]
    agree(cached)


@pytest.mark.row(23)
def test_a_cache_that_goes_away_while_an_order_is_sent(cached: Floor) -> None:
    bot = cached.bot()
    try:
        with suppress(RedisError):
            turn_with(cached, bot, after=once(is_away.set))
    finally:
        is_away.clear()
    assert Bot.objects.get(pk=bot.pk).failures == 0
    come_to_rest(cached)
    assert statuses(cached, bot) == [FILLED, OPEN]
    agree(cached)
