"""When a momentum bot buys, and how much."""

from decimal import Decimal
from typing import Any

import pytest

from bots.strategies.base import Command, CommandKind, Role
from bots.strategies.guard import guarded
from bots.strategies.momentum.memory import Phase
from orders.rules import FeeIn, OrderKind, Side
from orders.states import OrderStatus
from tests.strategies.dcas import market, number_of
from tests.strategies.momentums import bought, candle, deal_of, momentum, row, told, waiting
from tests.strategies.playground import MINUTE_MS, Playground

D = Decimal


def test_it_waits_for_a_candle_and_buys_at_the_next_price() -> None:
    playground = waiting()
    assert (playground.plan.orders, playground.plan.wake.candle) == ({}, "1m")
    looks = playground.looks
    candle(playground, enter=0.0)
    assert playground.looks == looks, "a candle without its mark is not shown"
    playground.move(101)
    candle(playground, enter=1.0)
    assert [(fill.slot, fill.price) for fill in playground.all_fills] == [("deal-1/entry", D(101))]
    assert told(playground, "Signal ema cross at 101: entering.") == 1


def test_a_candle_is_looked_at_once() -> None:
    playground = waiting(rsi_period=14)
    candle(playground, enter=1.0, rsi=80.0)
    again = row(playground, enter=1.0, rsi=60.0)
    playground.now += MINUTE_MS
    playground.look(candle=again)
    assert number_of(playground) is None, "that candle was looked at already"
    candle(playground, enter=1.0, rsi=60.0)
    assert number_of(playground) == 1


def test_a_refused_signal_names_the_filter() -> None:
    playground = waiting(rsi_period=14, adx_period=14)
    candle(playground, enter=1.0, rsi=80.0, adx=30.0)
    assert number_of(playground) is None
    assert playground.reasons == [
        "Signal ema cross at 100: no entry, for RSI.",
        "RSI refuses: 80, 50 to 75 is asked.",
        "ADX passes: 30, at least 20 is asked.",
    ]


def test_in_position_a_signal_changes_nothing() -> None:
    playground = bought()
    playground.move(101)
    candle(playground, enter=1.0)
    assert len(playground.all_fills) == 1


def test_a_limit_entry_rests_at_the_bid_until_the_next_candle() -> None:
    playground = waiting(entry_order="limit")
    playground.spread_bps = D(20)
    playground.move(100)
    candle(playground, enter=1.0)
    order = playground.live["deal-1/entry"].intent
    assert (order.kind, order.price, order.role) == (OrderKind.LIMIT, D("99.9"), Role.ENTRY)
    playground.now += 1000
    playground.look()
    assert playground.live["deal-1/entry"].intent == order
    playground.now += MINUTE_MS
    candle(playground, enter=0.0)
    assert playground.live == {}
    assert number_of(playground) is None


def test_a_signal_does_not_outlive_its_candle_without_news_of_the_next() -> None:
    playground = waiting(entry_order="limit")
    playground.spread_bps = D(20)
    playground.move(100)
    candle(playground, enter=1.0)
    assert playground.plan.wake.at == playground.now // MINUTE_MS * MINUTE_MS + MINUTE_MS
    playground.move("100.01")
    assert playground.live == {}


@pytest.mark.parametrize(("part", "opens"), [("0.5", True), ("0.001", False)])
def test_what_a_limit_has_bought_is_kept_if_it_can_be_sold(part: str, opens: bool) -> None:
    playground = waiting(entry_order="limit")
    playground.spread_bps = D(20)
    playground.move(100)
    candle(playground, enter=1.0)
    playground.fill_part("deal-1/entry", part)
    playground.look()
    assert deal_of(playground).phase is Phase.OPENING
    playground.now += MINUTE_MS
    candle(playground, enter=0.0)
    assert (number_of(playground) == 1) is opens
    assert playground.live == {}
    if not opens:
        assert playground.memory.dust.amount == D(part)


