"""How a grid ends: at its stop, at its target, or because someone asks."""

from typing import Any

import pytest

from bots.strategies.base import Command, CommandKind, LiveOrder
from bots.strategies.grid.memory import Phase
from orders.rules import OrderKind
from orders.states import OrderStatus
from tests.strategies.grids import D, grid, market
from tests.strategies.playground import Playground


def test_at_the_stop_loss_the_orders_go_the_coins_are_sold_and_it_never_reopens() -> None:
    play = Playground(grid(stop_loss_price=85, max_slippage_pct="0.5"), price=100, cash=100)
    assert play.plan.wake.below == 85
    play.move("85.01")
    assert play.live
    play.move(85)
    assert play.plan.finished
    assert play.live == {}
    assert play.position.amount == 0
    play.move(100, 95, 80, 110)
    play.look()
    assert play.live == {}
    assert any(reason.startswith("Stop loss") for reason in play.reasons)


def test_at_the_take_profit_everything_is_sold() -> None:
    play = Playground(grid(take_profit_price=115), price=100, cash=100, coins=1)
    assert play.plan.wake.above == 115
    play.move(115)
    assert play.plan.finished
    assert play.position.amount == 0


def test_keep_cancels_the_orders_and_keeps_the_coins() -> None:
    play = Playground(grid(stop_loss_price=85, exit_action="keep"), price=100, cash=100)
    play.move(85)
    assert play.plan.finished
    assert play.live == {}
    assert play.position.amount == D("0.4")


def test_leaving_cancels_first_and_sells_only_once_every_order_is_gone() -> None:
    play = Playground(grid(stop_loss_price=85), price=100, cash=100)
    seen = play.seen()
    strategy, memory = play.strategy, play.memory
    seen = type(seen)(
        now=seen.now,
        market=seen.market,
        bid=D(84),
        ask=D(84),
        last=D(84),
        position=seen.position,
        cash=seen.cash,
        live=seen.live,
    )
    plan = strategy.decide(memory, seen)
    assert plan.orders == {}
    assert plan.memory.phase is Phase.LEAVING
    assert plan.wake.at is not None
    assert strategy.decide(plan.memory, seen).orders == {}


@pytest.mark.parametrize("how", ["closing", "close_now"])
def test_asked_to_close_it_sells_everything_even_coins_it_would_keep(how: Any) -> None:
    play = Playground(grid(exit_action="keep"), price=100, cash=100)
    play.closing = how == "closing"
    play.look(*([Command(CommandKind.CLOSE_NOW)] if how == "close_now" else []))
    assert play.plan.finished
    assert play.position.amount == 0


def test_asked_to_close_before_its_trigger_it_is_simply_finished() -> None:
    play = Playground(grid(trigger_price=104), price=100, cash=100)
    play.closing = True
    play.look()
    assert play.plan.finished
    assert not play.all_fills


def test_an_exit_is_limited_then_wider_then_plain_market_and_the_wish_stays_while_it_lives() -> None:
    play = Playground(grid(max_slippage_pct="0.5"), price=100, cash=100)
    for slot in list(play.live):
        play.end(slot)
    play.closing = True
    tries = []
    for _ in range(3):
        seen = play.seen()
        play.fills, play.closed = [], []
        plan = play.strategy.decide(play.memory, seen)
        play.memory, wish = plan.memory, plan.orders["exit"]
        tries.append((wish.kind, wish.price))
        play.live["exit"] = LiveOrder(wish)
        waiting = play.strategy.decide(play.memory, play.seen())
        assert waiting.orders == {"exit": wish}
        play.end("exit", OrderStatus.EXPIRED)
    assert tries == [(OrderKind.IOC, D("99.5")), (OrderKind.IOC, 99), (OrderKind.MARKET, None)]


def test_a_buy_that_fills_while_leaving_is_sold_too() -> None:
    play = Playground(grid(stop_loss_price=85), price=100, cash=100)
    play.fill_part("line-0", "0.1")
    play.closing = True
    play.look()
    assert play.plan.finished
    assert play.position.amount == 0


def test_what_is_too_small_to_sell_stays_and_is_said() -> None:
    play = Playground(grid(market(min_cost="5")), price=100, cash=100)
    play.closing = True
    play.position = type(play.position)(amount=D("0.01"), cost=D(1))
    play.look()
    assert play.plan.finished
    assert play.reasons[-1] == "The grid has ended; 0.01 BTC stay."


def test_stop_and_target_hold_while_the_first_coins_are_still_being_bought() -> None:
    play = Playground(grid(stop_loss_price=85), price=100, cash=100, asked=False)
    play.plan = play.strategy.decide(play.memory, play.seen())
    play.memory = play.plan.memory
    play.live["first-buy"] = LiveOrder(play.plan.orders["first-buy"])
    play.take("first-buy", D("0.1"), D(100))
    play.move(84)
    assert play.plan.finished
    assert play.position.amount == 0
