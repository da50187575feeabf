"""A scalper's open deal: its target, its stop, its time, and how it ends."""

from decimal import Decimal
from typing import Any

import pytest

from bots.strategies.base import Command, CommandKind, LiveOrder
from orders.rules import FeeIn, OrderKind, Side
from orders.states import OrderStatus
from tests.strategies.dcas import market, number_of
from tests.strategies.playground import Playground
from tests.strategies.scalpers import AT_MARKET, deal_of, later, memory_of, playing, rsi_of, scalper

D = Decimal
ROI = [{"after_s": 60, "profit_pct": "0.3"}, {"after_s": 120, "profit_pct": "0.1"}]


def bought(on: Any = None, *, spread: int = 0, **chosen: Any) -> Playground:
    """A deal of half a coin bought at 100, at market."""
    playground = playing(on, spread=spread, **{**AT_MARKET, **chosen})
    playground.look(candle=rsi_of(20))
    return playground


def test_a_target_rests_at_once_and_its_fill_ends_the_deal() -> None:
    playground = bought(market("0.001"))
    order = playground.live["deal-1/target"].intent
    assert (order.price, order.amount, order.post_only) == (D("100.5"), D("0.5"), False)
    assert playground.strategy.figures(memory_of(playground)) == {
        "average": D(100), "target": D("100.5"), "stop": D("99.6"),
    }  # fmt: skip
    playground.move("100.51")
    assert number_of(playground) is None
    assert playground.live == {}
    assert playground.position.amount == 0
    assert playground.position.realised == D("0.14975")
    assert playground.strategy.figures(memory_of(playground)) == {}


@pytest.mark.parametrize(("profit", "stop"), [("0.5", "0.4"), ("1", "0.8")])
def test_order_target_and_stop_are_those_chosen(profit: str, stop: str) -> None:
    playground = bought(order_amount=80, take_profit_pct=profit, stop_loss_pct=stop)
    assert playground.position.amount == D("0.8")
    assert playground.prices(Side.SELL) == [100 + D(profit)]
    playground.move(100 - D(stop) + D("0.01"))
    assert number_of(playground) == 1
    playground.move(100 - D(stop))
    assert number_of(playground) is None


def test_the_stop_cancels_the_target_and_sells_only_once_that_is_gone() -> None:
    playground = bought()
    assert playground.plan.wake.below == D("99.6")
    playground.fill_part("deal-1/target", "0.2")
    playground.move("99.6")
    target, stop = playground.all_fills[1:]
    assert (target.amount, stop.amount, stop.slot) == (D("0.2"), D("0.3"), "deal-1/exit")
    assert "stop loss at 99.6" in " ".join(playground.reasons)
    assert playground.position.amount == 0
    strategy = playground.strategy
    waiting = bought()
    waiting.quote = waiting.quote.__class__(D(99), D(99), D(99), waiting.now)
    assert strategy.decide(waiting.memory, waiting.seen()).orders == {}, "the target still holds the coins"


def test_an_exit_that_does_not_fill_escalates_to_the_market() -> None:
    playground = bought(max_slippage_pct=1, max_hold_s=0)
    playground.end("deal-1/target")
    memory, seen = playground.memory, playground.seen(Command(CommandKind.CLOSE_NOW))
    kinds = []
    for _ in range(3):
        plan = playground.strategy.decide(memory, seen)
        exit_order = plan.orders["deal-1/exit"]
        kinds.append((exit_order.kind, exit_order.price))
        playground.closed = []
        playground.live["deal-1/exit"] = LiveOrder(exit_order)
        playground.end("deal-1/exit")
        memory, seen = plan.memory, playground.seen()
    assert kinds == [(OrderKind.IOC, D(99)), (OrderKind.IOC, D(98)), (OrderKind.MARKET, None)]


def test_a_deal_is_sold_when_its_time_is_up() -> None:
    playground = bought(max_hold_s=300)
    assert playground.plan.wake.at == playground.now + 300_000
    later(playground, 299)
    assert number_of(playground) == 1
    later(playground, 1)
    assert number_of(playground) is None
    assert "it is 300 s old" in " ".join(playground.reasons)
    assert bought(max_hold_s=0).plan.wake.at is None


def test_the_latest_falling_target_reached_replaces_the_one_before() -> None:
    playground = bought(roi_steps=ROI, max_hold_s=0)
    seen = []
    for _ in range(3):
        seen.append(playground.prices(Side.SELL))
        later(playground, 60)
    assert seen == [[D("100.5")], [D("100.3")], [D("100.1")]]
    assert playground.plan.wake.at is None


