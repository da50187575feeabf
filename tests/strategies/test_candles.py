"""Candles cut, and put together into longer ones."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.strategies.base import Candles
from bots.strategies.candles import grouped, part

D = Decimal
MINUTE, HOUR = 60_000, 3_600_000
COLUMNS = ("at", "open", "high", "low", "close", "volume")


def candles_at(minutes: list[int], seed: int = 1) -> Candles:
    chance = np.random.default_rng(seed)
    close = chance.integers(90, 110, len(minutes)).astype(np.float64)
    opened = chance.integers(90, 110, len(minutes)).astype(np.float64)
    high, low = np.maximum(opened, close) + 1, np.minimum(opened, close) - 1
    volume = chance.integers(0, 9, len(minutes)).astype(np.float64)
    return Candles(np.array(minutes, dtype=np.int64) * MINUTE, opened, high, low, close, volume)


def rows(candles: Candles) -> list[tuple[Any, ...]]:
    columns = (getattr(candles, name).tolist() for name in COLUMNS)
    return list(zip(*columns, strict=True))


def naively_grouped(candles: Candles, length_ms: int, until: int) -> list[tuple[Any, ...]]:
    buckets: dict[int, list[tuple[Any, ...]]] = {}
    for row in rows(candles):
        buckets.setdefault(row[0] // length_ms * length_ms, []).append(row)
    found = []
    for at, inside in buckets.items():
        if at + length_ms <= until and not (at < candles.at[0]):
            found.append((
                at,
                inside[0][1],
                max(row[2] for row in inside),
                min(row[3] for row in inside),
                inside[-1][4],
                sum(row[5] for row in inside),
            ))  # fmt: skip
    return found


def test_an_hour_of_minutes_is_one_candle() -> None:
    candles = candles_at(list(range(60, 180)))
    first, second = rows(grouped(candles, HOUR, until=180 * MINUTE))
    assert first == (
        60 * MINUTE,
        candles.open[0],
        candles.high[:60].max(),
        candles.low[:60].min(),
        candles.close[59],
        candles.volume[:60].sum(),
    )
    assert second[0] == 120 * MINUTE


@pytest.mark.parametrize(("began", "hours"), [(60, [60, 120]), (61, [120]), (119, [120]), (120, [120])])
def test_the_first_candle_only_when_it_is_whole(began: int, hours: list[int]) -> None:
    found = grouped(candles_at(list(range(began, 180))), HOUR, until=180 * MINUTE)
    assert found.at.tolist() == [hour * MINUTE for hour in hours]


@pytest.mark.parametrize(("until", "hours"), [(180, [60, 120]), (179, [60]), (119, []), (240, [60, 120])])
def test_the_last_candle_only_when_its_time_is_over(until: int, hours: list[int]) -> None:
    found = grouped(candles_at(list(range(60, 180))), HOUR, until=until * MINUTE)
    assert found.at.tolist() == [hour * MINUTE for hour in hours]


def test_an_hour_with_gaps_in_it_counts_and_an_hour_without_candles_is_not_there() -> None:
    candles = candles_at([60, 61, 90, 185, 239])
    found = grouped(candles, HOUR, until=240 * MINUTE)
    assert found.at.tolist() == [60 * MINUTE, 180 * MINUTE]
    assert found.open.tolist() == [candles.open[0], candles.open[3]]
    assert found.close.tolist() == [candles.close[2], candles.close[4]]


def test_no_candles_are_no_candles() -> None:
    assert len(grouped(candles_at([]), HOUR, until=HOUR)) == 0


@given(
    minutes=st.sets(st.integers(0, 400), min_size=1).map(sorted),
    length=st.sampled_from([5, 60]),
    until=st.integers(0, 500),
)
def test_grouping_is_the_naive_one(minutes: list[int], length: int, until: int) -> None:
    candles = candles_at(minutes)
    found = grouped(candles, length * MINUTE, until * MINUTE)
    assert rows(found) == naively_grouped(candles, length * MINUTE, until * MINUTE)


@given(count=st.integers(0, 20), first=st.integers(0, 25), end=st.integers(0, 25))
def test_a_part_holds_its_rows_in_every_column(count: int, first: int, end: int) -> None:
    candles = candles_at(list(range(count)))
    cut = part(candles, first, end)
    assert rows(cut) == rows(candles)[first:end]
    assert len(cut) == len(rows(candles)[first:end])
