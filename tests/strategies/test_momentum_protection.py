"""A stop that rests on the exchange: where it stands, when it moves, and who sells what is left."""

from decimal import Decimal
from typing import Any

import pytest

from bots.strategies.base import Command, CommandKind, OrderIntent, Role
from bots.strategies.guard import guarded
from bots.strategies.wakes import reached
from orders.matching import quote_around
from orders.rules import OrderKind, Side
from tests.strategies.dcas import finished, market
from tests.strategies.momentums import bought, candle, deal_of, momentum, row, told
from tests.strategies.playground import Playground
from tests.strategies.resting_stops import ON, STOP, resting, sold, stands_at

D = Decimal
ENTRY = "deal-1/entry"
TRAILING: dict[str, Any] = {"stop_trailing": True, "stop_pct": 5}


def falls_without_buyers(playground: Playground, price: str) -> None:
    """Nothing of what is on sale is taken."""
    playground.quote = quote_around(D(price), playground.market, D(0), playground.now)
    if reached(playground.plan.wake, D(price)):
        playground.look()


def test_an_entry_that_has_filled_is_protected_by_a_stop_limit() -> None:
    playground = bought(ON, stop_pct=5, stop_limit_offset_pct=2)
    assert resting(playground) == OrderIntent(
        Side.SELL, OrderKind.STOP, D(1), D("93.1"), Role.EXIT, trigger=D(95)
    )
    assert list(playground.live) == [STOP]


def test_the_stop_stands_where_the_bot_would_act_itself_and_its_limit_is_not_under_its_distance() -> None:
    """On the tick: down for the trigger, which last must reach, up for what it sells at the least."""
    playground = bought(market(rests_stops=True, tick="0.7"), stop_pct=5, stop_limit_offset_pct=1)
    assert stands_at(playground)[:2] == (D("94.5"), D("93.8"))


@pytest.mark.parametrize(
    ("on", "chosen"), [(ON, {"protective_stop": False}), (market(), {"protective_stop": True})]
)
def test_it_rests_only_where_it_is_wanted_and_the_exchange_takes_it(on: Any, chosen: Any) -> None:
    playground = bought(on, take_profit_pct=10, **chosen)
    assert list(playground.live) == ["deal-1/target"]
    playground.move(95)
    assert sold(playground) == [("deal-1/exit", D(1), D(95))]


def test_a_stop_that_is_triggered_sells_and_the_deal_is_over() -> None:
    playground = bought(ON, stop_pct=5, cooldown_candles=3)
    playground.move(94)
    assert sold(playground) == [(STOP, D(1), D(94))]
    assert playground.live == {}
    assert told(playground, "its stop at 95 sold it") == 1
    assert told(playground, "Deal 1 closed") == 1
    candle(playground, enter=1.0)
    assert told(playground, "cooldown") == 1


def test_a_price_that_falls_through_the_limit_is_sold_at_market() -> None:
    playground = bought(ON, stop_pct=5, stop_limit_offset_pct=2, cooldown_candles=3)
    playground.move(90)
    assert sold(playground) == [("deal-1/exit", D(1), D(90))]
    assert playground.live == {}
    candle(playground, enter=1.0)
    assert told(playground, "cooldown") == 1


def test_between_trigger_and_limit_the_exchange_sells_and_the_bot_waits() -> None:
    playground = bought(ON, stop_pct=5, stop_limit_offset_pct=2)
    falls_without_buyers(playground, "94")
    playground.look()
    assert (list(playground.live), sold(playground)) == ([STOP], [])
    falls_without_buyers(playground, "93.10")
    assert sold(playground) == [("deal-1/exit", D(1), D("93.1"))]


def test_what_the_stop_has_left_is_sold_at_market() -> None:
    playground = bought(ON, stop_pct=5, stop_limit_offset_pct=2)
    playground.take(STOP, D("0.4"), D(94))
    playground.look()
    falls_without_buyers(playground, "93.5")
    assert list(playground.live) == [STOP]
    falls_without_buyers(playground, "93")
    assert sold(playground) == [(STOP, D("0.4"), D(94)), ("deal-1/exit", D("0.6"), D(93))]


def test_it_follows_the_peak_with_a_closed_candle_alone() -> None:
    playground = bought(ON, **TRAILING)
    playground.move(110)
    assert stands_at(playground)[0] == D(95)
    candle(playground)
    assert stands_at(playground) == (D("104.5"), D("102.41"), D(1))
    playground.move(120)
    playground.look(candle=row(playground))
    assert stands_at(playground)[0] == D(114)


def test_between_candles_a_fall_is_measured_by_the_stop_that_rests() -> None:
    playground = bought(ON, **TRAILING)
    playground.move(110, 104)
    assert stands_at(playground)[0] == D(95), "5 % under the peak, but no candle has closed"


def test_a_candle_that_closes_under_the_moved_stop_is_sold_on() -> None:
    playground = bought(ON, **TRAILING)
    playground.move(110, 104)
    candle(playground)
    assert sold(playground) == [("deal-1/exit", D(1), D(104))]
    assert told(playground, "stop at 104.5, price 104") == 1


