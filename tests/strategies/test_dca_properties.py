"""What holds for any DCA bot on any walk of prices."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bots.strategies.base import Command, CommandKind
from bots.strategies.dca.entry import reinvested
from bots.strategies.guard import guarded
from bots.strategies.registry import dump_memory, load_memory
from orders.rules import FeeIn, Side
from tests.strategies.dcas import dca, finished, market
from tests.strategies.playground import Playground

D = Decimal

STEPS: list[list[dict[str, int]]] = [
    [],
    [{"profit_pct": 1, "share_pct": 40}, {"profit_pct": 3, "share_pct": 60}],
    [
        {"profit_pct": 1, "share_pct": 5},
        {"profit_pct": 2, "share_pct": 25},
        {"profit_pct": 3, "share_pct": 70},
    ],
]

chosen_settings = st.fixed_dictionaries(
    {
        "base_order_volume": st.integers(10, 60),
        "base_order_type": st.sampled_from(["market", "limit"]),
        "safety_order_volume": st.integers(10, 60),
        "max_safety_orders": st.integers(1, 6),
        "safety_order_step_pct": st.decimals("0.3", 4, places=1),
        "safety_order_step_scale": st.decimals("0.5", 2, places=1),
        "safety_order_volume_scale": st.decimals("0.7", "1.6", places=1),
        "deviation_reference": st.sampled_from(["base", "last"]),
        "take_profit_pct": st.decimals("0.6", 4, places=1),
        "take_profit_type": st.sampled_from(["total", "base"]),
        "take_profit_steps": st.sampled_from(STEPS),
        "trailing_deviation_pct": st.sampled_from([D(0), D("0.5")]),
        "stop_loss_pct": st.sampled_from([0, 3, 12]),
        "stop_loss_reference": st.sampled_from(["base", "average"]),
        "close_after_s": st.sampled_from([0, 600]),
        "reinvest_pct": st.sampled_from([0, 50, 100]),
        "max_slippage_pct": st.sampled_from([D(0), D("0.5")]),
        "cooldown_s": st.sampled_from([0, 60, 300]),
        "max_daily_loss_pct": st.sampled_from([0, 5]),
        "max_drawdown_pct": st.sampled_from([0, 15]),
        "loss_guard_count": st.sampled_from([0, 2]),
        "bot_take_profit_pct": st.sampled_from([0, 6]),
    }
)
markets = st.builds(
    market,
    fee=st.sampled_from(["0", "0.001", "0.0025"]),
    fee_in=st.sampled_from(list(FeeIn)),
    lot=st.sampled_from(["0.000001", "0.01", "0.05"]),
    min_cost=st.sampled_from(["1", "5"]),
)
walks = st.lists(st.decimals("-3", 3, places=2), min_size=5, max_size=60)


def walked(on: Any, chosen: dict[str, Any], moves: list[Decimal], spread: int) -> Playground:
    active = min(2, chosen["max_safety_orders"])
    strategy = dca(on, investment=400, active_safety_orders=active, **chosen)
    playground = Playground(guarded(strategy), price=100, cash=400, spread_bps=D(spread))
    price = D(100)
    for index, move in enumerate(moves):
        price = (price * (1 + move / 100)).quantize(D("0.01"))
        playground.move(price)
        if index == 20:
            playground.look(Command(CommandKind.ADD_FUNDS, D(30)))
        inspect(playground)
        if finished(playground):
            break
    return playground


def inspect(playground: Playground) -> None:
    """The rules that hold after every move; the playground itself refuses overselling and debt."""
    memory, strategy = playground.memory, playground.strategy
    inner = memory.inner
    profit = reinvested(strategy.settings, inner)
    assert playground.position.cost <= strategy.settings.investment + profit + D("0.01")
    held = inner.dust.amount + (inner.deal.held.amount if inner.deal else 0)
    assert held == playground.position.amount, "what it knows from fills is what there is"
    selling = sum(
        order.intent.amount - order.filled
        for order in playground.live.values()
        if order.intent.side is Side.SELL
    )
    assert selling <= playground.position.amount
    resting = [order for slot, order in playground.live.items() if "safety" in slot]
    assert len(resting) <= strategy.settings.active_safety_orders
    seen = playground.seen()
    once = strategy.decide(memory, seen)
    assert strategy.decide(memory, seen) == once
    assert strategy.decide(once.memory, seen).orders == once.orders
    restored = load_memory(strategy, dump_memory(memory))
    assert restored == memory
    assert strategy.decide(restored, seen) == once


@settings(max_examples=60, deadline=None)
@given(on=markets, chosen=chosen_settings, moves=walks, spread=st.sampled_from([0, 10]))
def test_any_bot_on_any_walk_keeps_within_its_means(on: Any, chosen: Any, moves: Any, spread: Any) -> None:
    walked(on, chosen, moves, spread)


@settings(max_examples=30, deadline=None)
@given(on=markets, chosen=chosen_settings, moves=walks)
def test_a_bot_told_to_close_is_flat_but_for_dust(on: Any, chosen: Any, moves: Any) -> None:
    playground = walked(on, chosen, moves, 0)
    playground.closing = True
    playground.look()
    assert finished(playground)
    assert playground.live == {}
    left = on.amount(playground.position.amount)
    assert not on.enough(left, playground.quote.bid)


@given(chosen=chosen_settings, price=st.decimals("0.5", 90_000, places=2))
def test_the_ladder_falls_and_keeps_to_its_volumes(chosen: Any, price: Any) -> None:
    strategy = dca(market(lot="0.00000001", tick="0.00001", min_cost="0.001"), **chosen)
    rungs = strategy.settings.ladder.rungs(strategy.market, price, D(0))
    prices = [price, *(rung.price for rung in rungs)]
    assert all(lower < higher for higher, lower in pairwise(prices))
    for rung, volume in zip(rungs, strategy.settings.ladder.volumes, strict=False):
        assert rung.raised or rung.amount * rung.price <= volume
