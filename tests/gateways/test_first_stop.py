"""Where a price on its way first meets a level: just reaching it is meeting it."""

from decimal import Decimal

import pytest

from orders.gateways.lockstep import Levels, first_stop

D = Decimal


@pytest.mark.parametrize(
    ("levels", "price", "target", "stop"),
    [
        (Levels(below=D(99)), 100, 99, 99),
        (Levels(below=D(98)), 100, 99, None),
        (Levels(below=D(100)), 100, 99, None),
        (Levels(above=D(101)), 100, 101, 101),
        (Levels(above=D(102)), 100, 101, None),
        (Levels(above=D(100)), 100, 101, None),
        (Levels(buy_trigger=D(99)), 100, 99, 99),
        (Levels(sell_trigger=D(101)), 100, 101, 101),
        (Levels(buy_trigger=D(97), below=D(98)), 100, 95, 98),
        (Levels(sell_trigger=D(102), above=D(103)), 100, 105, 102),
        (Levels(buy_trigger=D(101)), 100, 105, 100),
        (Levels(sell_trigger=D(99)), 100, 95, 100),
        (Levels(peak=D(100), trough=D(100)), 100, 105, None),
    ],
)
def test_the_first_level_on_the_way(levels: Levels, price: int, target: int, stop: int | None) -> None:
    assert first_stop(D(price), D(target), levels) == (None if stop is None else D(stop))


def test_a_way_turns_where_it_ends_beyond_what_was_known() -> None:
    levels = Levels(peak=D(100), trough=D(90))
    assert levels.turned(D(101))
    assert levels.turned(D(89))
    assert not levels.turned(D(100))
    assert not levels.turned(D(90))