def test_a_candle_that_is_shown_twice_moves_it_once() -> None:
    playground = bought(ON, **TRAILING)
    playground.move(110)
    shown = row(playground)
    playground.look(candle=shown)
    playground.move(120)
    playground.look(candle=shown)
    assert stands_at(playground)[0] == D("104.5")


def test_it_never_moves_down() -> None:
    playground = bought(ON, stop="atr", stop_trailing=True, atr_multiple=3)
    assert stands_at(playground)[0] == D(94)
    candle(playground, atr=3.0)
    assert stands_at(playground)[0] == D(94)
    playground.move(100)
    candle(playground, atr=1.0)
    assert stands_at(playground)[0] == D(97)


def test_the_profit_trail_is_no_stop_for_the_cooldown() -> None:
    chosen = {"profit_trail_arm_pct": 5, "profit_trail_pct": 3, "cooldown_candles": 3}
    playground = bought(ON, **chosen)
    playground.move(110)
    candle(playground)
    assert stands_at(playground)[0] == D("106.7")
    playground.move(106)
    assert sold(playground) == [(STOP, D(1), D(106))]
    candle(playground, enter=1.0)
    assert told(playground, "cooldown") == 0


def test_a_target_is_watched_and_sold_at_market() -> None:
    playground = bought(ON, take_profit_pct=10)
    playground.move("109.99")
    assert list(playground.live) == [STOP]
    playground.move(110)
    assert sold(playground) == [("deal-1/exit", D(1), D(110))]
    assert told(playground, "target at 110") == 1
    assert playground.live == {}


def test_added_funds_are_protected_too() -> None:
    playground = bought(ON, stop_pct=5)
    playground.look(Command(CommandKind.ADD_FUNDS, D(50)))
    assert stands_at(playground) == (D(95), D("93.1"), D("1.5"))


def test_added_funds_do_not_move_it_between_candles() -> None:
    playground = bought(ON, **TRAILING)
    playground.move(110)
    playground.look(Command(CommandKind.ADD_FUNDS, D(55)))
    assert stands_at(playground)[::2] == (D(95), D("1.5"))


def test_an_entry_that_still_fills_is_watched_by_the_bot() -> None:
    playground = Playground(
        momentum(ON, entry_order="limit", stop_pct=5), price=100, cash=1_000, spread_bps=D(2)
    )
    candle(playground, enter=1.0)
    playground.fill_part(ENTRY, D("0.4"))
    playground.look()
    assert list(playground.live) == [ENTRY]
    whole = playground.live[ENTRY].intent.amount
    playground.fill_part(ENTRY, whole - D("0.4"))
    playground.look()
    stop = playground.market.price(Side.BUY, deal_of(playground).entry * D("0.95"))
    assert stands_at(playground)[::2] == (stop, whole)


def test_a_stop_that_fills_while_it_is_cancelled_leaves_nothing_to_sell() -> None:
    playground = bought(ON, stop_pct=5, take_profit_pct=10)
    playground.take(STOP, D(1), D(94))
    playground.closing = True
    playground.look()
    assert sold(playground) == [(STOP, D(1), D(94))]
    assert finished(playground)


def test_a_stop_that_fills_in_part_while_it_is_moved_is_set_anew_for_the_rest() -> None:
    playground = bought(ON, **TRAILING)
    playground.move(110)
    playground.take(STOP, D("0.4"), D(110))
    candle(playground)
    assert stands_at(playground)[::2] == (D("104.5"), D("0.6"))


def test_a_stop_that_does_not_trail_asks_for_no_candles() -> None:
    wake = bought(ON, stop_pct=5).plan.wake
    assert (wake.below, wake.candle) == (D("93.1"), None)


def test_what_a_bot_with_a_resting_stop_waits_for() -> None:
    wake = bought(ON, take_profit_pct=10, **TRAILING).plan.wake
    assert (wake.below, wake.above, wake.candle, wake.mark) == (D("93.1"), D(110), "1m", "")


def test_a_bot_that_ends_by_its_drawdown_leaves_its_stop_where_it_is() -> None:
    strategy = guarded(momentum(ON, max_drawdown_pct=1, on_drawdown="cancel_orders", investment=110))
    playground = Playground(strategy, price=100, cash=110)
    candle(playground, enter=1.0)
    playground.move("98.5")
    assert playground.plan.finished
    assert list(playground.plan.orders) == list(playground.live) == [STOP]


def test_a_bot_that_ends_while_its_entry_rests_protects_what_has_filled() -> None:
    """Its entry is cancelled, and what it has bought is protected before it stops."""
    strategy = guarded(
        momentum(ON, entry_order="limit", max_drawdown_pct=1, on_drawdown="cancel_orders", investment=110)
    )
    playground = Playground(strategy, price=100, cash=110, spread_bps=D(2))
    candle(playground, enter=1.0)
    playground.fill_part(ENTRY, D("0.6"))
    playground.look()
    falls_without_buyers(playground, "97")
    assert list(playground.live) == [STOP]
    assert resting(playground).amount == D("0.6")
    playground.look()
    assert playground.plan.finished


def test_the_page_shows_the_stop_that_rests() -> None:
    strategy = momentum(ON, **TRAILING)
    playground = Playground(strategy, price=100, cash=1_000)
    candle(playground, enter=1.0)
    playground.move(110)
    assert strategy.figures(playground.memory)["stop"] == D(95)
