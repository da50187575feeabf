"""The built-in exchange's markets: real-looking rules, two of them awkward on purpose."""

from collections.abc import Mapping
from decimal import Decimal

from orders.records import Frozen
from orders.rules import FeeIn
from orders.rules import Market as MarketOf

EXCHANGE = "simulated"
FEE = Decimal("0.001")


class Listed(Frozen):
    """One market of the exchange: its rules, the price it wanders around, and how wildly."""

    rules: MarketOf
    base_price: float
    scale: float


def _listed(
    ticker: str, steps: str, base_price: float, scale: float, fee_in: FeeIn, rests_stops: bool = True
) -> Listed:
    tick, lot, min_amount, min_cost = (Decimal(step) for step in steps.split())
    rules = MarketOf(
        EXCHANGE, ticker, tick, lot, min_amount, min_cost, FEE, FEE, fee_in, rests_stops=rests_stops
    )
    return Listed(rules, base_price, scale)


# tick, lot, least amount, least cost. The last two are awkward on purpose: steps that no decimal
# point explains, and minimums that bite; and the very last takes no stop-limit orders.
LISTED: Mapping[str, Listed] = {
    listed.rules.ticker: listed
    for listed in (
        _listed("BTC/USDT", "0.01 0.00001 0.00001 5", 60_000, 1.0, FeeIn.QUOTE),
        _listed("ETH/USDT", "0.01 0.0001 0.0001 5", 3_000, 1.2, FeeIn.RECEIVED),
        _listed("SOL/USDT", "0.01 0.001 0.001 5", 150, 1.5, FeeIn.QUOTE),
        _listed("PEPE/USDT", "0.00000005 100 1000 1", 0.00001, 2.0, FeeIn.RECEIVED),
        _listed("AWK/USDT", "0.025 0.3 0.9 7.5", 12, 1.0, FeeIn.QUOTE, rests_stops=False),
    )
}
