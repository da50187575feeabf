"""How a momentum deal is left."""

from decimal import Decimal
from typing import Any

import pytest

from bots.strategies.base import Command, CommandKind, LiveOrder
from bots.strategies.momentum.memory import Phase
from orders.records import replace
from orders.rules import OrderKind, Side
from orders.states import OrderStatus
from tests.strategies.dcas import finished, market, number_of
from tests.strategies.momentums import bought, candle, deal_of, told, waiting
from tests.strategies.playground import MINUTE_MS, Playground

D = Decimal


def sales(playground: Playground) -> list[tuple[str, Decimal]]:
    return [(fill.slot, fill.price) for fill in playground.all_fills if fill.side is Side.SELL]


def test_v_mom_1_a_trailing_stop_of_fifteen_percent() -> None:
    playground = bought(price=11, stop_pct=15, stop_trailing=True)
    playground.move(12, 13)
    assert deal_of(playground).stop == D("11.05")
    assert playground.plan.wake.below == D("11.05")
    playground.move("11.06")
    assert number_of(playground) == 1
    playground.move("11.05")
    assert sales(playground) == [("deal-1/exit", D("11.05"))]


def test_v_mom_5_a_rising_atr_does_not_lower_the_stop() -> None:
    playground = bought(stop="atr", atr_multiple=3, stop_trailing=True)
    assert deal_of(playground).stop == D(94)
    playground.now += MINUTE_MS
    candle(playground, atr=3.0)
    assert deal_of(playground).stop == D(94)


def test_the_atr_stop_is_its_multiple_away() -> None:
    for multiple, stop in ((1, 98), ("2.5", 95), (3, 94)):
        playground = bought(stop="atr", atr_multiple=multiple)
        assert deal_of(playground).stop == D(stop)


def test_the_atr_stop_follows_peak_and_atr() -> None:
    playground = bought(stop="atr", atr_multiple=3, stop_trailing=True)
    playground.move(110)
    assert deal_of(playground).stop == D(104)
    playground.move(106)
    candle(playground, atr=1.0)
    assert sales(playground) == [("deal-1/exit", D(106))], "110 − 3 is over 106"


@pytest.mark.parametrize("kind", ["atr", "percent"])
def test_without_trailing_the_stop_stays_where_the_entry_put_it(kind: str) -> None:
    playground = bought(stop=kind, atr_multiple=3, stop_pct=6, stop_trailing=False)
    looks = playground.looks
    playground.move(120, 150)
    assert playground.looks == looks, "no peak is followed"
    candle(playground, atr=1.0)
    assert deal_of(playground).stop == D(94)
    playground.move(94)
    assert number_of(playground) is None


def test_without_a_known_atr_the_percent_stands_in() -> None:
    playground = waiting(stop="atr", entry_order="limit", stop_pct=5)
    playground.spread_bps = D(20)
    playground.move(100)
    candle(playground, enter=1.0, atr=2.0)
    playground.memory = replace(playground.memory, atr=None)
    playground.fill_part("deal-1/entry", "0.5")
    playground.look()
    assert deal_of(playground).stop == D("99.9") * D("0.95")


def test_the_profit_trail_begins_at_its_arm_and_never_falls() -> None:
    playground = bought(profit_trail_arm_pct=5, profit_trail_pct=3, stop_pct=50, cooldown_candles=5)
    assert playground.plan.wake.above == D(105)
    playground.move("104.99", "101")
    assert number_of(playground) == 1
    playground.move(110)
    assert deal_of(playground).trail == D("106.70")
    playground.move(108, "106.71")
    assert number_of(playground) == 1
    playground.move("106.70")
    assert sales(playground) == [("deal-1/exit", D("106.70"))]
    assert told(playground, "profit trail at 106.7 under its peak 110") == 1
    assert playground.memory.cool_until == 0, "the profit trail is no stop"


@pytest.mark.parametrize("off", [{"profit_trail_arm_pct": 0, "profit_trail_pct": 3}, {"profit_trail_pct": 0}])
def test_zero_turns_the_profit_trail_off(off: Any) -> None:
    playground = bought(stop_pct=50, **off)
    playground.move(110, 90)
    assert number_of(playground) == 1


def test_a_take_profit_rests_as_a_limit_and_sells_at_its_price() -> None:
    playground = bought(take_profit_pct=4)
    order = playground.live["deal-1/target"].intent
    assert (order.kind, order.price, order.amount) == (OrderKind.LIMIT, D(104), D(1))
    playground.move("104.01")
    assert sales(playground) == [("deal-1/target", D(104))]
    assert number_of(playground) is None


def test_the_latest_step_reached_replaces_the_target() -> None:
    steps = [{"after_s": 120, "profit_pct": 2}, {"after_s": 240, "profit_pct": 1}]
    playground = bought(take_profit_pct=4, roi_steps=steps)
    assert playground.prices(Side.SELL) == [D(104)]
    playground.move(100, 100)
    assert playground.prices(Side.SELL) == [D(102)]
    playground.move(100)
    assert playground.prices(Side.SELL) == [D(102)]
    playground.move(100)
    assert playground.prices(Side.SELL) == [D(101)]
    assert told(playground, "the target is now") == 2


