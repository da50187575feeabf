"""An order that its exchange lists nowhere any more stays as it was, until its owner says that it is gone."""

from datetime import timedelta

import pytest

from activity.models import ActivityLog, Severity
from bots.models import Bot
from bots.services import ServiceRefused, order_give_up
from orders.missing import MISSED_FOR
from orders.models import Order
from orders.states import OrderStatus
from tests.exchange.orders import Order as Theirs
from tests.gateways.exchange.books import statuses
from tests.gateways.exchange.conftest import Floor

FILLED, OPEN, CANCELLED = OrderStatus.FILLED, OrderStatus.OPEN, OrderStatus.CANCELLED
OPEN_ORDERS = "/api/v3/openOrders"


@pytest.fixture
def bot(floor: Floor) -> Bot:
    """One whose target rests."""
    bot = floor.bot()
    floor.turn(bot)
    return bot


def lost(floor: Floor) -> Theirs:
    """The exchange forgets the order that rests."""
    order = floor.exchange.ledger.orders.pop()
    floor.later(6)
    return order


def resting(bot: Bot) -> Order:
    return Order.objects.select_related("account", "market", "bot").get(bot=bot, side="sell")


def give_up(floor: Floor, bot: Bot, later: timedelta = MISSED_FOR) -> None:
    order_give_up(order=resting(bot), exchanges=floor.exchanges, now=floor.now + later)


def test_it_stays_as_it_was_and_its_owner_is_told_once(floor: Floor, bot: Bot) -> None:
    lost(floor)
    since = resting(bot).missing_since
    for _ in range(3):
        floor.later(6)
    assert (resting(bot).status, resting(bot).missing_since) == (OPEN, since)
    assert resting(bot).reserved_base > 0
    told = ActivityLog.objects.filter(bot=bot, level=Severity.WARNING)
    assert [entry.message for entry in told if "lists the sell order" in entry.message] == [told[0].message]


def test_one_that_is_listed_again_is_not_missing(floor: Floor, bot: Bot) -> None:
    order = lost(floor)
    assert resting(bot).missing_since is not None
    floor.exchange.ledger.orders.append(order)
    floor.later(6)
    assert resting(bot).missing_since is None


def test_an_order_in_a_market_that_is_listed_no_more_is_missing(floor: Floor, bot: Bot) -> None:
    del floor.exchange.ledger.symbols["BTCUSDT"]
    floor.clients.anew("binance")
    floor.later(6)
    assert (resting(bot).status, resting(bot).missing_since is not None) == (OPEN, True)
    give_up(floor, bot)
    assert (resting(bot).status, resting(bot).reserved_base) == (CANCELLED, 0)


def test_its_owner_ends_it_and_the_bot_goes_on(floor: Floor, bot: Bot) -> None:
    lost(floor)
    give_up(floor, bot)
    assert statuses(floor, bot) == [FILLED, CANCELLED]
    floor.turn(bot)
    assert statuses(floor, bot) == [FILLED, CANCELLED, OPEN], "what it holds is on sale again"
    assert ActivityLog.objects.filter(bot=bot, message__contains="by its owner's word").count() == 1


def test_it_must_have_been_missing_for_a_while(floor: Floor, bot: Bot) -> None:
    with pytest.raises(ServiceRefused, match="has not been missing"):
        give_up(floor, bot)
    lost(floor)
    with pytest.raises(ServiceRefused, match="has not been missing for 5 minutes"):
        give_up(floor, bot, timedelta(minutes=4))
    assert resting(bot).status == OPEN


def test_the_exchanges_word_goes_first(floor: Floor, bot: Bot) -> None:
    order = lost(floor)
    floor.exchange.ledger.orders.append(order)
    floor.exchange.ledger.fill(order)
    with pytest.raises(ServiceRefused, match="knows the order"):
        give_up(floor, bot)
    assert resting(bot).status == FILLED


def test_without_an_answer_nothing_is_changed(floor: Floor, bot: Bot) -> None:
    lost(floor)
    floor.exchange.faults.add("status", path=OPEN_ORDERS, status=503, times=None, done=False)
    with pytest.raises(ServiceRefused, match="gives no answer now"):
        give_up(floor, bot)
    assert resting(bot).status == OPEN


def test_a_cancel_of_one_that_is_missing_is_no_cancel(floor: Floor, bot: Bot) -> None:
    floor.exchange.ledger.orders.pop()
    Order.objects.filter(pk=resting(bot).pk).update(cancel_requested_at=floor.now)
    floor.later(6)
    assert (resting(bot).status, resting(bot).missing_since is not None) == (OPEN, True)
