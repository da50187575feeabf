"""Where a momentum bot's stop stands that rests on the exchange, and what was sold."""

from decimal import Decimal

from bots.strategies.base import OrderIntent
from orders.rules import Side
from tests.strategies.dcas import market
from tests.strategies.playground import Playground

STOP = "deal-1/stop"
ON = market(rests_stops=True)


def resting(playground: Playground) -> OrderIntent:
    return playground.live[STOP].intent


def stands_at(playground: Playground) -> tuple[Decimal | None, Decimal | None, Decimal]:
    order = resting(playground)
    return order.trigger, order.price, order.amount


def sold(playground: Playground) -> list[tuple[str, Decimal, Decimal]]:
    return [(fill.slot, fill.amount, fill.price) for fill in playground.all_fills if fill.side is Side.SELL]
