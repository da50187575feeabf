"""Dip bots and their candles for tests, with every protective setting off unless a test asks for it."""

from decimal import Decimal
from typing import Any

from bots.strategies.base import SignalRow
from bots.strategies.dip import Dip, DipMemory, DipSettings
from bots.strategies.dip.memory import Deal
from bots.strategies.dip.signals import DIPS, SLACK
from orders.rules import Market
from tests.strategies.dcas import OPEN, market
from tests.strategies.playground import Playground

HOUR_MS = 3_600_000
BEGAN = 1_700_000_000_000
AT_ONCE: dict[str, Any] = {"rebound_pct": 0, "entry_order": "market", "trail_pct": 0}


def dip(on: Market | None = None, **chosen: Any) -> Dip:
    return Dip(DipSettings(**{**OPEN, **chosen}), on or market())


def dips_mark(close: float, high: float, dip_pct: float) -> float:
    """What marks a candle that may be a dip of `dip_pct` under the window's high."""
    return float(close <= high * (1 - dip_pct / 100 + SLACK))


def candle(close: float | str, hour: int = 0, dip_pct: float = 5, **values: float) -> SignalRow:
    """A candle that closed `hour` hours after the high of 100 was known; every filter passes. It is
    marked for bots that wait for `dip_pct`."""
    price = float(close)
    given = {"high": 100.0, "high_at": float(BEGAN), "top": price, "low": price}
    passes = {"rsi": 28.0, "sma": 0.0, "before": price}
    row = {**given, **passes, **values}
    row[DIPS] = dips_mark(price, row["high"], dip_pct)
    return SignalRow(BEGAN + hour * HOUR_MS, Decimal(str(close)), row)


def bot(on: Market | None = None, price: Any = 95, cash: int = 10_000, **chosen: Any) -> Playground:
    return Playground(dip(on, **chosen), price=price, cash=cash, keep_memory_as_json=True)


def memory_of(playground: Playground) -> DipMemory:
    memory = playground.memory
    return memory if isinstance(memory, DipMemory) else memory.inner


def deal_of(playground: Playground) -> Deal:
    deal = memory_of(playground).deal
    assert deal is not None, "no deal is open"
    return deal


def entered(on: Market | None = None, price: Any = "94.9", **chosen: Any) -> Playground:
    """A bot that has bought its dip at `price`, at market."""
    playground = bot(on, price, **{**AT_ONCE, **chosen})
    playground.look(candle=candle(str(price)))
    assert playground.all_fills
    return playground
