"""A target that fills while it is cancelled for a stop: no more is ever on sale than there is (row 54)."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache

from bots.models import Bot
from orders.states import OrderStatus
from tests.exchange.faults import CANCEL
from tests.exchange.orders import Trade
from tests.gateways.exchange.books import agree, come_to_rest, statuses
from tests.gateways.exchange.conftest import Floor

STOPPED: dict[str, Any] = {"stop_loss_pct": "2", "stop_loss_timeout_s": 0}
FILLED, CANCELLED = OrderStatus.FILLED, OrderStatus.CANCELLED
D = Decimal


class Watch:
    """Hears each step of the exchange's, and what is on sale then of what the bot has bought there."""

    def __init__(self, floor: Floor) -> None:
        self._floor, self.most = floor, D(0)

    def reported(self, *_: Any) -> None:
        ledger = self._floor.exchange.ledger
        held = sum((self._coins(trade) for trade in ledger.trades), D(0))
        on_sale = sum(
            (order.remaining for order in ledger.orders if order.open and not order.wish.buys), D(0)
        )
        self.most = max(self.most, on_sale - held)

    @staticmethod
    def _coins(trade: Trade) -> Decimal:
        return trade.quantity if trade.buyer else -trade.quantity

    def deposited(self, *_: Any) -> None: ...
    def ticked(self, *_: Any) -> None: ...
    def quoted(self, *_: Any) -> None: ...


def stop_is_reached(floor: Floor, bot: Bot) -> None:
    floor.exchange.ledger.move("BTCUSDT", 48_000)
    cache.clear()  # the price of a moment ago is remembered
    for _ in range(3):
        floor.ring(bot)
        floor.turn(bot)
    come_to_rest(floor)


def in_a_deal(floor: Floor) -> tuple[Bot, Watch]:
    bot = floor.bot(**STOPPED)
    floor.turn(bot)
    watch = Watch(floor)
    floor.exchange.ledger.listeners.append(watch)
    return bot, watch


def all_sold_once(floor: Floor, bot: Bot, watch: Watch) -> None:
    sold = sum((trade.quantity for trade in floor.trades(bot) if trade.side == "sell"), D(0))
    bought = sum((trade.quantity for trade in floor.trades(bot) if trade.side == "buy"), D(0))
    assert 0 <= bought - sold < D("0.00002"), "the fee and less than a lot are left"
    assert watch.most <= 0, "more was on sale than there was"
    agree(floor)


@pytest.mark.row(54)
def test_a_stop_cancels_the_target_before_it_sells(floor: Floor) -> None:
    bot, watch = in_a_deal(floor)
    stop_is_reached(floor, bot)
    assert statuses(floor, bot) == [FILLED, CANCELLED, FILLED]
    all_sold_once(floor, bot, watch)


@pytest.mark.row(54)
def test_a_target_that_fills_whole_while_it_is_cancelled_leaves_nothing_to_stop(floor: Floor) -> None:
    bot, watch = in_a_deal(floor)
    floor.exchange.faults.add("fill_first", **CANCEL)
    stop_is_reached(floor, bot)
    assert statuses(floor, bot) == [FILLED, FILLED]
    all_sold_once(floor, bot, watch)


@pytest.mark.row(54)
def test_a_target_that_fills_in_part_while_it_is_cancelled_leaves_the_rest_to_the_stop(floor: Floor) -> None:
    bot, watch = in_a_deal(floor)
    floor.exchange.faults.add("fill_first", **CANCEL, quantity="0.0008")
    stop_is_reached(floor, bot)
    bought, target, stop = floor.orders(bot)
    assert (target.filled, target.filled + stop.filled <= bought.filled) == (D("0.0008"), True)
    all_sold_once(floor, bot, watch)


@pytest.mark.row(54)
def test_a_stop_waits_for_a_cancel_whose_answer_is_lost(floor: Floor) -> None:
    bot, watch = in_a_deal(floor)
    floor.exchange.faults.add("drop_request", **CANCEL, times=2)
    floor.exchange.faults.add("drop_answer", **CANCEL, after=2)
    stop_is_reached(floor, bot)
    assert statuses(floor, bot) == [FILLED, CANCELLED, FILLED]
    all_sold_once(floor, bot, watch)