def test_a_target_that_would_take_is_a_maker_first_and_a_taker_then() -> None:
    playground = playing(quote_width_bps=100, roi_steps=ROI, max_hold_s=0, stop_loss_pct=2, refresh_s=3600)
    playground.move("99.4")
    assert playground.live["deal-1/target"].intent.post_only
    playground.move("99.85")
    assert memory_of(playground).deal is None, "at 60 s the target is 99.80: refused as maker, sold as taker"
    assert playground.all_fills[-1].slot == "deal-1/target"
    assert playground.all_fills[-1].price > D("99.80")


def test_a_part_of_the_bid_is_offered_at_once_and_the_rest_joins_it() -> None:
    playground = playing(quote_width_bps=40, refresh_s=30)
    playground.fill_part("deal-1/entry", "0.2")
    playground.look()
    assert {slot: order.intent.amount for slot, order in playground.live.items()} == {
        "deal-1/entry": D("0.501002"), "deal-1/target": D("0.2"),
    }  # fmt: skip
    playground.fill_part("deal-1/entry", "0.1")
    playground.look()
    assert playground.live["deal-1/target"].intent.amount == D("0.3")
    later(playground, 30)
    assert set(playground.live) == {"deal-1/target"}, "its time is up: what has filled is the deal"
    assert deal_of(playground).bought == D("0.3")


def test_a_bid_is_taken_off_when_the_target_sells() -> None:
    playground = playing(quote_width_bps=40)
    playground.fill_part("deal-1/entry", "0.2")
    playground.look()
    playground.fill_part("deal-1/target", "0.1")
    playground.look()
    assert set(playground.live) == {"deal-1/target"}


def test_a_part_too_small_to_sell_is_dust_and_goes_with_the_next_deal() -> None:
    playground = playing(market(min_cost="5"), quote_width_bps=40, refresh_s=30)
    playground.fill_part("deal-1/entry", "0.01")
    playground.look()
    later(playground, 30)
    assert "0.01 BTC too small to sell stay as dust" in " ".join(playground.reasons)
    assert "deal-2/entry" in playground.live
    playground.move("99.7")
    assert playground.live["deal-2/target"].intent.amount == playground.position.amount > D("0.5")
    playground.move(101)
    assert playground.position.amount == 0


def test_a_bid_that_fills_after_its_cancel_opens_a_deal_of_its_own() -> None:
    playground = playing(quote_width_bps=40)
    playground.strategy.decide(playground.memory, playground.seen())
    playground.fill_part("deal-1/entry", "0.2")
    playground.end("deal-1/entry", OrderStatus.CANCELLED)
    playground.look()
    assert set(playground.live) == {"deal-1/target"}


def test_a_fee_in_base_leaves_only_dust() -> None:
    playground = bought(market("0.001", FeeIn.RECEIVED, lot="0.01"))
    assert playground.live["deal-1/target"].intent.amount == D("0.49")
    playground.move("100.51")
    assert number_of(playground) is None
    assert playground.position.amount == D("0.0095")


def test_close_now_and_add_funds() -> None:
    playground = bought(investment=200)
    playground.look(Command(CommandKind.ADD_FUNDS, D(100)))
    assert playground.position.amount == D("1.5")
    assert playground.live["deal-1/target"].intent.amount == D("1.5")
    playground.look(Command(CommandKind.ADD_FUNDS, D(100)))
    assert "not added" in playground.reasons[-1]
    assert playground.position.cost == 150
    playground.look(Command(CommandKind.CLOSE_NOW))
    assert number_of(playground) is None
    assert playground.position.amount == 0


def test_a_bot_told_to_close_sells_and_is_finished() -> None:
    playground = bought()
    playground.closing = True
    playground.look()
    assert playground.plan.finished
    assert playground.live == {}
    assert playground.position.amount == 0


def test_a_restarted_bot_goes_on_with_its_deal() -> None:
    strategy = scalper(**AT_MARKET)
    playground = bought()
    again = strategy.restarted(playground.memory)
    assert again.deal == playground.memory.deal
    assert strategy.decide(again, playground.seen()).orders == playground.plan.orders


def test_funds_are_not_added_where_the_rest_of_the_bid_needs_them() -> None:
    playground = playing(quote_width_bps=40, investment=100)
    playground.fill_part("deal-1/entry", "0.2")
    playground.look(Command(CommandKind.ADD_FUNDS, D(60)))
    assert "not added" in playground.reasons[-1]
    playground.look(Command(CommandKind.ADD_FUNDS, D(45)))
    assert "Adding 45 USDT" in playground.reasons[-1]


def test_dust_that_has_grown_dear_is_sold_when_the_bot_closes() -> None:
    playground = playing(market(min_cost="5"), quote_width_bps=40, refresh_s=30)
    playground.fill_part("deal-1/entry", "0.01")
    playground.look()
    later(playground, 30)
    playground.move(600)
    assert playground.position.amount == D("0.01")
    playground.closing = True
    playground.look()
    assert playground.plan.finished
    assert playground.position.amount == 0
