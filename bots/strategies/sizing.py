"""How much to buy."""

from decimal import Decimal

from orders.rules import HUNDRED, ONE, RAISE_MAX, FeeIn, Market, ceil_to


def by_risk(
    *, equity: Decimal, risk_pct: Decimal, entry: Decimal, stop: Decimal, balance: Decimal
) -> Decimal:
    """Base that loses `risk_pct` of `equity` (quote) between `entry` and `stop`, and no more than
    `balance` (quote) pays for. Not yet rounded to the lot. `stop` must be under `entry`."""
    return min(equity * risk_pct / HUNDRED / (entry - stop), balance / entry)


def sized_to_sell(market: Market, wanted: Decimal, price: Decimal, stop_fraction: Decimal) -> Decimal | None:
    """`Market.sized` for a deal's first buy: what is left after a fee in base can be sold, too."""
    amount = market.sized(wanted, price, stop_fraction)
    if amount is None or market.fee_in is FeeIn.QUOTE:
        return amount
    keeps = ONE - market.taker_fee
    if not market.enough(market.amount(amount * keeps), price):
        amount = ceil_to(market.smallest(price, stop_fraction) / keeps, market.lot)
    return amount if amount <= wanted * RAISE_MAX else None
