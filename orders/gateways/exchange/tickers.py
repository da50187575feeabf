"""How prices are asked for, whatever an exchange has: those of all markets at once, or each for itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from orders.gateways.exchange.client import Client

Told = Mapping[str, Any]


def ask_tickers(client: Client, tickers: Sequence[str]) -> dict[str, Told]:
    """ccxt's tickers by name; where one tells no bid or no ask, the order book may. Raises what
    `client.ask` does."""
    told = _tickers(client, tickers)
    books = client.adapter.asks_books and client.ccxt.has.get("fetchOrderBook")
    found: dict[str, Told] = {}
    for ticker in tickers:
        one = told.get(ticker) or {}
        missing = one.get("bid") is None or one.get("ask") is None
        if missing and one.get("last") is not None and books:
            one = {**one, **_best(client, ticker)}
        found[ticker] = one
    return found


def _tickers(client: Client, tickers: Sequence[str]) -> Mapping[str, Any]:
    if client.ccxt.has.get("fetchTickers"):
        together: Mapping[str, Any] = client.ask(lambda ccxt: ccxt.fetch_tickers(list(tickers)))
        return together
    return {ticker: _ticker(client, ticker) for ticker in tickers}


def _ticker(client: Client, ticker: str) -> Any:
    return client.ask(lambda ccxt: ccxt.fetch_ticker(ticker))


def _best(client: Client, ticker: str) -> dict[str, Any]:
    book = client.ask(lambda ccxt: ccxt.fetch_order_book(ticker))
    return {"bid": _first(book["bids"]), "ask": _first(book["asks"])}


def _first(side: Sequence[Sequence[Any]]) -> Any:
    return side[0][0] if side else None
