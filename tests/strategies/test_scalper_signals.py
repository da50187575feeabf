"""The scalper's signals over closed candles, and which of them it marks as a buy."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import talib
from numpy.typing import NDArray

from bots.strategies.base import Candles
from bots.strategies.indicators import fast_stochastic
from bots.strategies.scalper.signals import BUY
from tests.strategies.scalpers import rsi_of, scalper

Column = NDArray[Any]
LONG = 20_000


def walk(length: int = 600) -> Candles:
    close = 100 + np.cumsum(np.random.default_rng(7).normal(size=length)) / 5
    opened = np.concatenate(([100.0], close[:-1]))
    high, low = np.maximum(opened, close) + 0.1, np.minimum(opened, close) - 0.1
    return Candles(np.arange(length, dtype=np.int64), opened, high, low, close, np.ones(length))


def still(length: int = 30) -> Candles:
    flat = np.full(length, 100.0)
    return Candles(np.arange(length, dtype=np.int64), flat, flat, flat, flat, np.ones(length))


def marks(candles: Candles, **chosen: Any) -> Column:
    """Which candles say buy, as booleans."""
    column = scalper(**chosen).prepare(candles).columns[BUY]
    assert set(np.unique(column)) <= {0.0, 1.0}, "a mark is 1 or 0, also while warming up"
    buys: Column = column == 1
    return buys


def stochastic_dip(candles: Candles) -> dict[str, Column]:
    k, d = talib.STOCHF(candles.high, candles.low, candles.close, 5, 3, 0)
    lead_before = np.concatenate(([np.nan], (k - d)[:-1]))
    return {
        "opens under the EMA of lows": candles.open < talib.EMA(candles.low, 5),
        "ADX over 30": talib.ADX(candles.high, candles.low, candles.close, 14) > 30,
        "K under 30": k < 30,
        "K not over D before": lead_before <= 0,
        "K over D": k > d,
    }


def ema_pullback(candles: Candles) -> dict[str, Column]:
    fast, slow = talib.EMA(candles.close, 9), talib.EMA(candles.close, 50)
    return {
        "closes over the slow EMA": candles.close > slow,
        "comes down to the fast EMA": candles.low <= fast,
        "does not stay under the fast EMA": candles.high >= fast,
        "rises": candles.close > candles.open,
    }


def without_each(conditions: dict[str, Column]) -> Iterator[tuple[str, Column]]:
    """For each condition the candles that miss nothing but this one."""
    for name, fulfilled in conditions.items():
        others = [column for other, column in conditions.items() if other != name]
        yield name, np.logical_and.reduce([*others, ~fulfilled])


@pytest.mark.parametrize(("entry", "rule"), [("stoch_dip", stochastic_dip), ("ema_pullback", ema_pullback)])
def test_a_buy_needs_all_of_its_rule(entry: str, rule: Any) -> None:
    candles = walk(LONG)
    # The first candles differ: until an indicator is known, no comparison with it holds.
    conditions = {name: column[100:] for name, column in rule(candles).items()}
    buys = marks(candles, entry=entry)[100:]
    assert buys.sum() > 20
    assert np.array_equal(buys, np.logical_and.reduce(list(conditions.values())))
    for name, spoiled in without_each(conditions):
        assert spoiled.any(), f"no candle shows what {name!r} is for"
        assert not buys[spoiled].any(), name


def test_k_and_d_are_both_under_thirty() -> None:
    candles = walk(LONG)
    row = scalper(entry="stoch_dip").prepare(candles).columns
    bought = row[BUY] == 1
    assert (row["k"][bought] < 30).all()
    assert (row["d"][bought] < 30).all()


@pytest.mark.parametrize(("threshold", "says"), [("50.01", True), ("50", False), ("49.99", False)])
def test_rsi_under_its_threshold_and_not_at_it(threshold: str, says: bool) -> None:
    """Where nothing moves the RSI is 50."""
    assert marks(still(), entry="rsi", rsi_threshold=threshold)[-1] == says


def test_the_rsis_marks_are_those_under_the_threshold() -> None:
    candles = walk(LONG)
    for period, threshold in ((14, 30), (7, 20)):
        line = talib.RSI(candles.close, timeperiod=period)
        buys = marks(candles, entry="rsi", rsi_period=period, rsi_threshold=threshold)
        assert 0 < buys.sum() < len(candles)
        assert np.array_equal(buys, line < threshold)


def test_the_rows_that_other_tests_hand_in_are_marked_as_prepared_ones() -> None:
    columns = scalper(entry="rsi").prepare(walk(LONG)).columns
    for value, mark in zip(columns["rsi"].tolist(), columns[BUY].tolist(), strict=True):
        assert rsi_of(value).values[BUY] == mark


@pytest.mark.parametrize(
    ("entry", "needed"), [("rsi", 420), ("stoch_dip", 420), ("ema_pullback", 1500), ("spread_capture", 0)]
)
def test_warm_up_and_columns(entry: Any, needed: Any) -> None:
    strategy, candles = scalper(entry=entry), walk()
    assert strategy.candles_needed == needed
    assert strategy.timeframe == ("1m" if needed else None)
    columns = strategy.prepare(candles).columns
    assert bool(columns) is bool(needed)
    assert (BUY in columns) is bool(needed)
    assert all(len(column) == len(candles) for column in columns.values())
    assert not any(np.isnan(column[-1]) for column in columns.values())


@pytest.mark.parametrize("entry", ["rsi", "stoch_dip", "ema_pullback"])
def test_few_candles_say_nothing(entry: Any) -> None:
    for length in (1, 4, 7):
        assert not marks(walk(length), entry=entry).any()


def test_the_columns_are_those_of_the_rule() -> None:
    candles = walk()
    row = scalper(entry="stoch_dip").prepare(candles).row(-1)
    k, d = talib.STOCHF(candles.high, candles.low, candles.close, 5, 3, 0)
    assert (row["k"], row["d"]) == pytest.approx((k[-1], d[-1]))
    assert row["ema_low"] == pytest.approx(talib.EMA(candles.low, 5)[-1])
    assert row["adx"] == pytest.approx(talib.ADX(candles.high, candles.low, candles.close, 14)[-1])
    row = scalper(entry="ema_pullback").prepare(candles).row(-1)
    assert row["ema_fast"] == pytest.approx(talib.EMA(candles.close, 9)[-1])
    assert row["ema_slow"] == pytest.approx(talib.EMA(candles.close, 50)[-1])


def test_a_stochastic_without_movement_is_fifty() -> None:
    flat = np.full(30, 100.0)
    k, d = fast_stochastic(flat, flat, flat, 5, 3)
    assert (k[-1], d[-1]) == (50, 50)
