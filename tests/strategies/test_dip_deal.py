"""A dip's deal from its first buy to its close, on a tiny exchange."""

from decimal import Decimal
from typing import Any

import pytest

from bots.strategies.base import Command, CommandKind, LiveOrder, OrderIntent, Role
from bots.strategies.dip.memory import Phase
from bots.strategies.guard import guarded
from orders.matching import Quote
from orders.rules import FeeIn, OrderKind, Side
from orders.states import OrderStatus
from tests.strategies.dcas import market
from tests.strategies.dips import AT_ONCE, candle, deal_of, dip, entered, memory_of
from tests.strategies.playground import Playground

D = Decimal
WHOLE = [{"profit_pct": 4, "share_pct": 100}]
FAR = [{"profit_pct": 9, "share_pct": 100}]


def sales(playground: Playground) -> list[str]:
    return [fill.slot for fill in playground.all_fills if fill.side is Side.SELL]


def flat(playground: Playground) -> bool:
    return memory_of(playground).deal is None


@pytest.mark.parametrize("fee_in", list(FeeIn))
def test_v_dip_2_targets_at_4_7_and_10_percent_over_1990(fee_in: Any) -> None:
    playground = Playground(dip(market("0.001", fee_in), **AT_ONCE), price=1990, cash=10_000)
    playground.look(candle=candle("1990", high=2100.0, top=1990.0, before=1990.0))
    assert playground.prices(Side.SELL) == [D("2069.60"), D("2129.30"), D("2189.00")]
    shares = [order.intent.amount for slot, order in sorted(playground.live.items())]
    held = market().amount(playground.position.amount)
    assert sum(shares) == held
    assert shares[0] == market().amount(held * D("0.34"))
    assert {order.intent.role for order in playground.live.values()} == {Role.EXIT}


def test_each_target_sells_its_part_and_the_last_closes() -> None:
    playground = entered(price=94)
    playground.move("97.77")
    assert sales(playground) == ["deal-1/target-1"]
    playground.move("100.59", "103.41")
    assert sales(playground) == ["deal-1/target-1", "deal-1/target-2", "deal-1/target-3"]
    assert flat(playground)
    assert playground.position.amount == 0
    assert any("Deal 1 closed: profit" in reason for reason in playground.reasons)


def test_a_further_drop_buys_again_by_weight_until_the_buys_are_spent() -> None:
    playground = entered(price=94, stop_loss_pct=0)
    assert playground.plan.wake.below == D("94") * D("0.97")
    playground.move("91.19")
    assert len(playground.all_fills) == 1, "91.18 is 3 % under the last buy"
    playground.move("91.18", "88.44", "80", "70")
    spent = [fill.value for fill in playground.all_fills]
    assert [round(value) for value in spent] == [50, 75, 100]
    assert {fill.side for fill in playground.all_fills} == {Side.BUY}
    deal = deal_of(playground)
    assert playground.prices(Side.SELL)[0] == market().price(Side.SELL, deal.average * D("1.04"))
    assert sum(order.intent.amount for order in playground.live.values()) == playground.position.amount


def test_the_last_weight_repeats_and_one_buy_buys_once() -> None:
    assert [dip(buy_weights=[1, 3]).settings.spends(number) for number in (1, 2, 3)] == [50, 150, 150]
    playground = entered(price=94, max_buys=1, stop_loss_pct=0)
    playground.move(80, 70)
    assert len(playground.all_fills) == 1


def test_rebuys_are_no_entries_and_rest_as_limits_too() -> None:
    playground = entered(price=94, entry_order="limit", stop_loss_pct=0, order_ttl_s=600)
    playground.move("91", "90.9")
    rebuys = [fill for fill in playground.all_fills if fill.slot == "deal-1/buy-2"]
    assert [fill.price for fill in rebuys] == [D("91")]
    playground.quote = Quote(D(88), D(88), D(88), playground.now)
    plan = playground.strategy.decide(playground.memory, playground.seen())
    assert plan.orders["deal-1/buy-3"].role is Role.ADD


def test_no_buy_after_a_target_has_sold() -> None:
    playground = entered(price=94, stop_loss_pct=0)
    playground.move("97.77", "91", "85")
    assert [fill.slot for fill in playground.all_fills] == ["deal-1/buy-1", "deal-1/target-1"]


def test_a_rebuy_over_the_budget_is_left_out_and_said_once() -> None:
    playground = entered(price=94, stop_loss_pct=0, investment=225)
    playground.cash = D(20)
    playground.move("91", "90", "89")
    assert len(playground.all_fills) == 1
    assert len([reason for reason in playground.reasons if "Buy 2 needs" in reason]) == 1


