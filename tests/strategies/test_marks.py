"""A strategy that is shown only the candles it has marked trades as one that is shown them all."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import talib

from bots.strategies.base import Candles, SignalRow
from bots.strategies.dca.entry import BEYOND, WITHIN
from bots.strategies.dip.signals import DIPS, Signal
from bots.strategies.guard import guarded
from bots.strategies.momentum.signals import ENTER, LEAVE
from bots.strategies.scalper.signals import BUY
from tests.strategies.dcas import dca, rsi_candle
from tests.strategies.dips import dip, dips_mark
from tests.strategies.momentums import momentum
from tests.strategies.playground import MINUTE_MS, Playground
from tests.strategies.scalpers import AT_MARKET, scalper

BEGAN = 1_700_000_000_000 // MINUTE_MS * MINUTE_MS
NEAR: dict[str, Any] = {
    "timeframe": "1m", "lookback": 20, "dip_pct": "0.4", "rebound_pct": "0.1", "rsi_max": 0,
    "take_profits": [{"profit_pct": "0.4", "share_pct": 100}],
}  # fmt: skip
RSI: dict[str, Any] = {"start_condition": "rsi", "rsi_timeframe": "1m", "max_safety_orders": 2}
FOLLOWS: dict[str, Any] = {"stop": "atr", "stop_trailing": True, "exit_on_cross": True}
PROTECTED: dict[str, Any] = {"cooldown_s": 300, "loss_guard_count": 2, "loss_guard_pause_s": 1800}
BOTS: Mapping[str, Callable[[], Any]] = {
    "dca rsi": lambda: dca(take_profit_pct="0.4", **RSI),
    "dca rsi above, bounded": lambda: dca(
        take_profit_pct="0.2", rsi_direction="above", rsi_threshold=60, max_price=101, **RSI
    ),
    "dca rsi, protected": lambda: guarded(dca(stop_loss_pct="0.8", **RSI, **PROTECTED)),
    "dip": lambda: dip(**NEAR, stop_loss_pct=1),
    "dip, rearmed at once": lambda: dip(**{**NEAR, "rearm_pct": 0, "rebound_pct": 0}, max_hold_candles=30),
    "dip limit, protected": lambda: guarded(
        dip(**NEAR, entry_order="limit", limit_offset_pct="0.1", order_ttl_s=240, **PROTECTED)
    ),
    "momentum": lambda: momentum(take_profit_pct="0.5", stop_pct="0.5", cooldown_candles=3),
    "momentum by cross": lambda: momentum(exit_on_cross=True),
    "momentum that follows": lambda: momentum(**FOLLOWS, entry="breakout"),
    "momentum limit, protected": lambda: guarded(
        momentum(entry_order="limit", exit_on_cross=True, adx_period=14, **PROTECTED)
    ),
    "scalper rsi": lambda: scalper(entry="rsi", post_only=False, max_consecutive_losses=2, loss_pause_s=900),
    "scalper pullback, protected": lambda: guarded(
        scalper(**{**AT_MARKET, "entry": "ema_pullback"}, max_trades_per_hour=3, **PROTECTED)
    ),
}  # fmt: skip


class ShownAll(Playground):
    """Its strategy sees every candle that closes while it asks for candles, marked or not."""

    def asks_for(self, candle: SignalRow) -> bool:
        return self.plan.wake.candle is not None


@lru_cache(maxsize=1)
def candles() -> Candles:
    """1500 minutes of a walk on a coarse tick."""
    chance = np.random.default_rng(11)
    close = np.round(100 + np.cumsum(chance.normal(0, 0.12, 1500)), 2)
    opened = np.concatenate((close[:1], close[:-1]))
    wick = np.round(chance.exponential(0.05, (2, 1500)), 2)
    high, low = np.maximum(opened, close) + wick[0], np.minimum(opened, close) - wick[1]
    at = np.arange(1500, dtype=np.int64) * MINUTE_MS + BEGAN
    return Candles(at, opened, high, low, close, np.ones(1500))


def traded(kind: type[Playground], strategy: Any) -> Playground:
    """`strategy` after the price has walked every candle, each shown as it closes."""
    given = candles()
    rows = strategy.prepare(given)
    playground = kind(strategy, price=repr(float(given.open[0])), cash=100_000)
    for index, close in enumerate(given.close.tolist()):
        at = int(given.at[index])
        between = ("low", "high") if close >= given.open[index] else ("high", "low")
        for leg, name in enumerate(("open", *between, "close")):
            # A move takes a minute, and a leg a quarter of one.
            playground.now = at + leg * MINUTE_MS // 4 - MINUTE_MS
            playground.move(repr(float(getattr(given, name)[index])))
        playground.now = at + MINUTE_MS
        playground.look(candle=SignalRow(at, Decimal(repr(close)), rows.row(index)))
    return playground


@pytest.mark.parametrize("name", BOTS)
def test_what_is_not_marked_changes_no_trade(name: str) -> None:
    marked, every = traded(Playground, BOTS[name]()), traded(ShownAll, BOTS[name]())
    assert len(marked.all_fills) > 10, "it trades"
    assert marked.all_fills == every.all_fills
    assert marked.reasons == every.reasons


@pytest.mark.parametrize("direction", ["below", "above"])
def test_dca_marks_the_candles_beyond_its_threshold_and_those_within(direction: str) -> None:
    strategy = dca(start_condition="rsi", rsi_direction=direction, rsi_threshold=40)
    columns = strategy.prepare(candles()).columns
    line = talib.RSI(candles().close, timeperiod=14)
    beyond = line < 40 if direction == "below" else line > 40
    assert np.array_equal(columns[BEYOND] == 1, beyond)
    assert np.array_equal(columns[WITHIN] == 1, ~beyond & ~np.isnan(line))
    for number, value in enumerate(columns["rsi"].tolist()):
        handed_in = rsi_candle(strategy, value).values
        assert (handed_in[BEYOND], handed_in[WITHIN]) == (columns[BEYOND][number], columns[WITHIN][number])


def test_an_rsi_at_its_threshold_is_within() -> None:
    flat = np.full(40, 100.0)
    still = Candles(np.arange(40, dtype=np.int64), flat, flat, flat, flat, np.ones(40))
    for direction in ("below", "above"):
        row = dca(start_condition="rsi", rsi_direction=direction, rsi_threshold=50).prepare(still).row(-1)
        assert (row["rsi"], row[BEYOND], row[WITHIN]) == (50, 0, 1)


@pytest.mark.parametrize("dip_pct", ["0.5", "0.6", "1"])
def test_dip_marks_every_candle_that_is_one(dip_pct: str) -> None:
    strategy = dip(timeframe="1m", lookback=20, dip_pct=dip_pct, rebound_pct=0)
    columns = strategy.prepare(candles())
    found = 0
    for index, close in enumerate(candles().close.tolist()):
        row = columns.row(index)
        signal = Signal.of(strategy.settings, SignalRow(int(candles().at[index]), Decimal(repr(close)), row))
        assert row[DIPS] == signal.dips, "on these prices no float's last digit is in the way"
        assert row[DIPS] == dips_mark(close, row["high"], float(dip_pct))
        found += signal.dips
    assert 0 < found < 1500


def test_a_fall_of_exactly_the_dip_is_marked_whatever_its_digits() -> None:
    for high, close, pct in (("0.07", "0.0665", 5), ("64123.4", "62840.932", 2), ("0.3", "0.291", 3)):
        top = np.array([float(high)] * 3 + [float(close)])
        given = Candles(np.arange(4, dtype=np.int64), top, top, top, top, np.ones(4))
        row = dip(lookback=3, dip_pct=pct, rebound_pct=0).prepare(given).row(-1)
        assert (Decimal(high) - Decimal(close)) / Decimal(high) * 100 == pct
        assert row[DIPS] == 1


def test_the_marks_are_columns_of_what_is_prepared() -> None:
    assert {BEYOND, WITHIN} <= set(dca(start_condition="rsi").prepare(candles()).columns)
    assert DIPS in dip().prepare(candles()).columns
    assert {ENTER, LEAVE} <= set(momentum().prepare(candles()).columns)
    assert BUY in scalper(entry="rsi").prepare(candles()).columns