def test_steps_need_no_take_profit_and_sell_at_once_where_the_price_is() -> None:
    playground = bought(roi_steps=[{"after_s": 60, "profit_pct": 1}])
    assert playground.live == {}
    playground.move(103)
    assert sales(playground) == [("deal-1/target", D(103))]


def test_the_opposite_cross_sells_only_when_asked_to() -> None:
    for asked in (True, False):
        playground = bought(exit_on_cross=asked, take_profit_pct=4)
        playground.move(99)
        candle(playground, leave=1.0)
        assert sales(playground) == ([("deal-1/exit", D(99))] if asked else [])


def test_the_candle_that_entered_does_not_leave_again() -> None:
    playground = waiting(exit_on_cross=True)
    candle(playground, enter=1.0, leave=1.0)
    assert number_of(playground) == 1


def test_the_longest_hold_counts_closed_candles() -> None:
    playground = bought(max_hold_candles=3)
    begun = playground.now // MINUTE_MS * MINUTE_MS
    assert playground.plan.wake.at == begun + 3 * MINUTE_MS
    playground.move(100, 101)
    assert number_of(playground) == 1
    playground.move(102)
    assert sales(playground) == [("deal-1/exit", D(102))]
    assert told(playground, "held for 3 candles") == 1


def test_the_target_is_cancelled_before_the_rest_is_sold() -> None:
    playground = bought(take_profit_pct=4, stop_pct=2)
    playground.fill_part("deal-1/target", "0.4")
    playground.now += MINUTE_MS
    seen = replace(playground.seen(), last=D(98), bid=D(98), ask=D(98))
    plan = playground.strategy.decide(playground.memory, seen)
    assert plan.orders == {}, "the target may still fill"
    assert plan.memory.deal.phase is Phase.EXITING
    playground.look()
    playground.move(98)
    assert playground.position.amount == 0
    assert sales(playground)[-1] == ("deal-1/exit", D(98))
    assert playground.all_fills[-1].amount == D("0.6")


def test_a_partly_filled_target_keeps_its_wish() -> None:
    playground = bought(take_profit_pct=4)
    before = playground.live["deal-1/target"].intent
    playground.fill_part("deal-1/target", "0.4")
    playground.look()
    assert playground.live["deal-1/target"].intent == before


def test_an_exit_at_market_escalates() -> None:
    playground = bought(stop_pct=2, max_slippage_pct="0.5")
    playground.move("98.01")
    seen = replace(playground.seen(), last=D(98), bid=D(98), ask=D(98))
    kinds = []
    for _ in range(3):
        plan = playground.strategy.decide(playground.memory, seen)
        playground.memory = plan.memory
        order = plan.orders["deal-1/exit"]
        kinds.append((order.kind, order.price))
        playground.live["deal-1/exit"] = LiveOrder(order)
        playground.end("deal-1/exit", OrderStatus.EXPIRED)
        seen = replace(seen, closed=tuple(playground.closed))
        playground.closed = []
    assert kinds == [(OrderKind.IOC, D("97.51")), (OrderKind.IOC, D("97.02")), (OrderKind.MARKET, None)]


def test_close_now_and_closing() -> None:
    playground = bought(take_profit_pct=4)
    playground.look(Command(CommandKind.CLOSE_NOW))
    assert sales(playground) == [("deal-1/exit", D(100))]
    assert not finished(playground)
    again = bought(take_profit_pct=4)
    again.closing = True
    again.look()
    assert sales(again) == [("deal-1/exit", D(100))]
    assert finished(again)


def test_a_fill_after_the_deal_has_closed_is_sold_too() -> None:
    playground = waiting(entry_order="limit", stop_pct=5)
    playground.spread_bps = D(20)
    playground.move(100)
    candle(playground, enter=1.0)
    order = playground.live["deal-1/entry"]
    playground.fill_part("deal-1/entry", "0.5")
    playground.look(Command(CommandKind.CLOSE_NOW))
    assert number_of(playground) is None
    playground.live["deal-1/entry"] = order
    playground.fill_part("deal-1/entry", "0.5")
    playground.look()
    assert playground.position.amount == 0


def test_too_little_left_to_sell_is_dust_and_goes_with_the_next_sale() -> None:
    playground = bought(market(lot="0.01", min_cost="50"), take_profit_pct=4)
    playground.fill_part("deal-1/target", "0.6")
    playground.look()
    playground.move(94)
    assert number_of(playground) is None
    assert playground.memory.dust.amount == D("0.4")
    candle(playground, enter=1.0)
    assert playground.live["deal-2/target"].intent.amount == deal_of(playground).bought + D("0.4")


def test_figures_of_the_open_deal() -> None:
    playground = bought(take_profit_pct=4, stop_pct=5)
    figures = playground.strategy.figures(playground.memory)
    assert figures == {"average": D(100), "target": D(104), "stop": D(95)}
    assert playground.strategy.figures(playground.strategy.first_memory()) == {}
