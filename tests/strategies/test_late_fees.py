"""A fee told late reaches a strategy as a fill of nothing: no more is sold than there is, nothing opened."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pytest

from bots.strategies.base import SignalRow
from bots.strategies.dip.fills import booked
from bots.strategies.dip.memory import Deal
from bots.strategies.dust import after_sale
from orders.accounting import Fill, Position
from orders.records import replace
from orders.rules import Side
from tests.strategies.dcas import dca
from tests.strategies.dips import AT_ONCE, dip
from tests.strategies.dips import candle as fallen
from tests.strategies.grids import grid
from tests.strategies.momentums import momentum
from tests.strategies.momentums import row as momentum_row
from tests.strategies.playground import Playground
from tests.strategies.scalpers import AT_MARKET, rsi_of, scalper

D = Decimal
FEE = D("0.01")
EASY: dict[str, Any] = {"max_daily_loss_pct": 50, "max_slippage_pct": "0.01", "cooldown_s": 900}
MADE: Mapping[str, Callable[[], Any]] = {
    "dca": lambda: dca(stop_loss_pct=10, max_safety_orders=0, max_deals=1, **{**EASY, "investment": 10_000}),
    "dip": lambda: dip(stop_loss_pct=10, max_buys=1, **{**AT_ONCE, **EASY}),
    "grid": lambda: grid(stop_loss_price=80),
    "momentum": lambda: momentum(stop_pct=10, **EASY),
    "scalper": lambda: scalper(stop_loss_pct=10, max_hold_s=0, **{**AT_MARKET, **EASY}),
}
SIGNALS: Mapping[str, Callable[[Playground], SignalRow]] = {
    "dip": lambda _: fallen("94.9"),
    "momentum": lambda playground: momentum_row(playground, enter=1.0),
    "scalper": lambda _: rsi_of(20),
}


def holding(name: str) -> Playground:
    """A bot that has bought."""
    price = "94.9" if name == "dip" else 100
    playground = Playground(MADE[name](), price=price, cash=10_000, keep_memory_as_json=True)
    if name in SIGNALS:
        playground.look(candle=SIGNALS[name](playground))
    assert playground.position.amount > 0
    return playground


def told_late(playground: Playground, **fees: Decimal) -> Fill:
    """The fee of the first purchase is told; as in the engine, sales that are not covered now are ended."""
    bought = playground.all_fills[0]
    late = Fill(bought.slot, Side.BUY, D(0), bought.price, bought.at, **fees)
    playground.position = playground.position.after(late)
    playground.fills.append(late)
    left = playground.position.amount
    for slot, order in list(playground.live.items()):
        if order.intent.side is Side.SELL:
            left -= order.intent.amount - order.filled
            if left < 0:
                playground.end(slot)
    return late


def on_sale(playground: Playground) -> Decimal:
    live = playground.live.values()
    return sum((one.intent.amount - one.filled for one in live if one.intent.side is Side.SELL), D(0))


@pytest.mark.parametrize("name", sorted(set(MADE) - {"grid"}))
def test_a_fee_taken_in_coins_is_not_sold(name: str) -> None:
    playground = holding(name)
    bought = playground.position.amount
    told_late(playground, fee_base=FEE)
    playground.look()
    assert on_sale(playground) <= playground.position.amount
    playground.move(80)
    sold = sum((fill.amount for fill in playground.all_fills if fill.side is Side.SELL), D(0))
    assert bought - FEE - sold < D("0.001")
    assert playground.position.amount == bought - FEE - sold


def test_a_grid_takes_the_coins_from_what_it_sells_next_and_leaves_with_all_it_has() -> None:
    playground = holding("grid")
    told_late(playground, fee_base=FEE)
    plan = playground.strategy.decide(playground.memory, playground.seen())
    assert plan.memory.dust == -FEE
    playground.move(94)
    assert playground.memory.dust == 0, "the next purchase made up for it"
    assert on_sale(playground) <= playground.position.amount
    playground.move(80)
    assert playground.position.amount == 0


@pytest.mark.parametrize("name", sorted(set(MADE) - {"grid"}))
def test_a_fee_of_a_deal_that_is_over_opens_none(name: str) -> None:
    playground = holding(name)
    playground.move(80)
    deals, fills = playground.plan.deal, len(playground.all_fills)
    assert deals is None
    told_late(playground, fee_quote=D("0.5"))
    playground.strategy.decide(playground.memory, playground.seen())
    told_late(playground, fee_base=D("0.0001"), fee_other=D("0.1"))
    plan = playground.strategy.decide(playground.memory, playground.seen())
    assert (plan.deal, len(playground.all_fills)) == (None, fills)


@pytest.mark.parametrize("name", ["dca", "dip", "momentum", "scalper"])
def test_a_fee_from_before_a_new_beginning_opens_no_deal(name: str) -> None:
    """Started afresh, a bot counts its deals from 1 again, and the slot is that of its next one."""
    playground = holding(name)
    told_late(playground, fee_quote=D("0.5"))
    plan = playground.strategy.decide(playground.strategy.first_memory(), playground.seen())
    assert plan.deal is None


def test_a_sales_fee_in_coins_that_are_all_sold_leaves_nothing_behind() -> None:
    held, dust = Position(), Position()
    late = Fill("deal-1/exit", Side.SELL, D(0), D(100), 5, fee_base=D("0.001"), fee_quote=D("-0.1"))
    held, dust = after_sale(held, dust, late)
    assert held.amount == dust.amount == D(0)


def test_a_fee_told_late_does_not_lower_a_trail() -> None:
    trailing: dict[str, Any] = {"take_profit_pct": 1, "trailing_deviation_pct": 5}
    made = dca(max_safety_orders=0, **EASY | {"investment": 10_000}, **trailing)
    playground = Playground(made, price=100, cash=10_000)
    playground.move(112)
    playground.move(109)
    assert peak_of(playground.memory) == 112
    told_late(playground)
    playground.look()
    assert peak_of(playground.memory) == 112


def test_a_purchase_arms_a_dips_trail_anew_and_its_late_fee_does_not() -> None:
    deal = Deal(number=1, opened_at=0, held=Position(D(1), D(100)), amount=D(1), value=D(100), peak=D(110))
    memory = replace(dip().first_memory(), deal=deal, deals=1)
    for amount, peak in ((D(0), D(110)), (D(1), None)):
        fill = Fill("deal-1/buy-1", Side.BUY, amount, D(100), 5, fee_quote=D("0.1"))
        assert peak_of(booked(memory, fill)) == peak


def peak_of(memory: Any) -> Any:
    return getattr(memory, "inner", memory).deal.peak