def test_the_stop_cancels_all_and_then_sells_the_rest() -> None:
    playground = entered(price=94, max_buys=1)
    assert playground.plan.wake.below == D("94") * D("0.9")
    playground.move("84.61")
    assert sales(playground) == []
    playground.now += 60_000
    playground.quote = Quote(D("84.6"), D("84.6"), D("84.6"), playground.now)
    plan = playground.strategy.decide(playground.memory, playground.seen())
    assert plan.orders == {}, "nothing is sold while targets are live"
    playground.look()
    assert sales(playground) == ["deal-1/exit"]
    assert flat(playground)
    assert any("stop loss at 84.6" in reason for reason in playground.reasons)


@pytest.mark.parametrize(("drop", "price"), [(3, "91.18"), (5, "89.3")])
def test_a_buy_spends_its_amount_and_the_next_comes_after_the_drop(drop: int, price: str) -> None:
    playground = entered(price=94, buy_amount=80, rebuy_drop_pct=drop, buy_weights=[1, 2])
    assert playground.plan.wake.below == D(94) * (1 - D(drop) / 100) == D(price)
    playground.move(D(price) + D("0.01"), price)
    spent = [fill.value for fill in playground.all_fills]
    assert spent == [pytest.approx(D(80), abs=D("0.001")), pytest.approx(D(160), abs=D("0.001"))]


def test_the_trail_is_armed_at_its_own_profit() -> None:
    playground = entered(price=94, trail_arm_pct=5, trail_pct=2, take_profits=FAR)
    playground.move("98.69")
    assert deal_of(playground).peak is None
    playground.move("98.70")
    assert deal_of(playground).peak == D("98.70"), "5 % over 94"


def test_the_trail_arms_and_sells_the_rest_under_its_peak() -> None:
    playground = entered(price=94, trail_pct=2)
    playground.move("96.81")
    assert deal_of(playground).peak is None
    playground.move("96.82", "97.5")
    assert deal_of(playground).peak == D("97.5")
    assert playground.plan.wake.below == D("97.5") * D("0.98")
    playground.move("95.56")
    assert sales(playground) == []
    playground.move("95.55")
    assert sales(playground) == ["deal-1/exit"]
    assert any("trailing stop" in reason for reason in playground.reasons)


def test_v_tr_5_the_stop_is_fixed_until_the_trail_arms() -> None:
    playground = Playground(dip(**{**AT_ONCE, "trail_pct": 2, "dip_pct": 4}), price=100, cash=1_000)
    playground.look(candle=candle("100", dip_pct=4, high=105.0))
    figures = playground.strategy.figures
    assert figures(playground.memory)["stop"] == D(90)
    playground.move(103)
    assert figures(playground.memory)["stop"] == D("100.94")
    assert figures(playground.memory)["target"] == D(104)


def test_a_rebuy_lets_the_trail_arm_anew_from_its_average() -> None:
    playground = entered(price=94, trail_pct=2)
    playground.look(Command(CommandKind.ADD_FUNDS, D(50)))
    playground.move("97")
    assert deal_of(playground).peak == D("97")
    playground.look(Command(CommandKind.ADD_FUNDS, D(500)))
    assert deal_of(playground).peak is None
    assert sales(playground) == []


def test_without_a_stop_nothing_is_sold_below() -> None:
    playground = entered(price=94, max_buys=1, stop_loss_pct=0)
    playground.move(50, 10)
    assert sales(playground) == []


def test_a_deal_is_sold_after_its_longest_hold() -> None:
    playground = entered(price=94, max_hold_candles=2)
    opened = deal_of(playground).opened_at
    assert playground.plan.wake.at == opened + 7_200_000
    playground.now = opened + 7_200_000
    playground.move(94)
    assert sales(playground) == ["deal-1/exit"]
    assert any("held for 2 candles" in reason for reason in playground.reasons)


def test_profit_by_age_replaces_the_targets_with_one() -> None:
    steps = [{"after_s": 600, "profit_pct": 3}, {"after_s": 1200, "profit_pct": 1}]
    playground = entered(price=94, roi_steps=steps)
    assert sorted(playground.live) == ["deal-1/target-1", "deal-1/target-2", "deal-1/target-3"]
    playground.move(*[94] * 10)
    assert {slot: order.intent.price for slot, order in playground.live.items()} == {"deal-1/roi": D("96.82")}
    assert playground.live["deal-1/roi"].intent.amount == playground.position.amount
    playground.move(*[94] * 10)
    assert playground.prices(Side.SELL) == [D("94.94")]
    playground.move("94.95")
    assert sales(playground) == ["deal-1/roi"]
    assert flat(playground)


