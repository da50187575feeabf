"""The end of every scenario: all is at rest within a deadline, and both sides' books say the same."""

import re
from collections import Counter
from decimal import Decimal

from bots.engine.claims import rested, with_news
from bots.engine.replay import replay_breaches
from bots.models import Bot
from orders.invariants import breaches
from orders.models import Order, Trade
from orders.states import UNSETTLED, OrderStatus
from tests.exchange.orders import Order as TheirOrder
from tests.gateways.exchange.conftest import Floor

# By this an order of ours is told from one made by hand.
OURS = re.compile(r"[0-9a-f]{32}")
# What was there before any bot.
THEIR_BTC = 2
STEP_S = 30.0
STEPS_MAX = 12
D = Decimal


def restless(floor: Floor) -> list[str]:
    """What some turn must still deal with, or take in."""
    orders = Order.objects.filter(status__in=sorted(UNSETTLED)) | Order.objects.filter(
        status=OrderStatus.OPEN, cancel_requested_at__isnull=False
    )
    told = [f"{order.slot} is {order.status}" for order in orders]
    bots = Bot.objects.filter(with_news(), rested())
    told += [f"{bot} has news" for bot in bots]
    resting = {number for number, order in theirs(floor).items() if order.open}
    ours = Order.objects.filter(status=OrderStatus.OPEN)
    return told + [f"{order.slot} rests no more" for order in ours if order.exchange_order_id not in resting]


def come_to_rest(floor: Floor, steps: int = STEPS_MAX) -> None:
    """Time passes, half a minute a step, until there is nothing left to do; it must be soon."""
    for _ in range(steps):
        floor.later(STEP_S)
        if not restless(floor):
            return
    raise AssertionError(f"after {steps * STEP_S:.0f} s: {restless(floor)}")


def theirs(floor: Floor) -> dict[str, TheirOrder]:
    """The exchange's orders that carry an id of ours, by its own id."""
    found = [order for order in floor.exchange.ledger.orders if OURS.fullmatch(order.client_id)]
    return {str(order.id): order for order in found}


def agree(floor: Floor) -> None:
    """Every order was sent once and is known by its end, every fill is booked once, and the coins are those
    that are there; the journal gives what is remembered, and no invariant is broken."""
    assert floor.exchange.oracle.sent_twice() == []
    their_orders = theirs(floor)
    ours = {order.exchange_order_id: order for order in Order.objects.exclude(exchange_order_id=None)}
    assert ours.keys() == their_orders.keys()
    for number, order in ours.items():
        told = their_orders[str(number)]
        assert (order.client_id, order.filled) == (told.client_id, told.filled), order.slot
        assert (order.status == OrderStatus.OPEN) == told.open, order.slot
    _trades_agree(floor, their_orders)
    _coins_agree(floor)
    left = restless(floor)
    assert left == []
    assert [breach for bot in Bot.objects.all() for breach in replay_breaches(bot)] == []
    assert breaches() == []


def _trades_agree(floor: Floor, their_orders: dict[str, TheirOrder]) -> None:
    booked = Counter(
        (row.order.exchange_order_id, row.exchange_trade_id, row.quantity, row.price, row.fee)
        for row in Trade.objects.select_related("order")
    )
    happened = Counter(
        (str(row.order_id), str(row.id), row.quantity, row.price, row.commission)
        for row in floor.exchange.ledger.trades
        if str(row.order_id) in their_orders
    )
    assert booked == happened


def _coins_agree(floor: Floor) -> None:
    """Unless a test has traded by hand. Money follows from the trades: the invariants hold it to them."""
    by_hand = [order for order in floor.exchange.ledger.orders if not OURS.fullmatch(order.client_id)]
    if by_hand:
        return
    held = sum((bot.position_amount for bot in Bot.objects.all()), D(0))
    assert held == floor.exchange.alice.balances["BTC"].total - THEIR_BTC


def statuses(floor: Floor, bot: Bot) -> list[str]:
    return [order.status for order in floor.orders(bot)]
