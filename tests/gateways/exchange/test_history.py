"""Past candles page by page: what is asked for, what is left out and counted, and where it ends."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.gateways.exchange.history import (
    OFF_GRID,
    OUT_OF_ORDER,
    TWICE,
    UNREADABLE,
    Endless,
    Past,
    Wanted,
    joined,
    missing,
    next_missing,
    page_of,
    pages,
)

MINUTE = 60_000
TEN = Wanted(0, 10 * MINUTE, MINUTE)
Row = list[Any]


def row(minute: float, price: str = "10", **changes: Any) -> Row:
    """A flat candle, told in texts as the client does."""
    columns = {"open": price, "high": price, "low": price, "close": price, "volume": "1"} | changes
    return [int(minute * MINUTE), *columns.values()]


def rows(*minutes: int) -> list[Row]:
    return [row(minute) for minute in minutes]


class Told:
    """An exchange that has candles of these minutes, and remembers where pages began (in minutes)."""

    def __init__(self, minutes: Sequence[int], page: int, *, windowed: bool = False) -> None:
        self.minutes, self.past = minutes, Past(page, windowed)
        self.asked: list[int] = []

    def __call__(self, at: int) -> list[Row]:
        start = at // MINUTE
        self.asked.append(start)
        later = [minute for minute in self.minutes if minute >= start]
        if self.past.windowed:
            later = [minute for minute in later if minute < start + self.past.page]
        return rows(*later[: self.past.page])

    def minutes_of(self, wanted: Wanted, have: Sequence[int] = ()) -> list[int]:
        found = pages(self, wanted, self.past, np.array(have, dtype=np.int64) * MINUTE)
        return [int(at) // MINUTE for at in joined([page.candles for page in found]).at]


def test_pages_follow_each_other_until_the_end() -> None:
    told = Told(range(20), page=4)
    assert told.minutes_of(TEN) == list(range(10))
    assert told.asked == [0, 4, 8]


def test_what_is_there_already_is_not_asked_for_again() -> None:
    told = Told(range(20), page=4)
    assert told.minutes_of(TEN, have=[0, 1, 2, 3, 4, 8]) == [5, 6, 7, 8, 9]
    assert told.asked == [5, 9]
    assert Told(range(20), page=4).minutes_of(TEN, have=range(12)) == []


def test_an_exchange_that_goes_on_to_its_next_candle_is_followed() -> None:
    told = Told([7, 8, 30], page=4)
    assert told.minutes_of(TEN) == [7, 8]
    assert told.asked == [0, 9]


def test_an_exchange_without_later_candles_is_not_asked_further() -> None:
    told = Told([0, 1], page=4)
    assert told.minutes_of(TEN) == [0, 1]
    assert told.asked == [0, 2]


def test_an_exchange_whose_candles_begin_later_is_asked_once() -> None:
    told = Told(range(30, 40), page=4)
    assert told.minutes_of(TEN) == []
    assert told.asked == [0]


def test_an_empty_window_is_passed_over() -> None:
    told = Told([9], page=2, windowed=True)
    assert told.minutes_of(TEN) == [9]
    assert told.asked == [0, 2, 4, 6, 8]


def test_a_long_silence_may_be_skipped() -> None:
    told = Told([9], page=2, windowed=True)
    found = list(pages(told, TEN, told.past, skip=lambda at: 8 * MINUTE))
    assert [len(page.candles) for page in found] == [0, 1]
    assert told.asked == [0, 8]


def test_a_page_of_rubbish_is_passed_over_and_counted() -> None:
    def ask(at: int) -> list[Row]:
        return [row(minute, "0") for minute in range(4)] if at == 0 else rows(4, 5, 6, 7, 8, 9)

    found = list(pages(ask, TEN, Past(4)))
    assert [page.dropped.total() for page in found] == [4, 0]
    assert (found[1].candles.at // MINUTE).tolist() == [4, 5, 6, 7, 8, 9]


def test_an_exchange_that_tells_one_candle_at_a_time_is_given_up() -> None:
    def ask(at: int) -> list[Row]:
        return [row(at / MINUTE)]

    with pytest.raises(Endless):
        list(pages(ask, Wanted(0, 1_000_000 * MINUTE, MINUTE), Past(1_000)))


@pytest.mark.parametrize(
    ("rubbish", "reason"),
    [
        (row(1, "nan"), UNREADABLE),
        (row(1, "inf"), UNREADABLE),
        (row(1, high=None), UNREADABLE),
        (row(1, high="much"), UNREADABLE),
        (row(1)[:4], UNREADABLE),
        (None, UNREADABLE),
        (row(1, "0"), "a price must be above zero."),
        (row(1, "-5"), "a price must be above zero."),
        (row(1, "1e300"), "a price must be between 1e-12 and 1e+15."),
        (row(1, high="9", low="11"), "the high is below the low."),
        (row(1, high="9", low="8"), "the open is not between low and high."),
        (row(1, volume="-1"), "the volume is negative."),
        (row(0.5), OFF_GRID),
        (row(0), TWICE),
    ],
)
def test_a_row_that_is_no_candle_is_left_out_and_counted(rubbish: Any, reason: str) -> None:
    page = page_of([row(0), rubbish, row(2)], TEN)
    assert (page.candles.at // MINUTE).tolist() == [0, 2]
    assert dict(page.dropped) == {reason: 1}


def test_rows_in_the_wrong_order_are_left_out() -> None:
    page = page_of(rows(0, 3, 2, 3, 4), TEN)
    assert (page.candles.at // MINUTE).tolist() == [0, 3, 4]
    assert dict(page.dropped) == {OUT_OF_ORDER: 1, TWICE: 1}


def test_a_good_row_stands_after_a_bad_one_of_the_same_time() -> None:
    page = page_of([row(0), row(1, "0"), row(1, "7")], TEN)
    assert page.candles.close.tolist() == [10, 7]


def test_what_is_not_finished_or_older_is_no_rubbish() -> None:
    page = page_of([row(1), row(3), row(5)], Wanted(2 * MINUTE, 5 * MINUTE, MINUTE))
    assert (page.candles.at // MINUTE).tolist() == [3]
    assert not page.dropped
    assert not page.beyond
    assert page_of([row(5)], Wanted(0, 5 * MINUTE, MINUTE)).beyond


def test_prices_are_the_floats_nearest_to_what_was_written() -> None:
    page = page_of([row(0, "0.000012345678901234")], TEN)
    assert page.candles.close[0] == 0.000012345678901234
    assert page.candles.at.dtype == np.int64


def test_missing_candles_are_told_with_their_beginning_and_end() -> None:
    have = np.array([2, 3, 6, 12], dtype=np.int64) * MINUTE
    told = [(gap.start // MINUTE, gap.end // MINUTE, gap.missing) for gap in missing(have, TEN)]
    assert told == [(0, 1, 2), (4, 5, 2), (7, 9, 3)]
    assert missing(np.arange(10, dtype=np.int64) * MINUTE, TEN) == ()


@given(st.sets(st.integers(0, 30)), st.integers(0, 30))
def test_the_next_missing_time_is_the_first_that_is_not_there(have: set[int], at: int) -> None:
    times = np.array(sorted(have), dtype=np.int64) * MINUTE
    expected = next(minute for minute in range(at, 40) if minute not in have)
    assert next_missing(times, at * MINUTE, MINUTE) == expected * MINUTE


@given(
    there=st.sets(st.integers(0, 60)),
    have=st.sets(st.integers(0, 60)),
    page=st.integers(1, 12),
    windowed=st.booleans(),
)
def test_whatever_is_there_comes_exactly_once(
    there: set[int], have: set[int], page: int, windowed: bool
) -> None:
    """What the exchange has and we have not arrives, whichever way it pages; nothing arrives twice."""
    told = Told(sorted(there), page, windowed=windowed)
    wanted = Wanted(5 * MINUTE, 50 * MINUTE, MINUTE)
    came = told.minutes_of(wanted, have=sorted(have))
    inside = {minute for minute in there if 5 <= minute < 50}
    assert set(came) | (have & inside) == inside
    assert len(came) == len(set(came))
    assert came == sorted(came)
