"""What a momentum bot reads from closed candles."""

import math
from typing import Any

import numpy as np
import pytest

from bots.strategies import indicators
from bots.strategies.momentum.signals import verdicts
from orders.records import replace
from orders.rules import Side
from tests.strategies.momentums import closes, momentum, row, waiting

FALL = [100.0 - one for one in range(40)]
RISE = [60.0 + 2 * one for one in range(1, 30)]


def column(name: str, *prices: float, **chosen: Any) -> list[int]:
    """The rows at which a mark is set."""
    signals = momentum(**chosen).prepare(closes(*prices))
    return [int(index) for index in np.flatnonzero(signals.columns[name])]


def test_ema_cross_marks_the_one_candle_that_crosses() -> None:
    entered = column("enter", *FALL, *RISE, ema_fast=3, ema_slow=6)
    assert len(entered) == 1
    fast, slow = (indicators.ema(np.array(FALL + RISE), period) for period in (3, 6))
    at = entered[0]
    assert fast[at - 1] <= slow[at - 1]
    assert fast[at] > slow[at]
    assert column("leave", *FALL, *RISE, *reversed(RISE), ema_fast=3, ema_slow=6)[-1] > at


def test_the_cross_must_clear_its_margin_in_the_same_candle() -> None:
    assert column("enter", *FALL, *RISE, ema_fast=3, ema_slow=6, entry_margin_pct="0.1")
    assert not column("enter", *FALL, *RISE, ema_fast=3, ema_slow=6, entry_margin_pct=20)


def test_macd_crosses_its_signal() -> None:
    """Of each of its three periods another would cross elsewhere."""
    steps = np.random.default_rng(3).normal(0, 1, 300)
    prices = np.round(100 * np.exp(np.cumsum(steps) / 200), 2)
    periods = {"macd_fast": 3, "macd_slow": 6, "macd_signal": 4}
    line, mean = indicators.macd(prices, 3, 6, 4)
    rows = range(1, len(prices))
    entered = column("enter", *prices, entry="macd", **periods)
    assert entered == [at for at in rows if line[at - 1] <= mean[at - 1] and line[at] > mean[at]]
    assert column("leave", *prices, entry="macd", **periods) == [
        at for at in rows if line[at - 1] >= mean[at - 1] and line[at] < mean[at]
    ]
    for other in ({"macd_fast": 4}, {"macd_slow": 8}, {"macd_signal": 6}):
        assert column("enter", *prices, entry="macd", **{**periods, **other}) != entered


def test_rsi_enters_where_it_crosses_up_through_the_lower_limit() -> None:
    prices = [*FALL, *RISE]
    entered = column("enter", *prices, entry="rsi", rsi_period=14, rsi_min=50, rsi_max=75)
    line = indicators.rsi(np.array(prices), 14)
    assert len(entered) == 1
    assert line[entered[0] - 1] <= 50 < line[entered[0]]
    higher = column("enter", *prices, entry="rsi", rsi_period=14, rsi_min=60, rsi_max=75)
    assert line[higher[0] - 1] <= 60 < line[higher[0]]
    assert higher != entered


def test_a_breakout_leaves_the_present_candle_out() -> None:
    flat = [100.0] * 20
    assert column("enter", *flat, 100.5, entry="breakout") == [], "the highest high is 100.5"
    assert column("enter", *flat, 100.6, entry="breakout") == [20]
    assert column("enter", *flat[1:], 100.6, entry="breakout") == [], "nineteen candles are too few"
    assert column("leave", *flat, 99.4, entry="breakout") == [20]


@pytest.mark.parametrize("entry", ["ema_cross", "macd", "rsi", "breakout"])
def test_few_or_no_candles_say_nothing(entry: str) -> None:
    bot = momentum(entry=entry, rsi_period=14, adx_period=14, trend_sma=200, volume_factor=1, stop="atr")
    for count in (0, 1, 2, 15):
        signals = bot.prepare(closes(*FALL[:count]))
        assert not signals.columns["enter"].any()
        assert not signals.columns["leave"].any()
        if count:
            said = list(verdicts(bot.settings, signals.row(-1)))
            refused = {verdict.name for verdict in said if not verdict.passed}
            assert {"Trend", "Extension", "ADX", "Volume"} <= refused, "closed while warming up"


def test_warm_up_is_thirty_times_the_longest_recursive_period() -> None:
    assert momentum(rsi_period=14, adx_period=14, ema_slow=21).candles_needed == 631
    assert momentum(entry="macd").candles_needed == 781
    assert momentum(entry="breakout", breakout_lookback=55).candles_needed == 56
    assert momentum(entry="breakout", trend_sma=300, stop="atr").candles_needed == 421
    assert momentum(entry="breakout", trend_sma=500, stop="atr").candles_needed == 501


@pytest.mark.parametrize("entry", ["ema_cross", "macd", "rsi", "breakout"])
def test_a_live_window_says_what_all_candles_say(entry: str) -> None:
    """On the last row of the window a live bot computes on, every mark and filter is the same."""
    steps = np.random.default_rng(7).normal(0, 1, 3000)
    prices = 1000 * np.exp(np.cumsum(steps) / 500)
    bot = momentum(
        entry=entry, rsi_period=14, adx_period=14, trend_sma=200, volume_factor=1, stop="atr", adx_min=20
    )
    whole = bot.prepare(closes(*prices))
    for end in range(1500, 3000, 50):
        window = bot.prepare(closes(*prices[end - bot.candles_needed : end])).row(-1)
        everything = whole.row(end - 1)
        assert (window["enter"], window["leave"]) == (everything["enter"], everything["leave"])
        assert window == pytest.approx(everything, rel=1e-4)


