"""The JSON of Binance's REST answers, made from the ledger's records."""

from decimal import Decimal
from typing import Any

from tests.exchange.accounts import Account
from tests.exchange.market import Bar, Market, Tick
from tests.exchange.orders import Order, Trade
from tests.exchange.symbols import text

D = Decimal
DAY_MS = 86_400_000


def order_state(order: Order) -> dict[str, Any]:
    """What every answer about an order has; one that stops tells where."""
    stop = {"stopPrice": text(order.wish.stop_price)} if order.wish.stops else {}
    return stop | {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "price": text(order.wish.price),
        "origQty": text(order.quantity),
        "executedQty": text(order.filled),
        "origQuoteOrderQty": text(order.wish.quote_quantity),
        "cummulativeQuoteQty": text(order.cost),
        "status": order.status,
        "timeInForce": order.wish.time_in_force,
        "type": order.wish.kind,
        "side": order.wish.side,
    }


def order_queried(order: Order) -> dict[str, Any]:
    """An order in GET order, openOrders and allOrders."""
    return order_state(order) | {
        "stopPrice": text(order.wish.stop_price),
        "icebergQty": text(D(0)),
        "time": order.created,
        "updateTime": order.updated,
        "isWorking": not order.waits,
        "workingTime": order.created,
        "selfTradePreventionMode": "NONE",
    }


def order_placed(order: Order, trades: list[Trade], kind: str) -> dict[str, Any]:
    """The answer to POST order; `kind` is ACK, RESULT or FULL."""
    acknowledged = {
        name: value
        for name, value in order_state(order).items()
        if name in ("symbol", "orderId", "orderListId", "clientOrderId")
    }
    if kind == "ACK":
        return acknowledged | {"transactTime": order.updated}
    told = order_state(order) | {
        "transactTime": order.updated,
        "workingTime": order.created,
        "selfTradePreventionMode": "NONE",
    }
    if kind == "FULL":
        told["fills"] = [
            {
                "price": text(trade.price),
                "qty": text(trade.quantity),
                "commission": text(trade.commission),
                "commissionAsset": trade.commission_asset,
                "tradeId": trade.id,
            }
            for trade in trades
        ]
    return told


def order_cancelled(order: Order, cancel_id: str) -> dict[str, Any]:
    return order_state(order) | {
        "origClientOrderId": order.client_id,
        "clientOrderId": cancel_id,
        "transactTime": order.updated,
        "selfTradePreventionMode": "NONE",
    }


def my_trade(trade: Trade) -> dict[str, Any]:
    return {
        "symbol": trade.symbol,
        "id": trade.id,
        "orderId": trade.order_id,
        "orderListId": -1,
        "price": text(trade.price),
        "qty": text(trade.quantity),
        "quoteQty": text(trade.cost),
        "commission": text(trade.commission),
        "commissionAsset": trade.commission_asset,
        "time": trade.time,
        "isBuyer": trade.buyer,
        "isMaker": trade.maker,
        "isBestMatch": True,
    }


def account_told(account: Account, *, omit_zero: bool) -> dict[str, Any]:
    balances = [
        {"asset": asset, "free": text(balance.free), "locked": text(balance.locked)}
        for asset, balance in sorted(account.balances.items())
        if balance.total or not omit_zero
    ]
    rates = {"maker": text(account.maker_rate), "taker": text(account.taker_rate)}
    return {
        "makerCommission": int(account.maker_rate * 10_000),
        "takerCommission": int(account.taker_rate * 10_000),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": rates | {"buyer": text(D(0)), "seller": text(D(0))},
        "canTrade": account.rights["enableSpotAndMarginTrading"],
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": account.updated,
        "accountType": "SPOT",
        "balances": balances,
        "permissions": ["SPOT"],
        "uid": account.uid,
    }


def public_trade(tick: Tick) -> dict[str, Any]:
    return {
        "id": tick.id,
        "price": text(tick.price),
        "qty": text(tick.quantity),
        "quoteQty": text(tick.price * tick.quantity),
        "time": tick.time,
        "isBuyerMaker": tick.buyer_maker,
        "isBestMatch": True,
    }


def kline(bar: Bar, closes: int) -> list[Any]:
    return [
        bar.opened,
        text(bar.open),
        text(bar.high),
        text(bar.low),
        text(bar.close),
        text(bar.volume),
        closes - 1,
        text(bar.quote_volume),
        bar.count,
        text(bar.volume / 2),
        text(bar.quote_volume / 2),
        "0",
    ]


def book_ticker(market: Market) -> dict[str, Any]:
    bid, ask = touch(market)
    return {
        "symbol": market.symbol,
        "bidPrice": bid[0],
        "bidQty": bid[1],
        "askPrice": ask[0],
        "askQty": ask[1],
    }


def touch(market: Market) -> tuple[list[str], list[str]]:
    """The best bid and ask as [price, quantity]; zeros where a side is empty."""
    bids, asks = depth(market, 1)
    empty = [text(D(0)), text(D(0))]
    return (bids or [empty])[0], (asks or [empty])[0]


def depth(market: Market, limit: int) -> tuple[list[list[str]], list[list[str]]]:
    """Bids and asks; behind an endless level stand none."""
    bids, asks = (
        [[text(level.price), text(D(1_000) if level.quantity is None else level.quantity)] for level in side]
        for side in (market.bids, market.asks)
    )
    return bids[:limit], asks[:limit]


def day_ticker(market: Market, now: int) -> dict[str, Any]:
    """The statistics of the last 24 hours."""
    bar = market.bar(now - DAY_MS, now + 1)
    change = market.price - bar.open
    last = market.tape[-1] if market.tape else None
    bid, ask = touch(market)
    return {
        "symbol": market.symbol,
        "priceChange": text(change),
        "priceChangePercent": f"{change / bar.open * 100:.3f}",
        "weightedAvgPrice": text(bar.quote_volume / bar.volume if bar.volume else market.price),
        "prevClosePrice": text(bar.open),
        "lastPrice": text(market.price),
        "lastQty": text(last.quantity if last else D(0)),
        "bidPrice": bid[0],
        "bidQty": bid[1],
        "askPrice": ask[0],
        "askQty": ask[1],
        "openPrice": text(bar.open),
        "highPrice": text(max(bar.high, market.price)),
        "lowPrice": text(min(bar.low, market.price)),
        "volume": text(bar.volume),
        "quoteVolume": text(bar.quote_volume),
        "openTime": now - DAY_MS,
        "closeTime": now,
        "firstId": market.tape[0].id if last else -1,
        "lastId": last.id if last else -1,
        "count": bar.count,
    }
