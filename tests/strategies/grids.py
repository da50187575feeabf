"""Markets and grids the tests speak of."""

from decimal import Decimal
from typing import Any

from bots.strategies.grid import Grid, GridSettings
from orders.rules import FeeIn, Market

D = Decimal


def market(
    *,
    fee: str = "0",
    fee_in: FeeIn = FeeIn.QUOTE,
    tick: str = "0.01",
    lot: str = "0.00000001",
    min_amount: str = "0.00000001",
    min_cost: str = "0.01",
    open_orders_max: int = 200,
) -> Market:
    return Market(
        exchange="paper",
        ticker="BTC/USDT",
        tick=D(tick),
        lot=D(lot),
        min_amount=D(min_amount),
        min_cost=D(min_cost),
        maker_fee=D(fee),
        taker_fee=D(fee),
        fee_in=fee_in,
        open_orders_max=open_orders_max,
    )


def grid(on: Market | None = None, **chosen: Any) -> Grid:
    """A grid from 90 to 110 of 5 arithmetic lines 5 apart, .1 base on each, unless chosen otherwise."""
    usual: dict[str, Any] = {
        "investment": 1_000_000,
        "lower_price": 90,
        "upper_price": 110,
        "lines": 5,
        "spacing": "arithmetic",
        "size_mode": "base",
        "order_size": "0.1",
        "max_slippage_pct": 0,
    }
    return Grid(GridSettings.model_validate({**usual, **chosen}), on or market())
