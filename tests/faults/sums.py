"""Sums of our own over trades and both books, beside those that the invariants make."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext
from typing import Protocol

from bots.models import Bot
from orders.accounting import Purpose
from orders.gateways.base import Report
from orders.models import LedgerEntry, Order, Trade
from orders.states import OrderStatus

# Quotients are rounded to 18 places, once a trade.
ROUNDING_MAX = Decimal("1e-12")
DIGITS = 60
NOWHERE = frozenset({OrderStatus.REFUSED, OrderStatus.NOT_PLACED, OrderStatus.ABANDONED, OrderStatus.PLANNED})


class Oracle(Protocol):
    @property
    def books(self) -> Mapping[str, Report]: ...


def fifo_agrees(bot: Bot, price: Decimal) -> None:
    """P2: lots sold first in, first out leave what the bot holds, and in all the same gain."""
    if _adopted(bot):
        return
    with localcontext(prec=DIGITS):
        lots: deque[list[Decimal]] = deque()
        realised = Decimal(0)
        for trade in Trade.objects.filter(bot=bot).order_by("number"):
            if trade.side == "buy":
                lots.append([trade.quantity, (trade.quantity * trade.price + trade.fee) / trade.quantity])
            else:
                realised += trade.quantity * trade.price - trade.fee - _sold(lots, trade.quantity)
        held = sum((amount for amount, _ in lots), Decimal(0))
        assert held == bot.position_amount, bot.name
        unrealised = sum((amount * (price - each) for amount, each in lots), Decimal(0))
        by_average = bot.pnl + bot.position_amount * price - bot.position_cost
        assert abs(realised + unrealised - by_average) < ROUNDING_MAX, bot.name


def _sold(lots: deque[list[Decimal]], amount: Decimal) -> Decimal:
    """What the oldest coins cost that are sold."""
    cost = Decimal(0)
    while amount > 0:
        part = min(amount, lots[0][0])
        cost, amount = cost + part * lots[0][1], amount - part
        lots[0][0] -= part
        if not lots[0][0]:
            lots.popleft()
    return cost


def flat_adds_up(bot: Bot) -> None:
    """P4: of a bot that holds nothing, what came in and went out is what it has realised."""
    if bot.position_amount or _adopted(bot):
        return
    flows = Decimal(0)
    for trade in Trade.objects.filter(bot=bot):
        sign = -1 if trade.side == "buy" else 1
        flows += sign * trade.quantity * trade.price - trade.fee
    assert abs(flows - bot.pnl) < ROUNDING_MAX, bot.name


def _adopted(bot: Bot) -> bool:
    """Whether it has sold coins, or spent money, of its account's that it had not."""
    return LedgerEntry.objects.filter(bot=bot, purpose=Purpose.ADOPTED).exists()


def oracle_agrees(orders: Iterable[Order], trades: Iterable[Trade], oracle: Oracle) -> None:
    """I3, I7, I10, P5: each order of the exchange is one of ours, with its end and each of its fills once,
    in whatever order, and however often, they were told."""
    rows = {order.client_id: order for order in orders}
    assert oracle.books.keys() <= rows.keys()
    booked = defaultdict(list)
    for trade in trades:
        numbers = (trade.quantity, trade.price, trade.fee, trade.fee_currency)
        booked[trade.order.client_id].append((trade.exchange_trade_id, *numbers))
    for client_id, row in rows.items():
        told = oracle.books.get(client_id)
        if told is None:
            assert row.status in NOWHERE, f"{row} is {row.status}, and not on the exchange"
            assert not booked[client_id]
            continue
        assert row.status in {told.status, OrderStatus.NOT_PLACED}, f"{row}: {row.status}, {told.status}"
        assert row.filled == sum((fill.amount for fill in told.fills), Decimal(0))
        fills = [(fill.trade_id, fill.amount, fill.price, fill.fee, fill.fee_currency) for fill in told.fills]
        assert sorted(booked[client_id]) == sorted(fills)
