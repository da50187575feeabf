"""When a dip is bought: the fall, its filters, the rebound, and one episode at a time."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from bots.strategies.base import Candles, Role, SignalRow
from bots.strategies.indicators import latest_highest, rsi
from orders.rules import OrderKind
from tests.strategies.dips import AT_ONCE, BEGAN, HOUR_MS, bot, candle, deal_of, dip, entered, memory_of
from tests.strategies.playground import Playground

D = Decimal
NAN = float("nan")


def buys(playground: Playground) -> list[str]:
    return [fill.slot for fill in playground.all_fills]


def closed_again(**chosen: Any) -> Playground:
    """The dip at 94.9 was bought and sold 4 % higher; the price is back."""
    playground = entered(**{"max_buys": 1, "take_profits": [{"profit_pct": 4, "share_pct": 100}], **chosen})
    playground.move("98.80", "94.9")
    assert memory_of(playground).deal is None
    return playground


@pytest.mark.parametrize(("close", "enters"), [("94.9", True), ("95", True), ("95.01", False)])
def test_v_dip_1_a_fall_of_five_percent_enters(close: Any, enters: Any) -> None:
    playground = bot(price=close, **AT_ONCE)
    assert playground.plan.wake.candle == "1h"
    playground.look(candle=candle(close))
    assert (buys(playground) == ["deal-1/buy-1"]) is enters


def test_v_dip_3_a_rebound_of_half_a_percent_is_waited_for() -> None:
    playground = bot(price="94.9", **{**AT_ONCE, "rebound_pct": "0.5"})
    playground.look(candle=candle("94.9"))
    playground.move("94.5", "94", "94.46")
    assert buys(playground) == []
    assert playground.plan.wake.above == D("94.47")
    playground.move("94.47")
    assert buys(playground) == ["deal-1/buy-1"]


def test_the_low_of_the_arming_candle_counts_and_the_dip_is_not_asked_again() -> None:
    playground = bot(price="96", **{**AT_ONCE, "rebound_pct": "0.5"})
    playground.look(candle=candle("94.9", low=94.0))
    assert buys(playground) == ["deal-1/buy-1"], "96 is over 94.47, though only 4 % under the high"


def test_a_rebound_deeper_than_the_deepest_dip_is_not_bought() -> None:
    playground = bot(price="94", **{**AT_ONCE, "rebound_pct": "0.5", "max_dip_pct": 10})
    playground.look(candle=candle("94"))
    playground.move("80", "89.99")
    assert buys(playground) == []
    playground.move("90")
    assert buys(playground) == ["deal-1/buy-1"]


def test_the_window_of_candles_is_measured_to_its_latest_high() -> None:
    high = np.array([1.0, 5, 5, 2, 3, 3, 1])
    assert latest_highest(high, 3).tolist() == [-1, -1, 2, 2, 2, 5, 5]
    assert latest_highest(high, 9).tolist() == [-1] * 7
    strategy = dip(lookback=3, knife_candles=2, trend_sma=2, rsi_period=2)
    at = np.arange(7, dtype=np.int64) * HOUR_MS + BEGAN
    close = high - 0.5
    found = strategy.prepare(Candles(at, close, high, close - 0.5, close, np.ones(7)))
    row = found.row(6)
    assert (row["high"], row["high_at"], row["top"], row["low"]) == (3.0, at[5], 1.0, 0.0)
    assert (row["before"], row["sma"]) == (2.5, 1.5)
    assert np.isnan(found.row(1)["high"])
    assert (strategy.timeframe, strategy.candles_needed) == ("1h", 60)


def test_the_candles_are_those_of_the_timeframe() -> None:
    playground = bot(price="94.9", timeframe="4h", **{**AT_ONCE, "rebound_pct": "0.5", "lookback": 3})
    assert (playground.strategy.timeframe, playground.plan.wake.candle) == ("4h", "4h")
    playground.look(candle=candle("94.9"))
    playground.look(candle=candle("94.9", 11))
    assert armed(playground)
    playground.look(candle=candle("94.9", 12))
    assert not armed(playground), "three candles of four hours are over"


def armed(playground: Playground) -> bool:
    episode = memory_of(playground).episode
    return episode is not None and episode.armed


def test_what_is_off_needs_no_candles() -> None:
    assert dip(rsi_max=0, knife_candles=0).candles_needed == 24
    assert dip(rsi_max=0, knife_candles=50).candles_needed == 51
    assert dip().candles_needed == 420
    assert dip(trend_sma=800).candles_needed == 800


def test_v_rsi_1_wilders_rsi_of_fourteen() -> None:
    text = (
        "44.34 44.09 44.15 43.61 44.33 44.83 45.10 45.42 45.84 46.08 45.89 46.03 45.61 46.28 46.28 46.00 "
        "46.03 46.41 46.22 45.64"
    )
    close = np.array([float(one) for one in text.split()])
    expected = [70.4641, 66.2496, 66.4809, 69.3469, 66.2947, 57.9150]
    assert rsi(close, 14)[14:] == pytest.approx(expected, abs=0.0001)


@pytest.mark.parametrize(
    ("chosen", "values", "word"),
    [
        ({}, {"rsi": 30.1}, "RSI 30.1 is over 30"),
        ({}, {"rsi": NAN}, "not enough yet"),
        ({"trend_sma": 50}, {"sma": 94.9}, "its average of 50"),
        ({"trend_sma": 50}, {"sma": NAN}, "not enough yet"),
        ({}, {"before": 103.2}, "falling knife"),
        ({"max_dip_pct": "5.05"}, {}, "deeper than 5.05 %"),
    ],
)
def test_a_filter_refuses_with_its_name_and_once(chosen: Any, values: Any, word: Any) -> None:
    playground = bot(price="94.9", **{**AT_ONCE, **chosen})
    for hour in range(3):
        playground.look(candle=candle("94.9", hour, **values))
    assert buys(playground) == []
    assert len([reason for reason in playground.reasons if word in reason]) == 1


def test_filters_at_their_edge_let_pass() -> None:
    playground = bot(price="94.3", **{**AT_ONCE, "trend_sma": 50})
    playground.look(candle=candle("94.3", rsi=30.0, sma=94.2, before=102.5))
    assert buys(playground) == ["deal-1/buy-1"]


def test_a_filter_that_is_off_has_no_column() -> None:
    strategy = dip(rsi_period=0, knife_drop_pct=0, trend_sma=0)
    ones = np.ones(30)
    found = strategy.prepare(Candles(np.arange(30, dtype=np.int64), ones, ones, ones, ones, ones))
    assert sorted(found.columns) == ["dips", "high", "high_at", "low", "top"]


def test_an_armed_dip_is_given_up_after_its_lookback() -> None:
    playground = bot(price="94.9", **{**AT_ONCE, "rebound_pct": "0.5", "lookback": 3})
    playground.look(candle=candle("94.9"))
    playground.move("94")
    for hour in (1, 2, 3):
        playground.look(candle=candle("94", hour))
    playground.move("94.6")
    playground.look(candle=candle("94.6", 4, high=99.9, high_at=float(BEGAN + HOUR_MS)))
    assert buys(playground) == [], "not because the high leaves the window"
    playground.look(candle=candle("94.6", 5, top=97.0))
    episode = memory_of(playground).episode
    assert episode is not None
    assert episode.armed, "half of the fall was made good: a new one"


def test_an_armed_dip_is_given_up_on_a_fresh_high() -> None:
    playground = bot(price="94.9", **{**AT_ONCE, "rebound_pct": "4"})
    playground.look(candle=candle("94.9"))
    playground.look(candle=candle("94.9", 1, top=100.1, high=100.1, high_at=float(BEGAN + HOUR_MS), rsi=50.0))
    assert memory_of(playground).episode is None
    playground.move("99")
    assert buys(playground) == []


def test_a_closed_deal_does_not_arm_again_until_half_the_fall_is_recovered() -> None:
    playground = closed_again()
    playground.look(candle=candle("94.9", 1))
    assert buys(playground).count("deal-2/buy-1") == 0
    playground.look(candle=candle("94.9", 2, top=97.44))
    assert buys(playground).count("deal-2/buy-1") == 0
    playground.look(candle=candle("94.9", 3, top=97.45))
    assert buys(playground).count("deal-2/buy-1") == 1


def test_the_recovery_is_seen_while_the_deal_is_open() -> None:
    playground = entered(max_buys=1)
    before = playground.plan.wake
    playground.look(candle=candle("97", 1, top=97.6))
    after = playground.plan.wake
    assert (before.candle, after.candle) == ("1h", None), "nothing is left to see"
    assert memory_of(playground).episode is None


def test_a_fresh_high_begins_anew() -> None:
    playground = closed_again(rearm_pct=100)
    playground.look(candle=candle("94.9", 2, high_at=float(BEGAN + 2 * HOUR_MS)))
    assert buys(playground).count("deal-2/buy-1") == 1, "an equal high that is later is another"


def test_rearm_zero_arms_after_every_closed_deal() -> None:
    playground = closed_again(rearm_pct=0)
    assert buys(playground).count("deal-2/buy-1") == 0, "not before a candle has closed"
    playground.look(candle=candle("94.9", 1))
    assert buys(playground).count("deal-2/buy-1") == 1


def test_an_entry_held_back_is_not_sent_on_an_old_signal() -> None:
    strategy = dip(**AT_ONCE)
    playground = Playground(strategy, price="94.9", cash=1_000, asked=False)
    held = strategy.decide(strategy.first_memory(), playground.seen(candle=candle("94.9")))
    order = held.orders["deal-1/buy-1"]
    assert (order.kind, order.role, order.price) == (OrderKind.MARKET, Role.ENTRY, None)
    later = strategy.decide(held.memory, playground.seen(candle=candle("97", 1)))
    assert later.orders == {}


def test_a_limit_rests_under_the_last_price_and_is_cancelled_after_its_time() -> None:
    chosen = {**AT_ONCE, "entry_order": "limit", "limit_offset_pct": 1, "order_ttl_s": 300}
    playground = bot(price="94.9", **chosen)
    playground.look(candle=candle("94.9"))
    order = playground.live["deal-1/buy-1"].intent
    assert (order.kind, order.price) == (OrderKind.LIMIT, D("93.95"))
    assert playground.plan.wake.at == playground.now + 300_000
    playground.move(95, 95, 95, 95)
    assert "deal-1/buy-1" in playground.live
    playground.move(95)
    assert playground.live == {}
    assert any("not filled within 300 s" in reason for reason in playground.reasons)
    playground.look(candle=candle("94.9", 1))
    assert "deal-1/buy-1" in playground.live, "nothing was bought: the same dip may arm again"
    playground.move("93.94")
    assert deal_of(playground).average == D("94.05"), "1 % under the 95 it was ordered at"


def test_a_limit_ends_with_its_episode() -> None:
    playground = bot(price="94.9", **{**AT_ONCE, "entry_order": "limit", "limit_offset_pct": 1})
    playground.look(candle=candle("94.9"))
    playground.look(candle=candle("99", 1, top=101.0, high=101.0, high_at=float(BEGAN + HOUR_MS)))
    assert playground.live == {}


def test_what_a_limit_has_filled_after_its_time_is_the_buy() -> None:
    playground = bot(price="94.9", **{**AT_ONCE, "entry_order": "limit", "limit_offset_pct": 1})
    playground.look(candle=candle("94.9"))
    playground.fill_part("deal-1/buy-1", "0.2")
    playground.look()
    assert sorted(playground.live) == [
        "deal-1/buy-1",
        "deal-1/target-1",
        "deal-1/target-2",
        "deal-1/target-3",
    ]
    playground.now += 3_600_000
    playground.look()
    assert "deal-1/buy-1" not in playground.live
    assert deal_of(playground).amount == D("0.2")


def test_a_buy_nobody_can_pay_is_not_sent_and_said_once() -> None:
    playground = bot(price="94.9", cash=49, **AT_ONCE)
    for hour in range(3):
        playground.look(candle=candle("94.9", hour))
    assert buys(playground) == []
    assert len([reason for reason in playground.reasons if "Buy 1 needs" in reason]) == 1


def test_prepared_candles_lead_to_a_buy() -> None:
    close = np.concatenate((np.linspace(100, 101, 60), np.linspace(101, 95.5, 12)))
    at = np.arange(len(close), dtype=np.int64) * HOUR_MS + BEGAN
    strategy = dip(**AT_ONCE)
    columns = strategy.prepare(Candles(at, close, close + 0.1, close - 0.1, close, np.ones(len(close))))
    playground = Playground(strategy, price="95.5", cash=1_000)
    for index, price in enumerate(close):
        last = D(repr(float(price)))
        playground.look(candle=SignalRow(int(at[index]), last, columns.row(index)))
        falls = bool((101.1 - price) / 101.1 * 100 >= 5)
        assert bool(buys(playground)) is falls
    assert memory_of(playground).deals == 1


def test_a_later_candles_low_is_what_the_rebound_starts_from() -> None:
    playground = bot(price="94.1", **{**AT_ONCE, "rebound_pct": 1})
    playground.look(candle=candle("94.1"))
    playground.look(candle=candle("94.1", 1, low=93.5))
    assert playground.plan.wake.above == D("93.5") * D("1.01")


def test_a_dip_that_was_not_bought_does_not_pass_to_a_later_lower_high() -> None:
    chosen = {**AT_ONCE, "entry_order": "limit", "limit_offset_pct": 1, "order_ttl_s": 60}
    playground = bot(price="94.9", **chosen)
    playground.look(candle=candle("94.9"))
    playground.move(95)
    assert playground.live == {}
    playground.look(candle=candle("94.9", 1, high=99.9, high_at=float(BEGAN + HOUR_MS)))
    assert playground.live == {}
