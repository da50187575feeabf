"""What a client of a test counts, and is told to wait for: its own, which it shares with nobody."""

from uuid import uuid4

from tradingbot.counting import CountingMemory, Counts


def own_counts() -> Counts:
    return CountingMemory(uuid4().hex, {"OPTIONS": {"MAX_ENTRIES": 20_000}})
