"""When a DCA bot opens a deal."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import talib

from bots.strategies.base import Candles, Command, CommandKind, Role
from orders.rules import OrderKind, Side
from tests.strategies.dcas import dca, deal_of, market, number_of, rsi_candle
from tests.strategies.playground import Playground

D = Decimal


def bot(**chosen: Any) -> Playground:
    return Playground(dca(**{"max_safety_orders": 0, **chosen}), price=100, cash=1_000)


def test_nonstop_opens_at_once_and_again() -> None:
    playground = bot(take_profit_pct=1)
    assert number_of(playground) == 1
    playground.move("101.01")
    assert number_of(playground) == 2


def test_manual_waits_for_the_word() -> None:
    playground = bot(start_condition="manual", take_profit_pct=1)
    assert (number_of(playground), playground.plan.orders) == (None, {})
    playground.look(Command(CommandKind.START_DEAL))
    assert number_of(playground) == 1
    playground.move("101.01")
    assert number_of(playground) is None


@pytest.mark.parametrize(
    ("direction", "value", "opens"),
    [("below", 29.9, True), ("below", 30.0, False), ("above", 30.1, True), ("above", float("nan"), False)],
)
def test_rsi_of_a_closed_candle(direction: Any, value: Any, opens: Any) -> None:
    playground = bot(start_condition="rsi", rsi_direction=direction)
    assert playground.plan.wake.candle == "1h"
    playground.look(candle=rsi_candle(playground.strategy, value))
    assert (number_of(playground) == 1) is opens


def test_one_candle_opens_one_deal() -> None:
    playground = bot(start_condition="rsi", take_profit_pct=1)
    playground.look(candle=rsi_candle(playground.strategy, 20))
    playground.move("101.01", 101, 100)
    assert number_of(playground) is None
    playground.look(candle=rsi_candle(playground.strategy, 50))
    assert number_of(playground) is None
    playground.look(candle=rsi_candle(playground.strategy, 20))
    assert number_of(playground) == 2


def test_the_rsi_is_prepared_from_closed_candles() -> None:
    strategy = dca(start_condition="rsi")
    close = np.concatenate((np.linspace(200, 100, 40), np.linspace(100, 300, 60)))
    at = np.arange(len(close), dtype=np.int64)
    signals = strategy.prepare(Candles(at, close, close, close, close, np.ones(len(close))))
    assert signals.row(39)["rsi"] == 0
    assert signals.row(99)["rsi"] > 80
    assert (strategy.timeframe, strategy.candles_needed) == ("1h", 420)
    assert dca().timeframe is None


def test_the_rsi_is_that_of_its_timeframe_and_period() -> None:
    playground = bot(start_condition="rsi", rsi_timeframe="4h", rsi_period=7)
    assert (playground.strategy.timeframe, playground.plan.wake.candle) == ("4h", "4h")
    assert playground.strategy.candles_needed == 210
    close = np.concatenate((np.linspace(100, 110, 30), np.linspace(110, 107, 5)))
    candles = Candles(np.arange(35, dtype=np.int64), close, close, close, close, np.ones(35))
    line = talib.RSI(close, timeperiod=7)
    assert playground.strategy.prepare(candles).row(-1)["rsi"] == pytest.approx(line[-1])
    assert line[-1] != pytest.approx(talib.RSI(close, timeperiod=14)[-1])


def test_a_schedule_opens_at_once_and_then_by_the_clock() -> None:
    playground = bot(start_condition="schedule", every_s=600, take_profit_pct=1)
    began = playground.now
    playground.move("101.01")
    assert number_of(playground) is None
    assert playground.plan.wake.at == began + 600_000
    playground.move(*[101] * 9)
    assert number_of(playground) == 2
    assert playground.now == began + 600_000


def test_a_turn_that_finds_a_deal_open_is_left_out() -> None:
    playground = bot(start_condition="schedule", every_s=120, take_profit_pct=1)
    began = playground.now
    playground.move(100, 100, 100, 100, "101.01")
    assert playground.now == began + 300_000
    assert playground.plan.wake.at == began + 360_000


def test_a_market_base_order_is_an_entry() -> None:
    strategy = dca()
    playground = Playground(strategy, price=100, cash=1_000, asked=False)
    order = strategy.decide(playground.memory, playground.seen()).orders["deal-1/base"]
    assert (order.kind, order.role, order.price) == (OrderKind.MARKET, Role.ENTRY, None)


def test_a_limit_base_order_rests_at_the_bid_and_is_quoted_again_after_a_minute() -> None:
    playground = Playground(
        dca(base_order_type="limit"), price=100, cash=1_000, spread_bps=D(20), keep_memory_as_json=True
    )
    assert playground.prices(Side.BUY) == [D("99.9")]
    assert number_of(playground) is None
    assert playground.plan.wake.at == playground.now + 60_000
    playground.now += 30_000
    playground.look()
    assert playground.prices(Side.BUY) == [D("99.9")]
    playground.now -= 30_000
    playground.move(110)
    assert playground.prices(Side.BUY) == [D("109.89")]
    playground.move(109)
    assert number_of(playground) == 1
    assert deal_of(playground).reference == D("109.89")


def test_what_a_limit_has_bought_after_its_minute_is_the_base_order() -> None:
    playground = Playground(dca(base_order_type="limit"), price=100, cash=1_000, spread_bps=D(20))
    playground.fill_part("deal-1/base", "0.1")
    playground.look()
    assert number_of(playground) == 1
    assert sorted(playground.live) == ["deal-1/base"]
    playground.move("100.5")
    assert sorted(playground.live) == ["deal-1/safety-1", "deal-1/target"]
    assert deal_of(playground).base_amount == D("0.1")


def test_too_little_of_a_limit_is_completed() -> None:
    on = market(min_cost="5", tick="0.01")
    playground = Playground(dca(on, base_order_type="limit"), price=100, cash=1_000, spread_bps=D(20))
    playground.fill_part("deal-1/base", "0.02")
    playground.move(105)
    rest = playground.live["deal-1/base"].intent
    assert rest.role is Role.ADD
    assert rest.price == D("104.89")
    assert rest.amount < D("0.18")


@pytest.mark.parametrize(("bounds", "prices"), [({"min_price": 101}, [101]), ({"max_price": 99}, [99])])
def test_a_deal_opens_only_between_the_prices(bounds: Any, prices: Any) -> None:
    playground = bot(**bounds)
    assert playground.plan.orders == {}
    playground.move(*prices)
    assert number_of(playground) == 1


def test_an_open_deal_does_not_mind_the_prices() -> None:
    playground = bot(max_price=100, take_profit_pct=5)
    playground.move(104)
    assert number_of(playground) == 1


def test_a_raised_base_order_is_said() -> None:
    playground = Playground(dca(market(min_cost="21"), base_order_volume=20), price=100, cash=1_000)
    assert deal_of(playground).base_value >= D("22.05")
    assert any("raised to the market's minimum" in reason for reason in playground.reasons)


def test_a_base_order_too_small_is_refused_and_said_once() -> None:
    playground = Playground(dca(market(min_cost="30"), base_order_volume=20), price=100, cash=1_000)
    playground.move(100, 100, 100)
    assert playground.all_fills == []
    said = [reason for reason in playground.reasons if "under the market's minimum" in reason]
    assert len(said) == 1


def test_a_base_order_nobody_can_pay_is_not_sent() -> None:
    playground = Playground(dca(base_order_volume=20), price=100, cash=19)
    assert playground.all_fills == []
    assert "The base order needs" in playground.reasons[0]
