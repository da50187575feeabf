"""The next candle that reaches a level, found through blocks, is the one a plain search finds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.backtest.extremes import BLOCK, INFINITE, Extremes

PRICES = st.integers(1, 60)


def plainly(low: list[int], high: list[int], start: int, below: float, above: float, end: int) -> int:
    for row in range(start, end):
        if low[row] <= below or high[row] >= above:
            return row
    return end


def extremes(low: list[int], high: list[int]) -> Extremes:
    return Extremes(np.array(low, dtype=np.float64), np.array(high, dtype=np.float64))


@given(st.lists(st.tuples(PRICES, PRICES), min_size=1, max_size=400), st.data())
def test_it_finds_what_a_plain_search_finds(pairs: list[tuple[int, int]], chance: st.DataObject) -> None:
    low, high = [min(pair) for pair in pairs], [max(pair) for pair in pairs]
    start = chance.draw(st.integers(0, len(pairs) - 1))
    end = chance.draw(st.integers(start, len(pairs)))
    below = chance.draw(st.one_of(st.just(-INFINITE), st.integers(-1, 12).map(float)))
    above = chance.draw(st.one_of(st.just(INFINITE), st.integers(48, 62).map(float)))
    assert extremes(low, high).next(start, below, above, end) == plainly(low, high, start, below, above, end)


@pytest.mark.parametrize("count", [1, 2, BLOCK - 1, BLOCK, BLOCK + 1, BLOCK**2, BLOCK**2 + 1, BLOCK**2 * 3])
def test_the_last_candle_is_found_from_everywhere(count: int) -> None:
    low, high = [50] * count, [50] * count
    low[-1] = 1
    blocks = extremes(low, high)
    for start in {0, count // 2, max(count - BLOCK - 1, 0), count - 1}:
        assert blocks.next(start, 1.0, INFINITE, count) == count - 1
        assert blocks.next(start, 0.5, 51.0, count) == count


def test_a_level_that_is_just_touched_is_reached() -> None:
    blocks = extremes([10, 9, 8], [10, 11, 12])
    assert blocks.next(0, 8.0, INFINITE, 3) == 2
    assert blocks.next(0, -INFINITE, 11.0, 3) == 1
