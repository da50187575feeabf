"""What a grid may still spend, and how large its next buy is."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol

from bots.strategies.base import Seen
from bots.strategies.grid.layout import in_quote
from bots.strategies.grid.memory import GridMemory, Line, plain
from bots.strategies.grid.settings import GridSettings, SizeMode
from orders.accounting import product
from orders.rules import ONE, ZERO, Market, Side


class Purse(Protocol):
    """What the budget reads of a book."""

    memory: GridMemory
    settings: GridSettings
    market: Market
    seen: Seen
    lines: dict[int, Line]
    dropped: dict[int, Line]
    profit: Decimal
    extra: Decimal
    reasons: list[str]


def unit_of(purse: Purse) -> Decimal:
    """The order size in force; with reinvest it grows as the grid profit grows the investment."""
    if not purse.settings.reinvest or purse.profit <= 0:
        return purse.memory.unit
    return product(purse.memory.unit, ONE + purse.profit / purse.settings.investment)


def committed(lines: Iterable[Line]) -> Decimal:
    """Quote that the buys among `lines` will still take, before fees."""
    return sum((line.rest * line.price for line in lines if line.side is Side.BUY), ZERO)


def free(purse: Purse) -> Decimal:
    """Quote in the pocket that no grid buy and no extra purchase needs."""
    taken = committed(purse.lines.values()) + committed(purse.dropped.values()) + purse.extra * purse.seen.ask
    return purse.seen.cash - taken * in_quote(purse.market)


def affordable(purse: Purse, price: Decimal) -> Decimal:
    """Base to buy on a line at `price`: the order size, or what the cash covers; 0 when too little."""
    market, unit, stop = purse.market, unit_of(purse), purse.settings.stop_loss_price
    wanted = unit if purse.settings.size_mode is SizeMode.BASE else unit / price
    below = ONE - stop / price if stop is not None and stop < price else ZERO
    amount = market.sized(wanted, price, below) or ZERO
    dear, left = price * in_quote(market), free(purse)
    if amount * dear <= left:
        return amount
    covered = market.amount(max(left, ZERO) / dear)
    if covered < market.smallest(price):
        return ZERO
    purse.reasons.append(f"The cash covers {plain(covered)} instead of {plain(amount)} at {plain(price)}.")
    return covered
