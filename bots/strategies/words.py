"""Amounts, prices and results as people read them."""

from decimal import Decimal

from orders.rules import Market, half_up_to

QUOTE_STEP = Decimal("0.0001")


def plain(value: Decimal) -> str:
    """Without an exponent and without trailing zeros."""
    if not value:
        return "0"
    text = str(value.normalize())
    return text if "E" not in text else f"{value.normalize():f}"


def price(value: Decimal, market: Market) -> str:
    """`value` to the tick."""
    return plain(half_up_to(value, market.tick))


def quote(value: Decimal, market: Market) -> str:
    """An amount of quote to four places, or to the tick where that is finer."""
    return f"{plain(half_up_to(value, min(market.tick, QUOTE_STEP)))} {market.quote}"


def base(value: Decimal, market: Market) -> str:
    return f"{plain(value)} {market.base}"


def farewell(number: int, result: Decimal, dust: Decimal, market: Market) -> str:
    """The end of a deal: `result` in quote, `dust` in base."""
    earned = f"{'profit' if result >= 0 else 'loss'} {quote(abs(result), market)}"
    left = f" {base(dust, market)} too small to sell stay as dust." if dust else ""
    return f"Deal {number} closed: {earned}.{left}"