@pytest.mark.parametrize(
    ("chosen", "values", "name", "passes"),
    [
        ({"rsi_period": 14}, {"rsi": 50.0}, "RSI", True),
        ({"rsi_period": 14}, {"rsi": 49.9}, "RSI", False),
        ({"rsi_period": 14}, {"rsi": 75.1}, "RSI", False),
        ({"rsi_period": 14, "rsi_max": 0}, {"rsi": 99.0}, "RSI", True),
        ({"rsi_period": 14, "rsi_min": 60}, {"rsi": 59.9}, "RSI", False),
        ({"rsi_period": 14, "rsi_max": 70}, {"rsi": 70.1}, "RSI", False),
        ({"adx_period": 14}, {"adx": 20.0}, "ADX", True),
        ({"adx_period": 14}, {"adx": 19.9}, "ADX", False),
        ({"adx_period": 14, "adx_min": 30}, {"adx": 29.9}, "ADX", False),
        ({"volume_factor": 2}, {"volume": 20.0, "volume_mean": 10.0}, "Volume", True),
        ({"volume_factor": 2}, {"volume": 19.9, "volume_mean": 10.0}, "Volume", False),
        ({"trend_sma": 200}, {"trend_sma": 99.9}, "Trend", True),
        ({"trend_sma": 200}, {"trend_sma": 100.0}, "Trend", False),
        ({"trend_sma": 200}, {"trend_sma": math.nan}, "Trend", False),
        ({"trend_sma": 200, "max_extension_pct": 40}, {"trend_sma": 72.0}, "Extension", True),
        ({"trend_sma": 200, "max_extension_pct": 40}, {"trend_sma": 71.0}, "Extension", False),
        ({"trend_sma": 200, "max_extension_pct": 10}, {"trend_sma": 90.0}, "Extension", False),
        ({"stop": "atr"}, {"atr": 2.0}, "ATR", True),
        ({"stop": "atr"}, {"atr": math.nan}, "ATR", False),
        ({"stop": "atr"}, {"atr": 34.0}, "ATR", False),
    ],
)
def test_each_filter_gives_a_named_verdict(chosen: Any, values: Any, name: str, passes: bool) -> None:
    said = {one.name: one for one in verdicts(momentum(**chosen).settings, {"close": 100.0, **values})}
    assert said[name].passed is passes
    assert str(said[name]).startswith(f"{name} {'passes' if passes else 'refuses'}: ")


@pytest.mark.parametrize(
    "off", [{"adx_period": 14, "adx_min": 0}, {"trend_sma": 0, "max_extension_pct": 40}, {}]
)
def test_a_filter_that_is_off_gives_none(off: Any) -> None:
    assert list(verdicts(momentum(**off).settings, {"close": 100.0})) == []


def test_the_volume_mean_counts_twenty_candles_the_present_one_too() -> None:
    candles = closes(*[100.0] * 30)
    volume = candles.volume.copy()
    volume[-1] = 21.0
    signals = momentum(volume_factor=2).prepare(replace(candles, volume=volume))
    assert signals.row(-1)["volume_mean"] == pytest.approx(2.0)


def test_the_periods_chosen_are_the_periods_used() -> None:
    candles = closes(*FALL, *RISE)
    chosen: dict[str, Any] = {
        "stop": "atr",
        "atr_period": 5,
        "rsi_period": 7,
        "adx_period": 6,
        "trend_sma": 8,
    }
    columns = momentum(**chosen).prepare(candles).columns
    high, low, close = candles.high, candles.low, candles.close
    np.testing.assert_array_equal(columns["atr"], indicators.atr(high, low, close, 5))
    np.testing.assert_array_equal(columns["rsi"], indicators.rsi(close, 7))
    np.testing.assert_array_equal(columns["adx"], indicators.adx(high, low, close, 6))
    np.testing.assert_array_equal(columns["trend_sma"], indicators.sma(close, 8))


def test_j1_trades_from_its_own_columns() -> None:
    """Each entry comes right after a cross up, each exit from the target, the stop or a cross down."""
    steps = np.random.default_rng(3).normal(0, 1, 1500)
    candles = closes(*np.round(100 * np.exp(np.cumsum(steps) / 200), 2))
    playground = waiting(
        ema_fast=12, ema_slow=26, exit_on_cross=True, take_profit_pct=4, stop_pct=2, cooldown_candles=0
    )
    signals = playground.strategy.prepare(candles)
    ups = 0
    for index in range(len(candles)):
        playground.move(f"{candles.close[index]:.2f}")
        before, values = playground.plan.deal, signals.row(index)
        playground.look(candle=row(playground, **values))
        entered = playground.plan.deal is not None and before is None
        assert entered is (before is None and values["enter"] == 1.0)
        ups += entered
    sold = {fill.slot.split("/")[1] for fill in playground.all_fills if fill.side is Side.SELL}
    assert ups >= 10
    assert sold == {"target", "exit"}
    assert any("stop at" in reason for reason in playground.reasons)
    assert any("opposite" in reason for reason in playground.reasons)
