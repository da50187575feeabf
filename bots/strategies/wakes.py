"""Wakes put together, put on the tick, and told apart from where the price is."""

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from bots.strategies.base import Wake
from orders.records import replace
from orders.rules import BUY, SELL, Market

T = TypeVar("T", int, Decimal)
NO_WAKE = Wake()


def nearest(one: Wake, other: Wake) -> Wake:
    """What wakes when either would. Where both ask for candles and name different marks, every candle."""
    if one is NO_WAKE or one == NO_WAKE:
        return other
    return Wake(
        below=_first_of(max, one.below, other.below),
        above=_first_of(min, one.above, other.above),
        at=_first_of(min, one.at, other.at),
        candle=one.candle or other.candle,
        mark=_mark_of_both(one, other),
        peak=_first_of(min, one.peak, other.peak),
        trough=_first_of(max, one.trough, other.trough),
    )


def _first_of(nearer: Callable[[T, T], T], one: T | None, other: T | None) -> T | None:
    if one is None or other is None:
        return other if one is None else one
    return nearer(one, other)


def _mark_of_both(one: Wake, other: Wake) -> str:
    if one.candle is None or other.candle is None:
        return other.mark if one.candle is None else one.mark
    return one.mark if one.mark == other.mark else ""


def on_tick(wake: Wake, market: Market) -> Wake:
    """Prices on the tick, on the side that has truly been reached; a price under the first tick is none."""
    below, above = wake.below, wake.above
    if below is None and above is None:
        return wake
    if below is not None:
        below = market.price(BUY, below)
    return replace(
        wake,
        below=below if below and below > 0 else None,
        above=None if above is None else market.price(SELL, above),
    )


def reached(wake: Wake, last: Decimal) -> bool:
    """Whether a wake asks for a price that is there already."""
    if wake is NO_WAKE:
        return False
    if (wake.below is not None and last <= wake.below) or (wake.above is not None and last >= wake.above):
        return True
    return turns(wake.peak, wake.trough, last)


def turns(peak: Decimal | None, trough: Decimal | None, last: Decimal) -> bool:
    """Whether a price that goes no further is over the peak, or under the trough, that is known."""
    return (peak is not None and last > peak) or (trough is not None and last < trough)
