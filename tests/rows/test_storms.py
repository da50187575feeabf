"""An exchange that answers everything with an error, and recovers (row 34)."""

from typing import Any

import pytest

from bots.models import Bot, BotStatus
from bots.services import bot_stop
from orders.states import OrderStatus
from tests.gateways.exchange.books import agree, come_to_rest, statuses
from tests.gateways.exchange.conftest import Floor

FILLED, OPEN, UNKNOWN = OrderStatus.FILLED, OrderStatus.OPEN, OrderStatus.UNKNOWN
STATUSES = [500, 503]
BOTS, ROUNDS = 2, 4
# Requests a storm of half a minute may cost each order in doubt: it is asked for later and later.
ASKED_MAX = 12


def storm(floor: Floor, **options: Any) -> None:
    """Prices are still told, so that bots go on wanting."""
    for name in ("order", "openOrders", "allOrders", "myTrades", "account"):
        floor.exchange.faults.add("status", path=f"/api/v3/{name}", times=None, **options)


@pytest.mark.row(34)
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("done", [True, False])
def test_orders_sent_into_a_storm_are_found_after_it(floor: Floor, status: int, done: bool) -> None:
    """Whether they were carried out behind the error or not, nobody can tell from it."""
    bots = [floor.bot(f"Bot {number}", investment="300") for number in range(BOTS)]
    floor.turn(*bots[:1])
    before = len(floor.exchange.oracle.creates)
    storm(floor, status=status, done=done)
    floor.turn(*bots)
    assert len(floor.exchange.oracle.creates) > before
    for _ in range(ROUNDS):
        floor.later(5)
    assert len(floor.exchange.oracle.asked("GET", "/api/v3/order")) <= ASKED_MAX * BOTS
    floor.exchange.faults.clear()
    come_to_rest(floor)
    for bot in bots:
        told = statuses(floor, bot)
        assert (told.count(FILLED), told.count(OPEN)) == (1, 1)
        assert Bot.objects.get(pk=bot.pk).status == BotStatus.ACTIVE
    agree(floor)


@pytest.mark.row(34)
def test_no_new_buy_goes_into_a_storm_while_one_is_in_doubt(floor: Floor) -> None:
    floor.turn(floor.bot("Before"))
    first, second = floor.bot("First"), floor.bot("Second")
    storm(floor, status=503)
    floor.turn(first)
    floor.turn(second)
    assert (statuses(floor, first), statuses(floor, second)) == ([UNKNOWN], [])
    floor.exchange.faults.clear()
    come_to_rest(floor)
    agree(floor)


@pytest.mark.row(34)
def test_after_the_storm_the_exit_goes_before_any_entry(floor: Floor) -> None:
    holding, entering = floor.bot("Holding"), floor.bot("Entering")
    floor.turn(holding)
    storm(floor, status=503, done=False)
    bot_stop(bot=Bot.objects.get(pk=holding.pk), now=floor.now, how="cancel_and_sell")
    floor.turn(holding, entering)
    floor.exchange.faults.clear()
    before = len(floor.exchange.oracle.creates)
    come_to_rest(floor)
    sides = [seen.params["side"] for seen in floor.exchange.oracle.creates[before:]]
    assert sides[0] == "SELL"
    assert Bot.objects.get(pk=holding.pk).status == BotStatus.STOPPED
    agree(floor)
