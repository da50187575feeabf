"""Scalpers for tests, with every protective setting off unless a test asks for it."""

from decimal import Decimal
from typing import Any

from bots.strategies.base import SignalRow
from bots.strategies.scalper import Scalper, ScalperMemory, ScalperSettings
from bots.strategies.scalper.memory import Deal
from bots.strategies.scalper.signals import BUY
from orders.rules import Market
from tests.strategies.dcas import OPEN, market
from tests.strategies.playground import Playground

FREE: dict[str, Any] = {**OPEN, "max_trades_per_hour": 0, "max_consecutive_losses": 0, "max_spread_bps": 0}
AT_MARKET: dict[str, Any] = {"entry": "rsi", "entry_order": "market", "post_only": False}
RSI_USUAL = 30


def scalper(on: Market | None = None, **chosen: Any) -> Scalper:
    return Scalper(ScalperSettings(**{**FREE, **chosen}), on or market())


def playing(on: Market | None = None, *, spread: int = 2, **chosen: Any) -> Playground:
    """A scalper at a price of 100 with 1000 to spend, its memory kept as JSON."""
    return Playground(
        scalper(on, **chosen), price=100, cash=1_000, spread_bps=Decimal(spread), keep_memory_as_json=True
    )


def rsi_of(value: float) -> SignalRow:
    """A closed candle with this RSI, marked where it is under the usual threshold."""
    return SignalRow(0, Decimal(100), {"rsi": value, BUY: float(value < RSI_USUAL)})


def memory_of(playground: Playground) -> ScalperMemory:
    """What the scalper remembers, inside or outside the guard."""
    memory = playground.memory
    inner: ScalperMemory = memory if isinstance(memory, ScalperMemory) else memory.inner
    return inner


def deal_of(playground: Playground) -> Deal:
    deal = memory_of(playground).deal
    assert deal is not None, "no deal is open"
    return deal


def later(playground: Playground, seconds: float) -> None:
    """Time passes at the same price; the strategy is asked when its wake says so."""
    playground.now += int(seconds * 1000)
    at = playground.plan.wake.at
    if at is not None and playground.now >= at:
        playground.look()
