"""The JSON of the streams: what the market's and the user's events look like."""

from decimal import Decimal
from typing import Any

from tests.exchange import prices, wire
from tests.exchange.accounts import Account
from tests.exchange.market import Changes, Market, Tick
from tests.exchange.orders import Order, Trade
from tests.exchange.symbols import Symbol, text

D = Decimal
NOTHING = text(D(0))
DEPTHS = ("depth5", "depth10", "depth20")
ALL_TICKERS = {"!miniTicker@arr": "miniTicker", "!ticker@arr": "ticker"}


def book_event(stream: str, market: Market, changes: Changes, now: int) -> Any:
    """What a stream tells of a changed book; None if it is another market's, or tells of no book."""
    name, _, kind = stream.partition("@")
    kind = kind.removesuffix("@100ms").removesuffix("@1000ms")
    if name != market.symbol.lower():
        return None
    if kind == "bookTicker":
        return _book_ticker(market)
    if kind == "depth":
        return _depth_change(market, changes, now)
    if kind in DEPTHS:
        bids, asks = wire.depth(market, int(kind.removeprefix("depth")))
        return {"lastUpdateId": market.updates, "bids": bids, "asks": asks}
    return None


def trade_event(stream: str, market: Market, tick: Tick) -> Any:
    """What a stream tells of a public trade; None if it is another market's, or tells of no trades."""
    if stream in ALL_TICKERS:
        return [_ticker(ALL_TICKERS[stream], market, tick)]
    name, _, kind = stream.partition("@")
    if name != market.symbol.lower():
        return None
    if kind in ("trade", "aggTrade"):
        return _trade(kind, market, tick)
    if kind in ("miniTicker", "ticker"):
        return _ticker(kind, market, tick)
    if kind.startswith("kline_"):
        return _kline(kind.removeprefix("kline_"), market, tick)
    return None


def _trade(kind: str, market: Market, tick: Tick) -> dict[str, Any]:
    numbers: dict[str, Any] = {"t": tick.id}
    if kind == "aggTrade":
        numbers = {"a": tick.id, "f": tick.id, "l": tick.id}
    return {
        "e": kind,
        "E": tick.time,
        "s": market.symbol,
        **numbers,
        "p": text(tick.price),
        "q": text(tick.quantity),
        "T": tick.time,
        "m": tick.buyer_maker,
        "M": True,
    }


def _book_ticker(market: Market) -> dict[str, Any]:
    bid, ask = wire.touch(market)
    return {"u": market.updates, "s": market.symbol, "b": bid[0], "B": bid[1], "a": ask[0], "A": ask[1]}


def _ticker(kind: str, market: Market, tick: Tick) -> dict[str, Any]:
    day = wire.day_ticker(market, tick.time)
    told = {
        "e": "24hrMiniTicker" if kind == "miniTicker" else "24hrTicker",
        "E": tick.time,
        "s": market.symbol,
        "c": day["lastPrice"],
        "o": day["openPrice"],
        "h": day["highPrice"],
        "l": day["lowPrice"],
        "v": day["volume"],
        "q": day["quoteVolume"],
    }
    if kind == "miniTicker":
        return told
    return told | {
        "p": day["priceChange"],
        "P": day["priceChangePercent"],
        "w": day["weightedAvgPrice"],
        "x": day["prevClosePrice"],
        "Q": day["lastQty"],
        "b": day["bidPrice"],
        "B": day["bidQty"],
        "a": day["askPrice"],
        "A": day["askQty"],
        "O": day["openTime"],
        "C": day["closeTime"],
        "F": day["firstId"],
        "L": day["lastId"],
        "n": day["count"],
    }


def _depth_change(market: Market, changes: Changes, now: int) -> dict[str, Any]:
    return {
        "e": "depthUpdate",
        "E": now,
        "s": market.symbol,
        "U": changes.first,
        "u": changes.last,
        "b": [[text(price), text(quantity)] for price, quantity in changes.bids.items()],
        "a": [[text(price), text(quantity)] for price, quantity in changes.asks.items()],
    }


def _kline(interval: str, market: Market, tick: Tick) -> dict[str, Any] | None:
    if interval != prices.MONTH and interval not in prices.INTERVALS_MS:
        return None
    opened = prices.opens(interval, tick.time)
    closed = prices.closes(interval, opened)
    bar = market.bar(opened, closed)
    return {
        "e": "kline",
        "E": tick.time,
        "s": market.symbol,
        "k": {
            "t": opened,
            "T": closed - 1,
            "s": market.symbol,
            "i": interval,
            "f": tick.id,
            "L": tick.id,
            "o": text(bar.open),
            "c": text(bar.close),
            "h": text(bar.high),
            "l": text(bar.low),
            "v": text(bar.volume),
            "n": bar.count,
            "x": False,
            "q": text(bar.quote_volume),
            "V": text(bar.volume / 2),
            "Q": text(bar.quote_volume / 2),
            "B": "0",
        },
    }


def execution_report(order: Order, trade: Trade | None, execution: str) -> dict[str, Any]:
    """One step in an order's life; a cancel tells its own id first and the order's as the original."""
    cancelled = execution == "CANCELED"
    return {
        "e": "executionReport",
        "E": order.updated,
        "s": order.symbol,
        "c": order.cancel_id if cancelled else order.client_id,
        "S": order.wish.side,
        "o": order.wish.kind,
        "f": order.wish.time_in_force,
        "q": text(order.quantity),
        "p": text(order.wish.price),
        "P": text(order.wish.stop_price),
        "F": NOTHING,
        "g": -1,
        "C": order.client_id if cancelled else "",
        "x": execution,
        "X": order.status,
        "r": "NONE",
        "i": order.id,
        "l": text(trade.quantity) if trade else NOTHING,
        "z": text(order.filled),
        "L": text(trade.price) if trade else NOTHING,
        "n": text(trade.commission) if trade else "0",
        "N": trade.commission_asset if trade else None,
        "T": order.updated,
        "t": trade.id if trade else -1,
        "v": 0,
        "I": order.id * 2,
        "w": order.open and not order.waits,
        "m": trade.maker if trade else False,
        "M": trade is not None,
        "O": order.created,
        "Z": text(order.cost),
        "Y": text(trade.cost) if trade else NOTHING,
        "Q": text(order.wish.quote_quantity),
        "W": order.created,
        "V": "NONE",
    }


def account_position(account: Account, symbol: Symbol, trade: Trade | None) -> dict[str, Any]:
    """The balances an execution may have changed."""
    assets = {symbol.base, symbol.quote} | ({trade.commission_asset} if trade else set())
    return {
        "e": "outboundAccountPosition",
        "E": account.updated,
        "u": account.updated,
        "B": [
            {"a": asset, "f": text(account.balances[asset].free), "l": text(account.balances[asset].locked)}
            for asset in sorted(assets)
        ],
    }


def balance_update(account: Account, asset: str, amount: Decimal) -> dict[str, Any]:
    return {
        "e": "balanceUpdate",
        "E": account.updated,
        "a": asset,
        "d": text(amount),
        "T": account.updated,
    }
