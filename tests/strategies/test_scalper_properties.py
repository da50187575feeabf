"""What holds for any scalper on any walk of prices."""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bots.strategies.base import Command, CommandKind
from bots.strategies.guard import guarded
from bots.strategies.registry import dump_memory, load_memory
from orders.rules import FeeIn, Side
from tests.strategies.dcas import market
from tests.strategies.playground import Playground
from tests.strategies.scalpers import memory_of, rsi_of, scalper

D = Decimal

ROI = [{"after_s": 60, "profit_pct": "0.3"}, {"after_s": 180, "profit_pct": "0.1"}]
entries: list[dict[str, Any]] = [
    {"entry": "spread_capture"},
    {"entry": "rsi"},
    {"entry": "rsi", "post_only": False},
    {"entry": "rsi", "post_only": False, "entry_order": "market"},
]
chosen_settings = st.fixed_dictionaries(
    {
        "order_amount": st.integers(10, 150),
        "take_profit_pct": st.sampled_from(["0.4", "0.8", "2"]),
        "stop_loss_pct": st.sampled_from(["0.3", "1", "5"]),
        "quote_width_bps": st.sampled_from([0, 60, 200]),
        "refresh_s": st.sampled_from([10, 90, 600]),
        "entry_timeout_s": st.sampled_from([10, 90]),
        "max_hold_s": st.sampled_from([0, 60, 300]),
        "roi_steps": st.sampled_from([[], ROI]),
        "max_trades_per_hour": st.sampled_from([0, 2]),
        "max_consecutive_losses": st.sampled_from([0, 2]),
        "loss_pause_s": st.just(300),
        "max_spread_bps": st.sampled_from([0, 15]),
        "max_slippage_pct": st.sampled_from([D(0), D("0.5")]),
        "cooldown_s": st.sampled_from([0, 15, 90]),
        "max_daily_loss_pct": st.sampled_from([0, 5]),
        "max_drawdown_pct": st.sampled_from([0, 10]),
    }
)
markets = st.builds(
    market,
    fee=st.sampled_from(["0", "0.001", "0.0025"]),
    fee_in=st.sampled_from(list(FeeIn)),
    lot=st.sampled_from(["0.000001", "0.01", "0.05"]),
    min_cost=st.sampled_from(["1", "5"]),
)
walks = st.lists(st.decimals("-1", 1, places=2), min_size=5, max_size=60)


def walked(on: Any, chosen: dict[str, Any], moves: list[Decimal], spread: int) -> Playground:
    strategy = scalper(on, **{**chosen, "investment": 200})
    playground = Playground(guarded(strategy), price=100, cash=400, spread_bps=D(spread))
    price = D(100)
    for index, move in enumerate(moves):
        price = (price * (1 + move / 100)).quantize(D("0.01"))
        playground.move(price)
        entry = f"deal-{memory_of(playground).deals + 1}/entry"
        if index % 7 == 3 and entry in playground.live:
            playground.fill_part(entry, on.lot)
        if playground.plan.wake.candle:
            playground.look(candle=rsi_of(20 if move < 0 else 60))
        if index == 20:
            playground.look(Command(CommandKind.ADD_FUNDS, D(30)))
        inspect(playground)
        if playground.plan.finished:
            break
    return playground


def inspect(playground: Playground) -> None:
    """The rules that hold after every move; the playground itself refuses overselling and debt."""
    memory, strategy = playground.memory, playground.strategy
    resting = playground.resting(Side.BUY)
    assert playground.position.cost + resting <= strategy.settings.investment
    sales = [order for order in playground.live.values() if order.intent.side is Side.SELL]
    assert sum(order.intent.amount - order.filled for order in sales) <= playground.position.amount
    assert len(sales) <= 1
    assert len(playground.live) <= 3
    seen = playground.seen()
    once = strategy.decide(memory, seen)
    assert strategy.decide(memory, seen) == once
    restored = load_memory(strategy, dump_memory(memory))
    assert restored == memory
    assert strategy.decide(restored, seen) == once
    if not (playground.fills or playground.closed):
        assert strategy.decide(once.memory, seen).orders == once.orders


@settings(max_examples=60, deadline=None)
@given(
    on=markets,
    entry=st.sampled_from(entries),
    chosen=chosen_settings,
    moves=walks,
    spread=st.sampled_from([0, 2, 10]),
)
def test_any_bot_on_any_walk_keeps_within_its_means(
    on: Any, entry: Any, chosen: Any, moves: Any, spread: Any
) -> None:
    walked(on, {**chosen, **entry}, moves, spread)


@settings(max_examples=30, deadline=None)
@given(on=markets, entry=st.sampled_from(entries), chosen=chosen_settings, moves=walks)
def test_a_bot_told_to_close_is_flat_but_for_dust(on: Any, entry: Any, chosen: Any, moves: Any) -> None:
    playground = walked(on, {**chosen, **entry}, moves, 2)
    playground.closing = True
    playground.look()
    assert playground.plan.finished
    assert playground.live == {}
    assert not on.enough(on.amount(playground.position.amount), playground.quote.bid)
