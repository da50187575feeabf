"""What a fee in a third currency was worth: taken in BNB, say, for a trade of BTC for USDT."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from orders.gateways.base import FillReport, Unreachable
from orders.gateways.exchange.client import Client
from orders.gateways.exchange.orders import above_zero


def valued(fills: Sequence[FillReport], ticker: str, client: Client) -> tuple[FillReport, ...]:
    """The same, each fee in a third currency with its worth in quote at the market's price now.

    Where the two are not traded for each other nobody knows it: the fee is booked, and worth nothing.
    """
    sides = ticker.split("/")
    others = {fill.fee_currency for fill in fills if fill.fee and fill.fee_currency not in sides}
    prices = {currency: _price(currency, sides[1], client) for currency in sorted(others)}
    return tuple(
        replace(fill, fee_value=fill.fee * prices[fill.fee_currency]) if fill.fee_currency in prices else fill
        for fill in fills
    )


def _price(currency: str, quote: str, client: Client) -> Decimal:
    """What one of `currency` costs in `quote`."""
    for ticker, inverse in ((f"{currency}/{quote}", False), (f"{quote}/{currency}", True)):
        if ticker in client.ccxt.markets:
            last = above_zero(_last(client, ticker), "last")
            return 1 / last if inverse else last
    return Decimal(0)


def _last(client: Client, ticker: str) -> object:
    told = client.ask(lambda ccxt: ccxt.fetch_ticker(ticker))
    if told.get("last") is None:
        raise Unreachable(f"{ticker} has no price to value a fee at")
    return told["last"]
