"""What holds for any momentum bot on any walk of prices and candles."""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bots.strategies.base import Command, CommandKind
from bots.strategies.guard import guarded
from bots.strategies.registry import dump_memory, load_memory
from orders.rules import FeeIn, Side
from tests.strategies.dcas import finished, market
from tests.strategies.momentums import momentum, row
from tests.strategies.playground import Playground

D = Decimal
STEPS: list[list[dict[str, int]]] = [
    [],
    [{"after_s": 120, "profit_pct": 2}, {"after_s": 300, "profit_pct": 1}],
]

chosen_settings = st.fixed_dictionaries(
    {
        "entry_order": st.sampled_from(["market", "limit"]),
        "stop": st.sampled_from(["atr", "percent"]),
        "stop_trailing": st.booleans(),
        "atr_multiple": st.decimals("0.5", 4, places=1),
        "stop_pct": st.decimals("0.5", 9, places=1),
        "profit_trail_arm_pct": st.sampled_from([0, 2]),
        "profit_trail_pct": st.sampled_from([0, 1]),
        "take_profit_pct": st.sampled_from([0, 3]),
        "roi_steps": st.sampled_from(STEPS),
        "exit_on_cross": st.booleans(),
        "protective_stop": st.booleans(),
        "stop_limit_offset_pct": st.sampled_from([D(0), D("0.3"), D(2)]),
        "max_hold_candles": st.sampled_from([0, 4]),
        "size_mode": st.sampled_from(["amount", "risk"]),
        "amount": st.integers(5, 400),
        "risk_pct": st.integers(1, 20),
        "cooldown_candles": st.sampled_from([0, 2]),
        "cooldown_s": st.sampled_from([0, 60]),
        "max_slippage_pct": st.sampled_from([D(0), D("0.5")]),
        "max_daily_loss_pct": st.sampled_from([0, 5]),
        "max_drawdown_pct": st.sampled_from([0, 15]),
        "loss_guard_count": st.sampled_from([0, 2]),
    }
)
markets = st.builds(
    market,
    fee=st.sampled_from(["0", "0.001", "0.0025"]),
    fee_in=st.sampled_from(list(FeeIn)),
    lot=st.sampled_from(["0.000001", "0.01", "0.05"]),
    min_cost=st.sampled_from(["1", "5"]),
    rests_stops=st.booleans(),
)
# What the exchange does with a stop of its own accord: it sells a part, ends it, takes none.
whims = st.sampled_from(["", "", "", "part", "end", "refuse"])
atrs = st.sampled_from([0.5, 2.0, 40.0, float("nan")])
moves = st.tuples(st.decimals("-3", 3, places=2), st.booleans(), st.booleans(), atrs, whims)
walks = st.lists(moves, min_size=5, max_size=60)


def walked(on: Any, chosen: dict[str, Any], walk: list[Any], spread: int) -> Playground:
    strategy = guarded(momentum(on, investment=400, **chosen))
    playground = Playground(strategy, price=100, cash=450, spread_bps=D(spread))
    price = D(100)
    for index, (move, enter, leave, atr, whim) in enumerate(walk):
        price = (price * (1 + move / 100)).quantize(D("0.01"))
        before, rested = stop_of(playground), trigger_of(playground)
        playground.move(price)
        if finished(playground):
            break
        assert rested is None or trigger_of(playground) in (None, rested), "it is moved by candles alone"
        humour(playground, whim)
        playground.look(candle=row(playground, enter=float(enter), leave=float(leave), atr=atr))
        if index == 20:
            playground.look(Command(CommandKind.ADD_FUNDS, D(30)))
        inspect(playground)
        moved = trigger_of(playground)
        assert rested is None or moved is None or rested[0] != moved[0] or moved[1] >= rested[1]
        after = stop_of(playground)
        assert before is None or after is None or before[0] != after[0] or after[1] >= before[1]
        if finished(playground):
            break
    return playground


def humour(playground: Playground, whim: str) -> None:
    playground.refuses_stops = whim == "refuse"
    slot = next((slot for slot in playground.live if slot.endswith("/stop")), None)
    if slot is None:
        return
    order = playground.live[slot]
    part = playground.market.amount((order.intent.amount - order.filled) / 2)
    if whim == "part" and part and order.intent.trigger is not None:
        playground.take(slot, part, order.intent.trigger)
        playground.look()
    elif whim == "end":
        playground.end(slot)
        playground.look()


def trigger_of(playground: Playground) -> tuple[str, Decimal] | None:
    """Of the stop that rests."""
    for slot, order in playground.live.items():
        if order.intent.trigger is not None:
            return slot, order.intent.trigger
    return None


def stop_of(playground: Playground) -> tuple[int, Decimal] | None:
    deal = playground.memory.inner.deal
    return None if deal is None or deal.stop is None else (deal.number, deal.stop)


def inspect(playground: Playground) -> None:
    """The rules that hold after every move; the playground itself refuses overselling and debt."""
    memory, strategy = playground.memory, playground.strategy
    inner = memory.inner
    assert playground.position.cost <= strategy.settings.investment + D("0.01")
    held = inner.dust.amount + (inner.deal.held.amount if inner.deal else 0)
    assert held == playground.position.amount, "what it knows from fills is what there is"
    live = playground.live.values()
    assert sum(one.intent.trigger is not None for one in live) <= 1
    selling = sum(one.intent.amount - one.filled for one in live if one.intent.side is Side.SELL)
    assert selling <= playground.position.amount
    seen = playground.seen()
    once = strategy.decide(memory, seen)
    assert strategy.decide(memory, seen) == once
    assert strategy.decide(once.memory, seen).orders == once.orders
    restored = load_memory(strategy, dump_memory(memory))
    assert restored == memory
    assert strategy.decide(restored, seen) == once


@settings(max_examples=60, deadline=None)
@given(on=markets, chosen=chosen_settings, walk=walks, spread=st.sampled_from([0, 10]))
def test_any_bot_on_any_walk_keeps_within_its_means(on: Any, chosen: Any, walk: Any, spread: Any) -> None:
    walked(on, chosen, walk, spread)


@settings(max_examples=30, deadline=None)
@given(on=markets, chosen=chosen_settings, walk=walks)
def test_a_bot_told_to_close_is_flat_but_for_dust(on: Any, chosen: Any, walk: Any) -> None:
    playground = walked(on, chosen, walk, 0)
    playground.closing = True
    playground.look()
    assert finished(playground)
    assert playground.live == {}
    assert not on.enough(on.amount(playground.position.amount), playground.quote.bid)
