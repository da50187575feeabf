"""Wakes put together, put on the tick, and told apart from where the price is."""

from dataclasses import replace
from decimal import Decimal

from bots.strategies.base import Wake
from orders.rules import Market, Side

NO_WAKE = Wake()


def nearest(one: Wake, other: Wake) -> Wake:
    """What wakes when either would. Where both ask for candles and name different marks, every candle."""
    if one == NO_WAKE:
        return other
    belows = [price for price in (one.below, other.below) if price is not None]
    aboves = [price for price in (one.above, other.above) if price is not None]
    times = [at for at in (one.at, other.at) if at is not None]
    return Wake(
        below=max(belows) if belows else None,
        above=min(aboves) if aboves else None,
        at=min(times) if times else None,
        candle=one.candle or other.candle,
        mark=_mark_of_both(one, other),
    )


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
        below = market.price(Side.BUY, below)
    return replace(
        wake,
        below=below if below and below > 0 else None,
        above=None if above is None else market.price(Side.SELL, above),
    )


def reached(wake: Wake, last: Decimal) -> bool:
    """Whether a wake asks for a price that is there already."""
    return (wake.below is not None and last <= wake.below) or (wake.above is not None and last >= wake.above)
