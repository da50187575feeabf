"""Buy and hold, and the even DCA: what doing almost nothing would have earned."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots.backtest.record import Record
from bots.backtest.yardsticks import EVEN_DCA, HOLD, Yardstick, yardsticks_of
from bots.strategies.base import Candles
from bots.strategies.candles import part
from bots.strategies.limits import DAY_MS, HOUR_MS
from orders.rules import FeeIn, Market
from tests.backtest.records import BEGAN, D, candles_of, market, record_of

FREE = market()


def idle(candles: Candles, *, on: Market = FREE, every_ms: int = DAY_MS) -> Record:
    """A bot that did nothing with 1,000 over the time of `candles`."""
    return record_of([], since=int(candles.at[0]), until=int(candles.at[-1]) + every_ms, on=on)


def measured(candles: Candles, *, on: Market = FREE, every_ms: int = DAY_MS) -> tuple[Yardstick, Yardstick]:
    return yardsticks_of(idle(candles, on=on, every_ms=every_ms), candles)


def test_holding_follows_the_price_from_the_first_open_to_the_last_close() -> None:
    hold, _ = measured(candles_of([(100, 90), (95, 120), (118, 125)]))
    assert (hold.name, hold.end_equity, hold.profit, hold.profit_pct) == (HOLD, D(1250), D(250), 25)


def test_the_even_dca_buys_an_equal_part_at_the_open_of_each_day() -> None:
    _, even = measured(candles_of([(100, 90), (50, 60), (80, 100)]))
    # 333.33 at 100, at 50 and at 80 are 14.1667 base
    assert even.name == EVEN_DCA
    assert even.end_equity == pytest.approx(D("1416.666666666666667"), abs=D("1e-15"))
    assert even.profit == even.end_equity - 1000
    assert even.profit_pct == pytest.approx(41.6667, abs=1e-4)


@pytest.mark.parametrize(
    ("fee_in", "end"), [(FeeIn.QUOTE, D(1000) / D("1.001")), (FeeIn.RECEIVED, D(1000) * D("0.999"))]
)
def test_a_purchase_pays_the_taker_fee_where_the_market_takes_it(fee_in: FeeIn, end: Decimal) -> None:
    for one in measured(candles_of([(100, 100), (100, 100)]), on=market(fee="0.001", fee_in=fee_in)):
        assert one.end_equity == pytest.approx(end, abs=D("1e-18"))
        assert one.max_drawdown_pct == pytest.approx(float(1 - end / 1000) * 100)


def test_the_drawdown_is_looked_at_each_midnight_and_at_the_end() -> None:
    hold, even = measured(candles_of([(100, 200), (200, 150), (150, 190), (190, 140)]))
    assert hold.max_drawdown_pct == pytest.approx(30)
    # 1250, 1062.5, then 5.41667 of the base and 250; at the end 6.73246 of the base
    peak, end = (2.5 + 1.25 + 250 / 150) * 190 + 250, (2.5 + 1.25 + 250 / 150 + 250 / 190) * 140
    assert even.max_drawdown_pct == pytest.approx((1 - end / peak) * 100)


def test_a_market_that_only_rises_has_no_drawdown() -> None:
    for one in measured(candles_of([(100, 110), (110, 120), (120, 130)])):
        assert one.max_drawdown_pct == 0


def test_a_start_at_noon_buys_at_once_and_then_at_midnight() -> None:
    hours = candles_of([(100, 100)] * 12 + [(50, 50)] * 24, since=BEGAN + 12 * HOUR_MS, every_ms=HOUR_MS)
    _, even = measured(hours, every_ms=HOUR_MS)
    assert even.end_equity == D(500) / 100 * 50 + D(500)


def test_a_day_without_candles_buys_nothing() -> None:
    candles = candles_of([(100, 100), (80, 80), (50, 50), (100, 100)])
    kept = np.array([0, 1, 3])
    gapped = Candles(*(getattr(candles, name)[kept] for name in Candles.__struct_fields__))
    _, even = measured(gapped)
    assert even.end_equity == pytest.approx(D(1000) / 3 * (1 + D("1.25") + 1), abs=D("1e-15"))


def test_candles_before_and_after_the_backtest_do_not_count() -> None:
    candles = candles_of([(1, 1), (100, 110), (110, 120), (7, 7)])
    lived = part(candles, 1, 3)
    assert yardsticks_of(idle(lived), candles) == yardsticks_of(idle(lived), lived)


def test_candles_of_another_time_are_refused() -> None:
    with pytest.raises(ValueError, match="none of the time"):
        yardsticks_of(record_of([], until=BEGAN + DAY_MS), candles_of([(1, 1)], since=BEGAN - 9 * DAY_MS))


def test_candles_may_lie_in_a_file(tmp_path: Path) -> None:
    candles = candles_of([(100, 90), (50, 60), (80, 100)])
    path = tmp_path / "columns.npy"
    np.save(path, np.array([getattr(candles, name) for name in Candles.__struct_fields__]))
    table: Any = np.load(path, mmap_mode="r")
    mapped = Candles(table[0].astype(np.int64), *table[1:])
    assert measured(mapped) == measured(candles)


def naive_even_dca(prices: list[tuple[float, float]], per_day: int) -> tuple[Decimal, float]:
    """End equity, and the drawdown in percent, one candle after the other."""
    days = -(-len(prices) // per_day)
    cash, held = D(1000), D(0)
    marks = [cash]
    for number, (opened, closed) in enumerate(prices):
        if number % per_day == 0:
            held += D(1000) / days / D(str(opened))
            cash -= D(1000) / days
        if (number + 1) % per_day == 0 or number == len(prices) - 1:
            marks.append(cash + held * D(str(closed)))
    worst = max(1 - later / earlier for row, earlier in enumerate(marks) for later in marks[row:])
    return marks[-1], float(worst * 100)


prices = st.floats(0.5, 500).map(lambda price: round(price, 2))


@settings(max_examples=25)
@given(st.lists(st.tuples(prices, prices), min_size=1, max_size=12))
def test_the_even_dca_is_that_of_a_plain_loop(rows: list[tuple[float, float]]) -> None:
    every_ms = DAY_MS // 4
    _, even = measured(candles_of(rows, every_ms=every_ms), every_ms=every_ms)
    end, drawdown = naive_even_dca(rows, per_day=4)
    assert even.end_equity == pytest.approx(end, abs=D("1e-15"))
    assert even.max_drawdown_pct == pytest.approx(drawdown, abs=1e-9)
