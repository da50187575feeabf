"""Momentum bots and candles for tests, with every filter and protective setting off unless asked for."""

from typing import Any

import numpy as np

from bots.strategies.base import Candles, SignalRow
from bots.strategies.momentum import Momentum, MomentumMemory, MomentumSettings
from bots.strategies.momentum.memory import Deal
from bots.strategies.momentum.signals import ENTER, LEAVE
from orders.rules import Market
from tests.strategies.dcas import OPEN, market
from tests.strategies.playground import MINUTE_MS, Playground

PLAIN: dict[str, Any] = {
    **OPEN,
    "timeframe": "1m",
    "rsi_period": 0,
    "adx_period": 0,
    "trend_sma": 0,
    "stop": "percent",
    "stop_trailing": False,
    "profit_trail_pct": 0,
    "amount": 100,
    "cooldown_candles": 0,
}


def momentum(on: Market | None = None, **chosen: Any) -> Momentum:
    return Momentum(MomentumSettings(**{**PLAIN, **chosen}), on or market())


def waiting(
    on: Market | None = None, *, cash: int = 1_000_000, price: Any = 100, **chosen: Any
) -> Playground:
    """A bot that has no deal yet."""
    return Playground(momentum(on, **chosen), price=price, cash=cash, keep_memory_as_json=True)


def row(playground: Playground, **values: float) -> SignalRow:
    """The candle that has closed last, with the columns given; without a mark unless one is given."""
    at = playground.now // MINUTE_MS * MINUTE_MS - MINUTE_MS
    last = playground.quote.last
    return SignalRow(at, last, {"close": float(last), ENTER: 0.0, LEAVE: 0.0, **values})


def candle(playground: Playground, **values: float) -> None:
    """A candle closes now, and the bot is asked."""
    playground.look(candle=row(playground, **values))


def bought(on: Market | None = None, **chosen: Any) -> Playground:
    """A bot whose entry at 100 has filled."""
    playground = waiting(on, **chosen)
    candle(playground, enter=1.0, atr=2.0)
    assert deal_of(playground).held.amount > 0
    return playground


def deal_of(playground: Playground) -> Deal:
    memory: Any = playground.memory
    inner: MomentumMemory = memory if isinstance(memory, MomentumMemory) else memory.inner
    assert inner.deal is not None, "no deal is open"
    return inner.deal


def closes(*prices: float, volume: float = 1.0, span: float = 1.0) -> Candles:
    """Candles of `span` around each closing price, a minute each."""
    close = np.array(prices, dtype=np.float64)
    at = np.arange(len(close), dtype=np.int64) * MINUTE_MS
    return Candles(at, close, close + span / 2, close - span / 2, close, np.full(len(close), volume))


def told(playground: Playground, part: str) -> int:
    return sum(part in reason for reason in playground.reasons)
