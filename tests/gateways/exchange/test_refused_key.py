"""A key that its exchange accepts no more while a bot wants to sell: it waits, and sells then (row 43)."""

from typing import Any

import pytest
from django.core.cache import cache

from accounts.models import AccountState
from accounts.services import account_test
from activity.models import ActivityLog
from bots.models import Bot, BotStatus, Phase, StopRequest
from bots.services import bot_stop
from orders.states import OrderStatus
from tests.gateways.exchange.books import statuses
from tests.gateways.exchange.conftest import KEYS, Floor

STOPPED: dict[str, Any] = {"stop_loss_pct": "2", "stop_loss_timeout_s": 0}
FILLED, OPEN, CANCELLED = OrderStatus.FILLED, OrderStatus.OPEN, OrderStatus.CANCELLED


def falls_under_the_stop(floor: Floor, bot: Bot) -> None:
    floor.exchange.ledger.move("BTCUSDT", 48_000)
    cache.clear()  # the price of a moment ago is remembered
    for _ in range(10):
        floor.ring(bot)
        floor.later(61)


@pytest.fixture
def without_a_key(floor: Floor) -> Bot:
    """A bot whose key is revoked and whose stop is reached."""
    bot = floor.bot(**STOPPED)
    floor.turn(bot)
    floor.exchange.alice.revoked = True
    falls_under_the_stop(floor, bot)
    floor.account.refresh_from_db()
    bot.refresh_from_db()
    return bot


@pytest.mark.row(43)
def test_a_bot_whose_key_is_refused_waits_with_a_sentence(floor: Floor, without_a_key: Bot) -> None:
    bot = without_a_key
    assert floor.account.state == AccountState.BROKEN
    assert (bot.status, bot.phase) == (BotStatus.ACTIVE, Phase.SUSPENDED)
    assert bot.phase_why.endswith("The bot keeps what it has, and waits.")
    told = ActivityLog.objects.filter(bot=bot, message=bot.phase_why)
    assert told.count() == 1, "once, however often it looks"


@pytest.mark.row(43)
def test_it_sells_at_once_when_the_key_is_accepted_again(floor: Floor, without_a_key: Bot) -> None:
    floor.exchange.alice.revoked = False
    account_test(account=floor.account, exchanges=floor.exchanges, keys=KEYS, now=floor.now)
    for _ in range(3):
        floor.later(0)
    assert statuses(floor, without_a_key) == [FILLED, CANCELLED, FILLED]
    without_a_key.refresh_from_db()
    assert without_a_key.status == BotStatus.STOPPED, "its one deal is over"


@pytest.mark.row(43)
def test_whoever_only_wants_to_stop_it_is_not_kept_waiting(floor: Floor, without_a_key: Bot) -> None:
    bot_stop(bot=without_a_key, how=StopRequest.KEEP_ORDERS, now=floor.now)
    floor.later(0)
    without_a_key.refresh_from_db()
    assert without_a_key.status == BotStatus.STOPPED
    assert statuses(floor, without_a_key) == [FILLED, OPEN]


@pytest.mark.row(44)
def test_a_key_with_too_many_rights_places_nothing_and_what_rests_stays(floor: Floor) -> None:
    """Row 44: a stop that is due meanwhile is made good when the key is in order."""
    bot = floor.bot(**STOPPED)
    floor.turn(bot)
    floor.exchange.alice.rights["enableWithdrawals"] = True
    account_test(account=floor.account, exchanges=floor.exchanges, keys=KEYS, now=floor.now)
    falls_under_the_stop(floor, bot)
    bot.refresh_from_db()
    assert (bot.status, bot.phase, bot.failures) == (BotStatus.ACTIVE, Phase.SUSPENDED, 0)
    assert statuses(floor, bot) == [FILLED, OPEN]
    floor.account.refresh_from_db()
    floor.exchange.alice.rights["enableWithdrawals"] = False
    account_test(account=floor.account, exchanges=floor.exchanges, keys=KEYS, now=floor.now)
    for _ in range(3):
        floor.later(0)
    assert statuses(floor, bot) == [FILLED, CANCELLED, FILLED]
