"""Wakes put together, put on the tick, and told apart from where the price is."""

import itertools
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.strategies.base import Wake, marked
from bots.strategies.wakes import NO_WAKE, nearest, on_tick, reached, turns
from tests.strategies.dcas import market

D = Decimal

prices = st.none() | st.integers(1, 9).map(Decimal)
marks = st.sampled_from(["", "buy", "dips"])
wakes = st.builds(
    Wake,
    below=prices,
    above=prices,
    at=st.none() | st.integers(1, 9),
    candle=st.sampled_from([None, "1h"]),
    mark=marks,
    peak=prices,
    trough=prices,
)


def shows(wake: Wake, mark: str) -> bool:
    """Whether a candle with this mark, and no other, is shown."""
    return wake.candle is not None and wake.mark in ("", mark)


@given(one=wakes, other=wakes, price=st.integers(0, 10).map(Decimal))
def test_what_wakes_either_wakes_both_together(one: Wake, other: Wake, price: Decimal) -> None:
    both = nearest(one, other)
    assert reached(both, price) is (reached(one, price) or reached(other, price))
    times = [wake.at for wake in (one, other) if wake.at is not None]
    assert both.at == min(times, default=None)
    for mark in ("buy", "dips"):
        if shows(one, mark) or shows(other, mark):
            assert shows(both, mark)
    if one.candle is None and other.candle is None:
        assert both.candle is None


@given(wake=wakes)
def test_nothing_to_wait_for_changes_no_wake(wake: Wake) -> None:
    for both in (nearest(NO_WAKE, wake), nearest(wake, NO_WAKE)):
        assert both == wake or wake.candle is None, "a mark says nothing where no candle is asked for"
        assert (both.below, both.above, both.at, both.candle) == (
            wake.below, wake.above, wake.at, wake.candle,
        )  # fmt: skip
        assert (both.peak, both.trough) == (wake.peak, wake.trough)


def test_the_nearer_of_two_prices_on_each_side() -> None:
    one = Wake(below=D(90), above=D(120), at=5, peak=D(111), trough=D(95))
    other = Wake(below=D(80), above=D(110), at=9, peak=D(105), trough=D(97))
    assert nearest(one, other) == Wake(below=D(90), above=D(110), at=5, peak=D(105), trough=D(97))


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (Wake(candle="1h", mark="buy"), Wake(candle="1h", mark="buy"), "buy"),
        (Wake(candle="1h", mark="buy"), Wake(candle="1h", mark="dips"), ""),
        (Wake(candle="1h", mark="buy"), Wake(candle="1h"), ""),
        (Wake(candle="1h", mark="buy"), Wake(below=D(90)), "buy"),
        (Wake(below=D(90)), Wake(candle="1h", mark="buy"), "buy"),
        (Wake(below=D(90), mark="old"), Wake(candle="1h", mark="buy"), "buy"),
    ],
)
def test_two_marks_show_every_candle_and_one_alone_is_kept(one: Wake, other: Wake, together: str) -> None:
    both = nearest(one, other)
    assert (both.candle, both.mark) == ("1h", together)


@pytest.mark.parametrize(
    ("value", "is_mark"), [(1.0, True), (-0.5, True), (0.0, False), (-0.0, False), (float("nan"), False)]
)
def test_a_mark_is_neither_zero_nor_unknown(value: float, is_mark: bool) -> None:
    assert marked(value) is is_mark


def test_prices_on_the_tick_are_those_truly_reached() -> None:
    wake = Wake(below=D("99.999"), above=D("100.001"), at=7, candle="1h", mark="buy", peak=D("100.0001"))
    ticked = on_tick(wake, market(tick="0.01"))
    assert (ticked.below, ticked.above) == (D("99.99"), D("100.01"))
    assert (ticked.at, ticked.candle, ticked.mark, ticked.peak) == (7, "1h", "buy", D("100.0001"))


def test_a_price_under_the_first_tick_is_none() -> None:
    on = market(tick="0.01")
    assert on_tick(Wake(below=D("0.009"), above=D("0.001")), on) == Wake(above=D("0.01"))
    assert on_tick(Wake(at=7, trough=D(0)), on) == Wake(at=7, trough=D(0))


@pytest.mark.parametrize(
    ("wake", "last", "there"),
    [
        (Wake(below=D(90)), 90, True),
        (Wake(below=D(90)), 91, False),
        (Wake(above=D(110)), 110, True),
        (Wake(above=D(110)), 109, False),
        (Wake(peak=D(110)), 110, False),
        (Wake(peak=D(110)), 111, True),
        (Wake(trough=D(90)), 90, False),
        (Wake(trough=D(90)), 89, True),
        (Wake(at=1, candle="1h", mark="buy"), 100, False),
    ],
)
def test_a_price_is_reached_at_its_level_and_a_turning_point_beyond_it(
    wake: Wake, last: int, there: bool
) -> None:
    assert reached(wake, D(last)) is there


def test_a_way_turns_over_the_peak_or_under_the_trough() -> None:
    for peak, trough in itertools.product((None, D(110)), (None, D(90))):
        assert turns(peak, trough, D(111)) is (peak is not None)
        assert turns(peak, trough, D(89)) is (trough is not None)
        assert turns(peak, trough, D(100)) is False
