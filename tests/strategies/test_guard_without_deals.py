"""The protective settings around a strategy that has no deals: a pause takes its buys off the book."""

from decimal import Decimal
from typing import Any

from bots.strategies.base import OrderIntent, Plan, Role, Seen
from bots.strategies.guard import guarded
from orders.accounting import Position
from orders.rules import OrderKind, Side
from tests.strategies.dcas import dca
from tests.strategies.playground import Playground

D = Decimal


class Lines:
    """A strategy of one buy and one sell that always rest: as a grid is, without deals."""

    version = 1
    memory_type = Position
    timeframe = None
    candles_needed = 0

    def __init__(self, **chosen: Any) -> None:
        inner = dca(**chosen)
        self.settings, self.market = inner.settings, inner.market

    def first_memory(self) -> Position:
        return Position()

    def decide(self, memory: Position, seen: Seen) -> Plan[Position]:
        buy = OrderIntent(Side.BUY, OrderKind.LIMIT, D(1), D(90), Role.ADD)
        sell = OrderIntent(Side.SELL, OrderKind.LIMIT, D(1), D(110), Role.EXIT)
        return Plan(memory, {"line-0": buy, "line-1": sell}, deal=1)


def test_a_paused_grid_cancels_its_buys_and_keeps_its_sells() -> None:
    strategy = guarded(Lines(max_daily_loss_pct=5, investment=100, cooldown_s=60), deals=False)
    playground = Playground(strategy, price=100, cash=1_000, coins=1)
    assert sorted(playground.live) == ["line-0", "line-1"]
    playground.move(95)
    assert sorted(playground.live) == ["line-1"]
