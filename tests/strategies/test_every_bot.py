"""What holds for all five bots: settings that explain themselves, exits nothing holds back, pauses that
outlive a process, and a preflight that says everything."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, get_args

import pytest

from bots.strategies.base import Preflight, SignalRow
from bots.strategies.guard import guarded
from bots.strategies.limits import Marks
from bots.strategies.registry import BOT_TYPES, dump_memory, load_memory, read_settings
from bots.strategies.settings import OnStop
from orders.records import replace
from orders.rules import FeeIn, Market, OrderKind, Side
from tests.strategies.dcas import dca, market
from tests.strategies.dips import AT_ONCE, dip
from tests.strategies.dips import candle as fallen
from tests.strategies.grids import grid
from tests.strategies.momentums import momentum
from tests.strategies.momentums import row as momentum_row
from tests.strategies.playground import Playground
from tests.strategies.scalpers import AT_MARKET, rsi_of, scalper

D = Decimal
BOTS = sorted(BOT_TYPES)
# Numbers without a unit: an RSI and an ADX go from 0 to 100.
PLAIN_NUMBERS = {"rsi_threshold", "rsi_min", "rsi_max", "adx_min"}
LIMITS: dict[str, Any] = {"max_daily_loss_pct": 50, "max_slippage_pct": "0.01", "cooldown_s": 900}
WITH_DEALS: Mapping[str, Callable[[], Any]] = {
    "dca": lambda: dca(stop_loss_pct=10, max_safety_orders=0, **{**LIMITS, "investment": 10_000}),
    "dip": lambda: dip(stop_loss_pct=10, max_buys=1, **{**AT_ONCE, **LIMITS}),
    "momentum": lambda: momentum(stop_pct=10, **LIMITS),
    "scalper": lambda: scalper(stop_loss_pct=10, max_hold_s=0, **{**AT_MARKET, **LIMITS}),
}


def signal(name: str, playground: Playground) -> SignalRow | None:
    """The candle on which this bot enters; a DCA needs none."""
    rows: Mapping[str, Callable[[], SignalRow | None]] = {
        "dca": lambda: None,
        "dip": lambda: fallen("94.9"),
        "momentum": lambda: momentum_row(playground, enter=1.0),
        "scalper": lambda: rsi_of(20),
    }
    return rows[name]()


def made(name: str, *, asked: bool = True) -> Playground:
    """A bot inside its guard that waits for its first entry."""
    price = "94.9" if name == "dip" else 100
    strategy = guarded(WITH_DEALS[name]())
    return Playground(strategy, price=price, cash=10_000, keep_memory_as_json=True, asked=asked)


def waiting(name: str) -> Playground:
    """One that has looked around, unless it would enter at once."""
    return made(name, asked=name != "dca")


def in_deal(name: str) -> Playground:
    playground = waiting(name)
    playground.look(candle=signal(name, playground))
    assert playground.position.amount > 0
    return playground


def hold(playground: Playground, why: str) -> None:
    """Entries are held back from here on, for one of the reasons there are."""
    until = playground.now + 10_000_000
    watch = playground.memory.watch
    if why == "daily loss":
        marks = watch.marks or Marks(D(0), D(0), 0, D(0))
        watch = replace(watch, marks=replace(marks, day_lost=True))
    elif why == "losing deals":
        watch = replace(watch, paused_until=until)
    elif why == "cooldown":
        watch = replace(watch, cool_until=until)
    elif why == "stale":
        playground.stale = True
    else:
        playground.spread_bps = D(500)
        playground.quote = replace(playground.quote, ask=playground.quote.ask * D("1.05"))
    playground.memory = replace(playground.memory, watch=watch)


PAUSES = ("daily loss", "losing deals", "cooldown")
HOLDS = (*PAUSES, "stale", "slippage")


@pytest.mark.parametrize("why", HOLDS)
@pytest.mark.parametrize("name", WITH_DEALS)
def test_nothing_that_holds_entries_back_holds_an_exit_back(name: str, why: str) -> None:
    playground = in_deal(name)
    hold(playground, why)
    playground.move(80)
    assert playground.position.amount == 0
    assert [fill.side for fill in playground.all_fills] == [Side.BUY, Side.SELL]


@pytest.mark.parametrize("why", HOLDS)
@pytest.mark.parametrize("name", WITH_DEALS)
def test_what_holds_entries_back_does(name: str, why: str) -> None:
    playground = waiting(name)
    hold(playground, why)
    playground.look(candle=signal(name, playground))
    assert (playground.all_fills, playground.live) == ([], {})
    assert in_deal(name).all_fills, "alone it would have entered"


@pytest.mark.parametrize("why", PAUSES)
@pytest.mark.parametrize("name", WITH_DEALS)
def test_a_pause_outlives_the_process(name: str, why: str) -> None:
    """The row keeps the memory; a strategy made anew reads it."""
    playground = waiting(name)
    hold(playground, why)
    stored = dump_memory(playground.memory)
    playground.strategy = guarded(WITH_DEALS[name]())
    playground.memory = load_memory(playground.strategy, stored)
    playground.look(candle=signal(name, playground))
    assert playground.all_fills == []
    assert playground.plan.paused_until is not None
    assert playground.plan.paused_until > playground.now
    assert playground.plan.paused_why.endswith(".")


def paused_grid() -> Playground:
    strategy = guarded(grid(max_daily_loss_pct="1", investment=100, stop_loss_price=80), deals=False)
    playground = Playground(strategy, price=100, cash=100, keep_memory_as_json=True)
    assert len(playground.prices(Side.BUY)) == len(playground.prices(Side.SELL)) == 2
    playground.move("94.50")
    assert playground.plan.paused_why.startswith("Daily loss limit of 1 %")
    return playground


def test_a_paused_grid_cancels_its_buys_keeps_its_sells_and_still_leaves_at_its_stop() -> None:
    playground = paused_grid()
    assert playground.prices(Side.BUY) == []
    assert len(playground.prices(Side.SELL)) == 3
    playground.move("100.01")
    assert playground.prices(Side.BUY) == [], "nor does a sell bring its buy back before midnight"
    playground.move(80)
    assert playground.position.amount == 0
    assert playground.plan.finished


def test_a_grids_pause_outlives_the_process_and_ends_at_midnight() -> None:
    playground = paused_grid()
    stored = dump_memory(playground.memory)
    strategy = guarded(grid(max_daily_loss_pct="1", investment=100, stop_loss_price=80), deals=False)
    memory = load_memory(strategy, stored)
    sides = [order.side for order in strategy.decide(memory, playground.seen()).orders.values()]
    assert set(sides) == {Side.SELL}
    tomorrow = replace(playground.seen(), day_start=playground.now)
    assert Side.BUY in [order.side for order in strategy.decide(memory, tomorrow).orders.values()]


@pytest.mark.parametrize("how", [OnStop.CANCEL_ORDERS, OnStop.CANCEL_AND_SELL])
def test_an_end_by_drawdown_outlives_the_process(how: OnStop) -> None:
    chosen: dict[str, Any] = {"max_drawdown_pct": 10, "on_drawdown": how, "investment": 100}
    strategy = dca(base_order_volume=100, max_safety_orders=0, **chosen)
    playground = Playground(guarded(strategy), price=100, cash=100)
    playground.now += 60_000
    playground.quote = replace(playground.quote, bid=D(89), ask=D(89), last=D(89))
    plan = playground.strategy.decide(playground.memory, playground.seen())
    assert not plan.finished, "its orders are still to be cancelled"
    again = guarded(strategy)
    playground.live.clear()
    playground.quote = replace(playground.quote, bid=D(100), ask=D(100), last=D(100))
    later = again.decide(load_memory(again, dump_memory(plan.memory)), playground.seen())
    if how is OnStop.CANCEL_AND_SELL:
        assert [order.side for order in later.orders.values()] == [Side.SELL], "the price is back, it is not"
    else:
        assert (later.orders, later.finished) == ({}, True)


def numbers_in(annotation: Any) -> bool:
    return annotation in (int, Decimal) or any(numbers_in(part) for part in get_args(annotation))


@pytest.mark.parametrize("name", BOTS)
def test_every_setting_has_a_title_a_help_text_and_every_number_its_unit(name: str) -> None:
    for field, info in BOT_TYPES[name].settings.model_fields.items():
        extra: Any = info.json_schema_extra
        unit = extra["unit"]
        assert info.title, field
        assert (info.description or "").endswith("."), field
        of_numbers = numbers_in(info.annotation) or "Step" in str(info.annotation)
        assert unit or not of_numbers or field in PLAIN_NUMBERS, f"{field} is a number of what?"
        assert unit.startswith("%") or not field.endswith("_pct"), field
        assert unit == "s" or not field.endswith("_s"), field
        assert unit == "bps" or not field.endswith("_bps"), field


def suggested(name: str, on: Market, price: Decimal, **chosen: Any) -> Preflight:
    """The preflight of what the form offers."""
    kind = BOT_TYPES[name]
    offered: Any = kind.settings.suggested  # type: ignore[attr-defined]  # each bot type's own
    settings = read_settings(name, {"investment": 1_000, **offered(price, on), **chosen})
    return kind.build(settings, on).preflight(price)


TARGETED: Mapping[str, dict[str, Any]] = {"momentum": {"take_profit_pct": 4}}


@pytest.mark.parametrize("fee_in", list(FeeIn))
@pytest.mark.parametrize("name", BOTS)
def test_a_preflight_says_everything(name: str, fee_in: FeeIn) -> None:
    on, price = market("0.001", fee_in, tick="0.05", lot="0.0001", min_cost="5"), D(1000)
    found = suggested(name, on, price, **TARGETED.get(name, {}))
    assert found.ok
    assert {order.side for order in found.orders} == {Side.BUY, Side.SELL}
    for order in found.orders:
        assert order.price % on.tick == 0
        assert order.amount % on.lot == 0
        assert order.cost == order.price * order.amount
        assert on.enough(order.amount, order.price)
    spent = sum(order.cost for order in found.orders if order.side is Side.BUY)
    assert spent < found.required_quote <= 1_000, "fees are in the budget, and it is within the investment"
    assert found.required_base == 0
    assert found.break_even_price is not None
    assert found.worst_case_loss is not None
    assert 0 < found.worst_case_loss <= found.required_quote
    for level in found.levels:
        assert level.average is not None
        assert level.break_even is not None
        assert level.target is not None
        assert level.bounce_pct is not None
        assert level.average < level.break_even < level.target
        assert level.bounce_pct == (level.target / level.price - 1) * 100
        assert (level.profit is not None) is (name == "grid")
    assert (found.take_profit_price is None) is (name == "grid")
    assert found.take_profit_price in (None, found.levels[0].target)


@pytest.mark.parametrize("name", BOTS)
def test_every_problem_has_a_code_a_field_and_a_sentence_and_its_fix_is_a_value_of_the_field(
    name: str,
) -> None:
    """A market that takes only large orders, far over what is invested."""
    on = market("0.001", min_cost="700", tick="1")
    found = suggested(name, market("0.001"), D(100))
    assert found.ok
    kind = BOT_TYPES[name]
    offered: Any = kind.settings.suggested  # type: ignore[attr-defined]  # each bot type's own
    values = {"investment": 1_000, **offered(D(100), market("0.001"))}
    told = kind.build(read_settings(name, values), on).preflight(D(100))
    assert not told.ok
    for problem in told.problems:
        assert problem.code.replace("_", "").isalpha()
        assert problem.field in kind.settings.model_fields
        assert problem.message[0].isupper()
        assert problem.message.endswith(".")
        if problem.fix:
            kind.settings.model_validate({**values, problem.field: problem.fix})


def test_an_order_at_market_is_said_to_be_one() -> None:
    kinds = {name: suggested(name, market("0.001"), D(100)).orders[0].kind for name in BOTS}
    assert kinds == {
        "dca": OrderKind.MARKET,
        "dip": OrderKind.LIMIT,
        "grid": OrderKind.MARKET,
        "momentum": OrderKind.MARKET,
        "scalper": OrderKind.LIMIT,
    }
