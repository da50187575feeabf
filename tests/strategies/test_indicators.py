"""Indicators: what they say where nothing moves, where a value is met exactly, and where rows are few."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as some
from numpy.typing import NDArray

from bots.strategies import indicators
from bots.strategies.indicators import Column, adx, atr, ema, fast_stochastic, latest_highest, macd, rsi, sma

EVERY: dict[str, Callable[[Column, Column, Column], Any]] = {
    "rsi": lambda high, low, close: rsi(close, 5),
    "ema": lambda high, low, close: ema(close, 5),
    "sma": lambda high, low, close: sma(close, 5),
    "macd": lambda high, low, close: macd(close, 3, 5, 2),
    "atr": lambda high, low, close: atr(high, low, close, 5),
    "adx": lambda high, low, close: adx(high, low, close, 5),
    "highest": lambda high, low, close: indicators.highest_before(high, 5),
    "lowest": lambda high, low, close: indicators.lowest_before(low, 5),
    "earlier": lambda high, low, close: indicators.earlier(close, 5),
    "stochastic": lambda high, low, close: fast_stochastic(high, low, close, 5, 3),
}


def walk(count: int = 400, seed: int = 7) -> tuple[Column, Column, Column]:
    """High, low and close on a tick of 0.01."""
    chance = np.random.default_rng(seed)
    close = np.round(100 + np.cumsum(chance.normal(0, 0.2, count)), 2)
    return close + np.round(chance.random(count), 2), close - np.round(chance.random(count), 2), close


def then_still(count: int, moved: int = 400) -> tuple[Column, Column, Column]:
    """A walk that stops at its last price."""
    high, low, close = walk(moved)
    flat = np.full(count, close[-1])
    return np.append(high, flat), np.append(low, flat), np.append(close, flat)


def columns_of(found: Any) -> tuple[Column, ...]:
    return found if isinstance(found, tuple) else (found,)


@pytest.mark.parametrize("name", EVERY)
def test_few_rows_are_as_long_as_they_came_and_unknown(name: str) -> None:
    high, low, close = walk()
    whole = columns_of(EVERY[name](high, low, close))
    for count in range(30):
        short = columns_of(EVERY[name](high[:count], low[:count], close[:count]))
        for column, known in zip(short, whole, strict=True):
            assert len(column) == count
            said = ~np.isnan(column)
            np.testing.assert_array_equal(column[said], known[:count][said])
            assert not said[:4].any(), "five candles are the least that any of them needs"
    assert all(np.isfinite(column[30:]).all() for column in whole)


@pytest.mark.parametrize("name", EVERY)
def test_what_never_moves_is_known_too(name: str) -> None:
    still = np.full(60, 250.01)
    expected = {"rsi": 50.0, "stochastic": 50.0, "macd": 0.0, "atr": 0.0, "adx": 0.0}
    for column in columns_of(EVERY[name](still, still, still)):
        assert column[-1] == expected.get(name, 250.01)


def test_an_rsi_forgets_moves_from_before_a_still_stretch() -> None:
    """The ratio of moves that have all but decayed is no movement: a live window does not hold them."""
    _, _, close = then_still(100)
    line = rsi(close, 14)
    assert line[412] != 50.0, "one of the last fourteen candles moved"
    assert set(line[413:]) == {50.0}
    assert rsi(np.append(close, close[-1] + 0.01), 14)[-1] > 90


def test_an_rsi_of_nothing_but_falls_is_zero_and_no_stillness() -> None:
    assert rsi(np.linspace(100, 50, 40), 14)[-1] == 0.0


def test_an_adx_sinks_while_nothing_moves() -> None:
    high, low, close = then_still(300)
    line = adx(high, low, close, 14)
    assert line[412] > 5
    assert line[-1] < 1e-4
    assert talib.ADX(high, low, close, timeperiod=14)[-1] > 5, "what TA-Lib says of moves long gone"


@pytest.mark.parametrize("period", [2, 3, 14, 50])
def test_an_adx_of_what_moves_is_ta_libs(period: int) -> None:
    high, low, close = walk()
    expected = talib.ADX(high, low, close, timeperiod=period)
    np.testing.assert_allclose(adx(high, low, close, period), expected, atol=1e-6)


def test_averages_of_one_price_are_that_price() -> None:
    """However long ago and how wildly it moved before: neither over it nor under it."""
    high, low, close = then_still(1100, moved=50_000)
    for period in (9, 21, 200, 1000):
        assert sma(close, period)[-1] == close[-1]
    for period in (9, 21):
        assert ema(close, period)[-1] == close[-1]
    assert [column[-1] for column in macd(close, 12, 26, 9)] == [0, 0]
    assert atr(high, low, close, 14)[-1] == 0


@pytest.mark.parametrize("scale", [1e-12, 1e-5, 1.0, 98765.0])
def test_a_mean_that_is_met_is_met_exactly(scale: float) -> None:
    """Two prices in turn, and one between them: mathematically their mean, whatever came before."""
    before = np.random.default_rng(3).normal(5, 1, 100_000).clip(1) * scale
    turns = np.tile([4 * scale, 6 * scale], 10)
    assert sma(np.append(before, turns), 20)[-1] == pytest.approx(5 * scale, rel=1e-15)


def test_volumes_may_all_be_nothing() -> None:
    assert sma(np.zeros(30), 20)[-1] == 0
    assert sma(np.append(np.random.default_rng(3).random(1000) * 1e6, np.zeros(20)), 20)[-1] == 0


def naively_latest_highest(values: Column, period: int) -> list[int]:
    rows = range(len(values))
    return [
        max(range(row - period + 1, row + 1), key=lambda one: (values[one], one)) if row >= period - 1 else -1
        for row in rows
    ]


@given(some.lists(some.integers(1, 6), max_size=40), some.integers(2, 12))
def test_the_latest_highest_is_the_naive_one(highs: list[int], period: int) -> None:
    values: NDArray[np.float64] = np.array(highs, dtype=np.float64)
    assert latest_highest(values, period).tolist() == naively_latest_highest(values, period)


@pytest.mark.parametrize("period", [2, 24, 240])
def test_the_latest_highest_of_a_long_walk_with_still_stretches(period: int) -> None:
    high, _, _ = then_still(300, moved=500)
    for values in (high, high[::-1].copy(), np.sort(high), np.sort(high)[::-1].copy(), np.round(high)):
        assert latest_highest(values, period).tolist() == naively_latest_highest(values, period)
