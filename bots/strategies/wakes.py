"""Wakes put together."""

from bots.strategies.base import Wake


def nearest(one: Wake, other: Wake) -> Wake:
    """What wakes when either would."""
    if one == Wake():
        return other
    belows = [price for price in (one.below, other.below) if price is not None]
    aboves = [price for price in (one.above, other.above) if price is not None]
    times = [at for at in (one.at, other.at) if at is not None]
    return Wake(
        below=max(belows) if belows else None,
        above=min(aboves) if aboves else None,
        at=min(times) if times else None,
        candle=one.candle or other.candle,
    )
