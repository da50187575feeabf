"""The end of every scenario: all is at rest within a deadline, and both sides' books say the same."""

import re
from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

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
# A market and an order's number there: several markets may each have an order of that number.
Place = tuple[str, str]
Named = tuple[Any, ...]


class Sums(defaultdict[Named, Decimal]):
    """Amounts by what they are of."""

    def __init__(self) -> None:
        super().__init__(Decimal)

    @property
    def told(self) -> dict[Named, Decimal]:
        return {name: amount for name, amount in self.items() if amount}


def restless(floor: Floor) -> list[str]:
    """What some turn must still deal with, or take in."""
    orders = Order.objects.filter(status__in=sorted(UNSETTLED)) | Order.objects.filter(
        status=OrderStatus.OPEN, cancel_requested_at__isnull=False
    )
    told = [f"{order.slot} is {order.status}" for order in orders]
    bots = Bot.objects.filter(with_news(), rested())
    told += [f"{bot} has news" for bot in bots]
    resting = {place for place, order in theirs(floor).items() if order.open}
    ours = Order.objects.filter(status=OrderStatus.OPEN)
    return told + [f"{order.slot} rests no more" for order in ours if placed(order) not in resting]


def come_to_rest(floor: Floor, steps: int = STEPS_MAX) -> None:
    """Time passes, half a minute a step, until there is nothing left to do; it must be soon."""
    for _ in range(steps):
        floor.later(STEP_S)
        if not restless(floor):
            return
    raise AssertionError(f"after {steps * STEP_S:.0f} s: {restless(floor)}")


def theirs(floor: Floor) -> dict[Place, TheirOrder]:
    """The exchange's orders that carry an id of ours."""
    found = [order for order in floor.exchange.ledger.orders if OURS.fullmatch(order.client_id)]
    return {(order.symbol, str(order.id)): order for order in found}


def placed(order: Order) -> Place:
    return order.ticker.replace("/", ""), str(order.exchange_order_id)


def agree(floor: Floor) -> None:
    """Every order was sent once and is known by its end, every fill is booked once, and the coins are those
    that are there; the journal gives what is remembered, and no invariant is broken."""
    assert floor.exchange.oracle.sent_twice() == []
    their_orders = theirs(floor)
    ours = {placed(order): order for order in Order.objects.exclude(exchange_order_id=None)}
    assert ours.keys() == their_orders.keys()
    for place, order in ours.items():
        told = their_orders[place]
        assert (order.client_id, order.filled) == (told.client_id, told.filled), order.slot
        assert (order.status == OrderStatus.OPEN) == told.open, order.slot
    _trades_agree(floor, their_orders)
    _coins_agree(floor, their_orders)
    left = restless(floor)
    assert left == []
    assert [breach for bot in Bot.objects.all() for breach in replay_breaches(bot)] == []
    assert breaches() == []


def _trades_agree(floor: Floor, their_orders: dict[Place, TheirOrder]) -> None:
    """Each fill once, and its fees in all: one that was told late is a row of its own."""
    booked, happened = Counter[Named](), Counter[Named]()
    ours, told = Sums(), Sums()
    for row in Trade.objects.select_related("order"):
        fill = (placed(row.order), row.exchange_trade_id)
        ours[*fill, row.fee_currency] += row.fee
        if not row.correction:
            booked[*fill, row.quantity, row.price] += 1
    for trade in floor.exchange.ledger.trades:
        if (place := (trade.symbol, str(trade.order_id))) in their_orders:
            told[place, str(trade.id), trade.commission_asset] += trade.commission
            happened[place, str(trade.id), trade.quantity, trade.price] += 1
    assert booked == happened
    assert ours.told == told.told


def _coins_agree(floor: Floor, their_orders: dict[Place, TheirOrder]) -> None:
    """What bots hold is what their trades have brought, and, unless somebody else has traded too, what the
    account has more. Money follows from the trades: the invariants hold it to them."""
    brought, held = Sums(), Sums()
    for trade in floor.exchange.ledger.trades:
        coin = trade.symbol.removesuffix("USDT")
        if (trade.symbol, str(trade.order_id)) in their_orders:
            brought[coin,] += trade.quantity if trade.buyer else -trade.quantity
            brought[coin,] -= trade.commission if trade.commission_asset == coin else D(0)
    for bot in Bot.objects.all():
        held[bot.base,] += bot.position_amount
    assert held.told == brought.told
    only_ours = all(OURS.fullmatch(order.client_id) for order in floor.exchange.ledger.orders)
    if only_ours and len(floor.exchange.ledger.accounts) == 1:
        assert held["BTC",] == floor.exchange.alice.balances["BTC"].total - THEIR_BTC


def statuses(floor: Floor, bot: Bot) -> list[str]:
    return [order.status for order in floor.orders(bot)]
