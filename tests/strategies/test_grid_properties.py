"""What holds for every grid on every path of prices."""

from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bots.strategies.grid import Grid
from orders.rules import FeeIn, Side
from orders.states import OrderStatus
from tests.strategies.grids import D, grid, market
from tests.strategies.playground import Playground

INVESTMENT = 1_000
STEPS = st.lists(
    st.tuples(
        st.integers(min_value=7_000, max_value=14_000),
        st.sampled_from(["", "", "part", "cancel", "part cancel"]),
        st.integers(min_value=1, max_value=99),
    ),
    min_size=1,
    max_size=25,
)


@st.composite
def grids(draw: Any) -> Grid:
    on = market(
        fee=draw(st.sampled_from(["0", "0.001", "0.0025"])),
        fee_in=draw(st.sampled_from(list(FeeIn))),
        lot=draw(st.sampled_from(["0.00001", "0.001"])),
        min_cost=draw(st.sampled_from(["1", "5"])),
        min_amount="0.001",
    )
    chosen: dict[str, Any] = {
        "investment": INVESTMENT,
        "order_size": None,
        "max_slippage_pct": "0.5",
        "lines": draw(st.integers(min_value=2, max_value=12)),
        "spacing": draw(st.sampled_from(["arithmetic", "geometric"])),
        "size_mode": draw(st.sampled_from(["quote", "base"])),
        "gap_rule": draw(st.sampled_from(["nearest", "above", "below"])),
        "reinvest": draw(st.booleans()),
        "max_active_orders": draw(st.sampled_from([None, 1, 3])),
    }
    kind = draw(st.sampled_from(["plain", "up", "down", "infinity"]))
    if kind == "up":
        chosen |= {"trailing_up": True, "trailing_up_limit": draw(st.sampled_from([None, 130]))}
    if kind == "down":
        chosen |= {"trailing_down": True, "trailing_down_limit": 75}
    if kind == "infinity":
        chosen |= {"infinity": True, "upper_price": None, "size_mode": "quote", "step_pct": 3}
    return grid(on, **chosen)


def disturb(play: Playground, what: str, pct: int) -> None:
    """An order, chosen by `pct`, fills in part, or is cancelled from outside, or both."""
    resting = [slot for slot in sorted(play.live) if slot.startswith("line-")]
    if not what or not resting:
        return
    slot = resting[pct % len(resting)]
    order = play.live[slot]
    if "part" in what:
        part = play.market.amount((order.intent.amount - order.filled) * pct / 100)
        if 0 < part < order.intent.amount - order.filled:
            play.fill_part(slot, part)
    if "cancel" in what:
        play.end(slot, OrderStatus.CANCELLED)
    play.look()


def must_hold(play: Playground) -> None:
    lines = play.memory.lines
    assert [line.index for line in lines] == sorted({line.index for line in lines})
    assert [line.price for line in lines] == sorted({line.price for line in lines})
    prices = [order.intent.price for order in play.live.values()]
    assert len(prices) == len(set(prices)), "one order per line"
    sells = [order for order in play.live.values() if order.intent.side is Side.SELL]
    offered = sum((order.intent.amount - order.filled for order in sells), D(0))
    assert offered <= play.position.amount
    fee = play.market.maker_fee if play.market.fee_in is FeeIn.QUOTE else 0
    assert play.resting(Side.BUY) * (1 + fee) <= play.cash, "buys that the cash does not cover"


def accounted(play: Playground) -> Decimal:
    """Every coin the grid knows of: to be sold on lines, bought and waiting, dust, reserve."""
    memory = play.memory
    coins: Decimal = memory.dust + memory.reserve
    for line in (*memory.lines, *memory.queue, *memory.dropped):
        coins += line.base if line.side is Side.BUY else line.rest if line.side is Side.SELL else 0
    return coins


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(grids(), STEPS, st.integers(min_value=9_200, max_value=10_800))
def test_no_path_doubles_loses_or_overspends(strategy: Any, steps: Any, start: Any) -> None:
    play = Playground(strategy, price=D(start) / 100, cash=INVESTMENT, slippage_pct=D("0.2"))
    for price, what, pct in steps:
        disturb(play, what, pct)
        must_hold(play)
        play.move(D(price) / 100)
        must_hold(play)
        assert accounted(play) == play.position.amount, "a coin is lost or counted twice"
    assert play.cash >= 0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(grids(), STEPS)
def test_a_memory_that_was_stored_and_read_again_decides_the_same(strategy: Any, steps: Any) -> None:
    direct = Playground(strategy, price=100, cash=INVESTMENT)
    stored = Playground(
        Grid(strategy.settings, strategy.market), price=100, cash=INVESTMENT, keep_memory_as_json=True
    )
    for price, what, pct in steps:
        for play in (direct, stored):
            disturb(play, what, pct)
            play.move(D(price) / 100)
        assert direct.plan == stored.plan
        assert direct.live == stored.live
        again = Grid(strategy.settings, strategy.market)
        seen = direct.seen()
        assert strategy.decide(direct.memory, seen) == again.decide(direct.memory, seen)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_grid_profit_is_what_the_pairs_earned(steps: Any) -> None:
    """Without fees and with one amount, each sell earns the step, a first sell its way from the start."""
    play = Playground(grid(), price=100, cash=INVESTMENT)
    for price, _, _ in steps:
        play.move(D(price) / 100)
    ledger, expected = {D(105): D(100), D(110): D(100)}, D(0)
    for fill in play.all_fills[1:]:
        if fill.side is Side.BUY:
            ledger[fill.price + 5] = fill.price
        else:
            expected += (fill.price - ledger.pop(fill.price)) * fill.amount
    assert play.memory.grid_profit == expected
    total = play.equity - INVESTMENT
    held_at = sum(ledger.values(), D(0)) * D("0.1")
    assert total - expected == play.position.amount * play.quote.bid - held_at