def test_profit_by_age_sells_what_the_targets_have_left() -> None:
    playground = entered(price=94, roi_steps=[{"after_s": 600, "profit_pct": 1}])
    playground.move("97.77")
    left = playground.position.amount
    playground.move(*[94] * 9)
    assert playground.live["deal-1/roi"].intent.amount == left


def test_a_part_under_the_minimum_joins_the_next() -> None:
    shares = [{"profit_pct": 4, "share_pct": 5}, {"profit_pct": 7, "share_pct": 95}]
    playground = entered(market(min_cost="5"), price=94, take_profits=shares)
    assert sorted(playground.live) == ["deal-1/target-2"]
    assert playground.live["deal-1/target-2"].intent.amount == playground.position.amount


def test_close_now_and_the_escalation_of_its_exit() -> None:
    playground = entered(price=94, take_profits=WHOLE, max_slippage_pct=1)
    strategy, seen = playground.strategy, playground.seen(Command(CommandKind.CLOSE_NOW))
    leaving = strategy.decide(playground.memory, seen).memory
    assert leaving.deal.phase is Phase.EXITING
    playground.memory = leaving
    playground.live = {}
    kinds = []
    for _ in range(3):
        plan = strategy.decide(playground.memory, playground.seen())
        order = plan.orders["deal-1/exit"]
        kinds.append((order.kind, order.price))
        playground.memory = plan.memory
        playground.live = {"deal-1/exit": LiveOrder(order)}
        playground.end("deal-1/exit", OrderStatus.CANCELLED)
        playground.memory = strategy.decide(playground.memory, playground.seen()).memory
        playground.closed = []
    assert kinds == [(OrderKind.IOC, D("93.06")), (OrderKind.IOC, D("92.12")), (OrderKind.MARKET, None)]


def test_funds_are_added_within_the_budget_and_move_the_targets() -> None:
    playground = entered(price=94, investment=300)
    playground.look(Command(CommandKind.ADD_FUNDS, D(100)))
    assert playground.all_fills[-1].slot == "deal-1/added-1"
    assert sum(order.intent.amount for order in playground.live.values()) == playground.position.amount
    playground.look(Command(CommandKind.ADD_FUNDS, D(200)))
    assert len(playground.all_fills) == 2
    assert any("over the" in reason for reason in playground.reasons)
    playground.move("97.77")
    playground.look(Command(CommandKind.ADD_FUNDS, D(20)))
    assert any("is being sold" in reason for reason in playground.reasons)


def test_told_to_close_it_sells_all_and_is_done() -> None:
    playground = entered(price=94)
    playground.closing = True
    playground.look()
    assert playground.position.amount == 0
    assert playground.plan.finished


def test_a_late_fill_of_a_closed_deal_is_sold() -> None:
    playground = entered(price=94, take_profits=WHOLE, max_buys=1)
    playground.move("97.77")
    assert flat(playground)
    playground.move("94")
    playground.live["deal-1/buy-2"] = LiveOrder(
        OrderIntent(Side.BUY, OrderKind.LIMIT, D("0.5"), D(94), Role.ADD)
    )
    playground.take("deal-1/buy-2", D("0.5"), D(94), maker=True)
    playground.look()
    assert deal_of(playground).phase is Phase.WINDING
    playground.move("97.77")
    assert flat(playground)
    assert playground.position.amount == 0


def test_a_restart_keeps_the_deal_and_forgets_an_unbought_dip() -> None:
    playground = entered(price=94)
    strategy = playground.strategy
    assert strategy.restarted(playground.memory).deal == deal_of(playground)
    fresh = strategy.first_memory()
    armed = strategy.decide(fresh, playground.seen(candle=candle("94", 5))).memory
    assert strategy.restarted(armed).episode is None


def test_the_guard_holds_the_entry_and_never_the_exit() -> None:
    playground = Playground(guarded(dip(**AT_ONCE)), price=94, cash=1_000)
    playground.stale = True
    playground.look(candle=candle("94"))
    assert playground.all_fills == []
    playground.stale = False
    playground.look()
    assert len(playground.all_fills) == 1
    playground.stale = True
    playground.look(Command(CommandKind.CLOSE_NOW))
    assert playground.position.amount == 0
