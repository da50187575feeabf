"""What holds for any dip bot on any walk of prices."""

from collections import Counter
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bots.strategies.base import Command, CommandKind, SignalRow
from bots.strategies.dip.signals import DIPS
from bots.strategies.guard import guarded
from bots.strategies.registry import dump_memory, load_memory
from orders.rules import FeeIn, Side
from tests.strategies.dcas import finished, market
from tests.strategies.dips import BEGAN, HOUR_MS, dip, dips_mark, memory_of
from tests.strategies.playground import Playground

D = Decimal
WINDOW = 5
TARGETS = [
    [{"profit_pct": 2, "share_pct": 100}],
    [
        {"profit_pct": 2, "share_pct": 34},
        {"profit_pct": 3, "share_pct": 33},
        {"profit_pct": 5, "share_pct": 33},
    ],
    [{"profit_pct": 1, "share_pct": 4}, {"profit_pct": 2, "share_pct": 96}],
]
chosen_settings = st.fixed_dictionaries(
    {
        "dip_pct": st.sampled_from([D(1), D(2)]),
        "rebound_pct": st.sampled_from([D(0), D("0.5")]),
        "rearm_pct": st.sampled_from([0, 50, 100]),
        "buy_amount": st.integers(20, 60),
        "buy_weights": st.sampled_from([[1], [1, "1.5", 2]]),
        "max_buys": st.integers(1, 3),
        "rebuy_drop_pct": st.sampled_from([D(1), D(3)]),
        "entry_order": st.sampled_from(["market", "limit"]),
        "limit_offset_pct": st.sampled_from([D(0), D("0.5")]),
        "order_ttl_s": st.sampled_from([120, 3600]),
        "take_profits": st.sampled_from(TARGETS),
        "trail_pct": st.sampled_from([D(0), D(1)]),
        "stop_loss_pct": st.sampled_from([0, 4, 10]),
        "max_hold_candles": st.sampled_from([0, 10]),
        "roi_steps": st.sampled_from([[], [{"after_s": 600, "profit_pct": "0.6"}]]),
        "max_slippage_pct": st.sampled_from([D(0), D("0.5")]),
        "cooldown_s": st.sampled_from([0, 120]),
        "max_daily_loss_pct": st.sampled_from([0, 5]),
        "loss_guard_count": st.sampled_from([0, 2]),
    }
)
markets = st.builds(
    market,
    fee=st.sampled_from(["0", "0.001", "0.0025"]),
    fee_in=st.sampled_from(list(FeeIn)),
    lot=st.sampled_from(["0.000001", "0.01", "0.05"]),
    min_cost=st.sampled_from(["1", "5"]),
)
walks = st.lists(st.decimals("-3", 3, places=2), min_size=10, max_size=60)


def signal(prices: list[Decimal], hour: int, dip_pct: Decimal) -> SignalRow:
    """A candle that was the last move alone; the high is that of the last five."""
    recent = prices[-WINDOW:]
    high = max(recent)
    at = BEGAN + (hour - recent[::-1].index(high)) * HOUR_MS
    values = {"high": float(high), "high_at": float(at), "top": float(prices[-1]), "low": float(prices[-1])}
    values[DIPS] = dips_mark(float(prices[-1]), float(high), float(dip_pct))
    passes = {"rsi": 20.0, "before": float(prices[-1])}
    return SignalRow(BEGAN + hour * HOUR_MS, prices[-1], {**values, **passes})


def walked(on: Any, chosen: dict[str, Any], moves: list[Decimal], spread: int) -> Playground:
    strategy = guarded(dip(on, investment=300, lookback=WINDOW, **chosen))
    playground = Playground(strategy, price=100, cash=300, spread_bps=D(spread))
    prices = [D(100)]
    for hour, move in enumerate(moves, 1):
        prices.append((prices[-1] * (1 + move / 100)).quantize(D("0.01")))
        playground.move(prices[-1])
        if hour == 20:
            playground.look(Command(CommandKind.ADD_FUNDS, D(30)))
        if finished(playground):
            break
        candle = signal(prices, hour, chosen["dip_pct"])
        inspect(playground, candle)
        playground.look(candle=candle)
        inspect(playground, None)
    return playground


def inspect(playground: Playground, candle: SignalRow | None) -> None:
    """The rules that hold at every look; the playground itself refuses overselling and debt."""
    memory, strategy = playground.memory, playground.strategy
    inner = memory_of(playground)
    assert playground.position.cost <= 300
    held = inner.dust.amount + (inner.deal.held.amount if inner.deal else 0)
    assert held == playground.position.amount, "what it knows from fills is what there is"
    sales = (order for order in playground.live.values() if order.intent.side is Side.SELL)
    assert sum(order.intent.amount - order.filled for order in sales) <= playground.position.amount
    bought = Counter(fill.slot for fill in playground.all_fills if "/buy-" in fill.slot)
    assert all(count == 1 for count in bought.values()), "one order a slot"
    assert all(int(slot.rpartition("-")[2]) <= strategy.settings.max_buys for slot in bought)
    seen = playground.seen(candle=candle)
    once = strategy.decide(memory, seen)
    assert strategy.decide(memory, seen) == once
    assert strategy.decide(once.memory, seen).orders == once.orders
    restored = load_memory(strategy, dump_memory(memory))
    assert restored == memory
    assert strategy.decide(restored, seen) == once


@settings(max_examples=80, deadline=None)
@given(on=markets, chosen=chosen_settings, moves=walks, spread=st.sampled_from([0, 10]))
def test_any_bot_on_any_walk_keeps_within_its_means(on: Any, chosen: Any, moves: Any, spread: Any) -> None:
    walked(on, chosen, moves, spread)


@settings(max_examples=40, deadline=None)
@given(on=markets, chosen=chosen_settings, moves=walks)
def test_a_bot_told_to_close_is_flat_but_for_dust(on: Any, chosen: Any, moves: Any) -> None:
    playground = walked(on, chosen, moves, 0)
    playground.closing = True
    playground.look()
    assert finished(playground)
    assert playground.live == {}
    assert not on.enough(on.amount(playground.position.amount), playground.quote.bid)


def test_these_walks_do_trade() -> None:
    moves = [D(one) for one in (1, -2, -2, 1, 3, 3, 1, -3, -3, 2, 3, 3, -1, -3, -3, -3, -3, -3)]
    chosen: dict[str, Any] = {"dip_pct": 2, "entry_order": "market", "rearm_pct": 50, "stop_loss_pct": 4}
    playground = walked(market("0.001"), chosen, moves, 0)
    sold = {fill.slot.partition("/")[2] for fill in playground.all_fills if fill.side is Side.SELL}
    assert {"exit"} < sold
    assert memory_of(playground).deals >= 2
