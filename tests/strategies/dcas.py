"""DCA bots and markets for tests, with every protective setting off unless a test asks for it."""

from decimal import Decimal
from typing import Any

from bots.strategies.base import SignalRow
from bots.strategies.dca import Dca, DcaSettings
from bots.strategies.dca.entry import BEYOND, WITHIN
from bots.strategies.dca.memory import DcaMemory, Deal
from orders.rules import FeeIn, Market
from tests.strategies.playground import Playground

OPEN: dict[str, Any] = {
    "investment": 1_000_000,
    "max_daily_loss_pct": 0,
    "max_drawdown_pct": 0,
    "loss_guard_count": 0,
    "cooldown_s": 0,
    "max_slippage_pct": 0,
}


def market(fee: str = "0", fee_in: FeeIn = FeeIn.QUOTE, *, rests_stops: bool = False, **rules: str) -> Market:
    given = {"tick": "0.01", "lot": "0.000001", "min_amount": "0.000001", "min_cost": "1", **rules}
    return Market(
        exchange="simulated",
        ticker="BTC/USDT",
        maker_fee=Decimal(fee),
        taker_fee=Decimal(fee),
        fee_in=fee_in,
        rests_stops=rests_stops,
        **{name: Decimal(value) for name, value in given.items()},  # type: ignore[arg-type]  # all Decimals
    )


def dca(on: Market | None = None, **chosen: Any) -> Dca:
    return Dca(DcaSettings(**{**OPEN, **chosen}), on or market())


def rsi_candle(strategy: Any, value: float) -> SignalRow:
    """A closed candle with this RSI and the marks the strategy's settings give it."""
    chosen: DcaSettings = strategy.settings
    threshold = float(chosen.rsi_threshold)
    beyond = value < threshold if chosen.rsi_direction == "below" else value > threshold
    within = not beyond and value == value
    return SignalRow(0, Decimal(100), {"rsi": value, BEYOND: float(beyond), WITHIN: float(within)})


def deal_of(playground: Playground) -> Deal:
    """The open deal, inside or outside the guard."""
    memory = playground.memory
    inner: DcaMemory = memory if isinstance(memory, DcaMemory) else memory.inner
    assert inner.deal is not None, "no deal is open"
    return inner.deal


def number_of(playground: Playground) -> int | None:
    """The open deal's number, as the last plan gives it."""
    return playground.plan.deal


def finished(playground: Playground) -> bool:
    return playground.plan.finished