def test_an_entry_that_ended_unfilled_is_not_repeated_in_its_candle() -> None:
    playground = waiting(entry_order="limit")
    playground.spread_bps = D(20)
    playground.move(100)
    candle(playground, enter=1.0)
    playground.end("deal-1/entry", OrderStatus.REFUSED)
    playground.look()
    assert playground.plan.orders == {}


def test_v_size_1_by_risk() -> None:
    playground = waiting(
        market(lot="0.0001"),
        cash=10_000,
        size_mode="risk",
        risk_pct=1,
        stop="atr",
        atr_multiple=3,
        investment=10_000,
    )
    candle(playground, enter=1.0, atr=2.0)
    assert playground.position.amount == D("16.6666")
    assert deal_of(playground).stop == D(94)


def test_by_risk_never_more_than_is_left() -> None:
    playground = waiting(
        market("0.001"), cash=1_000, size_mode="risk", risk_pct=50, investment=500, max_slippage_pct="0.5"
    )
    candle(playground, enter=1.0)
    assert D(490) < playground.position.cost <= D(500)


def test_a_fixed_amount() -> None:
    playground = bought(amount=250)
    assert playground.position.cost == D(250)


def test_an_entry_without_the_money_is_refused_and_said_once() -> None:
    playground = waiting(cash=50)
    candle(playground, enter=1.0)
    playground.look()
    assert playground.all_fills == []
    assert told(playground, "No entry: it needs 100 USDT, 50 USDT is left.") == 1


def test_an_entry_under_the_minimum_is_refused() -> None:
    playground = waiting(market(min_cost="200"))
    candle(playground, enter=1.0)
    assert playground.all_fills == []
    assert told(playground, "under the market's minimum") == 1


def test_a_fee_in_base_leaves_enough_to_sell() -> None:
    playground = bought(market("0.01", FeeIn.RECEIVED, min_cost="100"), amount=100, stop_pct=1)
    assert playground.position.amount * 100 >= 100
    playground.move(98)
    assert playground.position.amount * 100 < 100


def test_after_a_stop_the_signals_of_some_candles_are_left_out() -> None:
    playground = bought(cooldown_candles=2, stop_pct=1)
    playground.move(98)
    assert number_of(playground) is None
    for _ in range(2):
        playground.now += MINUTE_MS
        candle(playground, enter=1.0)
        assert number_of(playground) is None
    assert told(playground, "the cooldown after a stop") == 2
    playground.now += MINUTE_MS
    candle(playground, enter=1.0)
    assert number_of(playground) == 2


def test_a_target_is_no_stop_and_cools_nothing_down() -> None:
    playground = bought(cooldown_candles=2, take_profit_pct=1)
    playground.move("101.01")
    candle(playground, enter=1.0)
    assert number_of(playground) == 2


def test_a_pause_holds_the_entry_back_and_the_candle_passes() -> None:
    strategy = guarded(momentum(max_slippage_pct="0.1"))
    playground = Playground(strategy, price=100, cash=1_000, spread_bps=D(100))
    candle(playground, enter=1.0)
    assert playground.live == {}
    assert told(playground, "held back") == 1
    playground.spread_bps = D(0)
    playground.now += MINUTE_MS
    playground.move(100)
    assert playground.all_fills == []


def test_funds_can_be_added_to_an_open_deal() -> None:
    playground = bought(take_profit_pct=2, investment=250)
    playground.move(101)
    playground.look(Command(CommandKind.ADD_FUNDS, D(101)))
    assert playground.position.amount == D(2)
    assert deal_of(playground).entry == D("100.5")
    assert playground.prices(Side.SELL) == [D("102.51")]
    playground.look(Command(CommandKind.ADD_FUNDS, D(60)))
    assert told(playground, "not added") == 1


def test_a_restart_forgets_the_old_signal() -> None:
    playground = waiting(entry_order="limit")
    playground.spread_bps = D(20)
    playground.move(100)
    candle(playground, enter=1.0)
    again: Any = playground.strategy.restarted(playground.memory)
    assert again.signal is None
    assert again.looked_at == playground.memory.looked_at
