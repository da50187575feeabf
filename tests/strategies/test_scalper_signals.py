"""The scalper's signals over closed candles."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import talib

from bots.strategies.base import Candles, SignalRow
from bots.strategies.indicators import fast_stochastic
from bots.strategies.scalper.signals import says_buy
from tests.strategies.scalpers import scalper

DIP = {"open": 99.0, "ema_low": 100.0, "adx": 31.0, "k": 20.0, "d": 15.0, "lead_before": -1.0}
PULLBACK = {"open": 100.0, "high": 103.0, "low": 99.0, "close": 102.0, "ema_fast": 100.5, "ema_slow": 95.0}


def buys(entry: str, values: dict[str, float]) -> bool:
    return says_buy(scalper(entry=entry).settings, SignalRow(0, Decimal(100), values))


@pytest.mark.parametrize(("value", "says"), [(29.9, True), (30.0, False), (float("nan"), False)])
def test_rsi_under_its_threshold(value: Any, says: Any) -> None:
    assert buys("rsi", {"rsi": value}) is says


@pytest.mark.parametrize(
    "spoiled",
    [{"open": 100.0}, {"adx": 30.0}, {"k": 30.0}, {"d": 30.0, "k": 31.0}, {"k": 15.0}, {"lead_before": 0.1}],
)
def test_a_stochastic_dip_needs_all_of_it(spoiled: Any) -> None:
    assert buys("stoch_dip", DIP)
    assert buys("stoch_dip", {**DIP, "lead_before": 0.0})
    assert not buys("stoch_dip", {**DIP, **spoiled})
    assert not buys("stoch_dip", dict.fromkeys(DIP, float("nan")))


@pytest.mark.parametrize(
    "spoiled", [{"ema_slow": 102.0}, {"low": 100.6}, {"high": 100.4}, {"open": 102.0}, {"ema_fast": np.nan}]
)
def test_an_ema_pullback_needs_all_of_it(spoiled: Any) -> None:
    assert buys("ema_pullback", PULLBACK)
    assert not buys("ema_pullback", {**PULLBACK, **spoiled})


def walk(length: int = 600) -> Candles:
    close = 100 + np.cumsum(np.random.default_rng(7).normal(size=length)) / 5
    opened = np.concatenate(([100.0], close[:-1]))
    high, low = np.maximum(opened, close) + 0.1, np.minimum(opened, close) - 0.1
    return Candles(np.arange(length, dtype=np.int64), opened, high, low, close, np.ones(length))


@pytest.mark.parametrize(
    ("entry", "needed"), [("rsi", 420), ("stoch_dip", 420), ("ema_pullback", 1500), ("spread_capture", 0)]
)
def test_warm_up_and_columns(entry: Any, needed: Any) -> None:
    strategy, candles = scalper(entry=entry), walk()
    assert strategy.candles_needed == needed
    assert strategy.timeframe == ("1m" if needed else None)
    columns = strategy.prepare(candles).columns
    assert bool(columns) is bool(needed)
    assert all(len(column) == len(candles) for column in columns.values())
    assert not any(np.isnan(column[-1]) for column in columns.values())


@pytest.mark.parametrize("entry", ["rsi", "stoch_dip", "ema_pullback"])
def test_few_candles_say_nothing(entry: Any) -> None:
    strategy = scalper(entry=entry)
    for length in (1, 4, 7):
        row = strategy.prepare(walk(length)).row(-1)
        assert not says_buy(strategy.settings, SignalRow(0, Decimal(100), row))


def test_the_columns_are_those_of_the_rule() -> None:
    candles = walk()
    row = scalper(entry="stoch_dip").prepare(candles).row(-1)
    k, d = talib.STOCHF(candles.high, candles.low, candles.close, 5, 3, 0)
    assert (row["k"], row["d"]) == pytest.approx((k[-1], d[-1]))
    assert row["lead_before"] == pytest.approx(k[-2] - d[-2])
    assert row["ema_low"] == talib.EMA(candles.low, 5)[-1]
    assert row["adx"] == talib.ADX(candles.high, candles.low, candles.close, 14)[-1]
    row = scalper(entry="ema_pullback").prepare(candles).row(-1)
    assert row["ema_fast"] == talib.EMA(candles.close, 9)[-1]
    assert row["ema_slow"] == talib.EMA(candles.close, 50)[-1]


def test_a_stochastic_without_movement_is_fifty() -> None:
    still = np.full(30, 100.0)
    k, d = fast_stochastic(still, still, still, 5, 3)
    assert (k[-1], d[-1]) == (50, 50)
