"""How much to buy."""

from decimal import Decimal

from orders.rules import HUNDRED


def by_risk(
    *, equity: Decimal, risk_pct: Decimal, entry: Decimal, stop: Decimal, balance: Decimal
) -> Decimal:
    """Base that loses `risk_pct` of `equity` (quote) between `entry` and `stop`, and no more than
    `balance` (quote) pays for. Not yet rounded to the lot. `stop` must be under `entry`."""
    return min(equity * risk_pct / HUNDRED / (entry - stop), balance / entry)
