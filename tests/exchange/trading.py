"""The signed endpoints: orders, trades, the account."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeVar

from tests.exchange import rejections, wire
from tests.exchange.call import Call
from tests.exchange.orders import Order, Trade, Wish
from tests.exchange.rejections import Rejection
from tests.exchange.symbols import STOP, text

T = TypeVar("T")
D = Decimal
TIMES_IN_FORCE = ("GTC", "IOC", "FOK")
UNSUPPORTED = {
    "STOP_LOSS": "Stop loss orders are not supported for this symbol.",
    "TAKE_PROFIT": "Take profit orders are not supported for this symbol.",
    "TAKE_PROFIT_LIMIT": "Take profit limit orders are not supported for this symbol.",
}


def read_wish(call: Call) -> Wish:
    """The order that was asked for, or the rejection of its parameters."""
    symbol, side, kind = call.symbol(), call.required("side"), call.required("type")
    if side not in ("BUY", "SELL"):
        raise Rejection(-1117, "Invalid side.")
    if kind in UNSUPPORTED:
        raise Rejection(-2010, UNSUPPORTED[kind])
    if kind == STOP and not call.ledger.symbol(symbol).takes_stops:
        raise Rejection(-2010, "Stop loss limit orders are not supported for this symbol.")
    client_id = call.client_id("newClientOrderId") or call.ledger.fresh_name()
    if kind == "MARKET":
        return _market(call, symbol, side, client_id)
    if kind not in ("LIMIT", "LIMIT_MAKER", STOP):
        raise Rejection(-1116, "Invalid orderType.")
    if call.optional("quoteOrderQty") is not None:
        raise Rejection(-1106, "Parameter 'quoteOrderQty' sent when not required.")
    time_in_force = "GTC"
    if kind in ("LIMIT", STOP):
        time_in_force = call.required("timeInForce")
    elif call.optional("timeInForce") is not None:
        raise Rejection(-1106, "Parameter 'timeInForce' sent when not required.")
    if time_in_force not in TIMES_IN_FORCE:
        raise Rejection(-1115, "Invalid timeInForce.")
    quantity, price = call.number("quantity"), call.number("price")
    return Wish(
        symbol, side, kind, client_id, quantity, price, time_in_force, stop_price=_stop_price(call, kind)
    )


def _stop_price(call: Call, kind: str) -> Decimal:
    told = call.optional("stopPrice")
    if kind != STOP:
        if told is not None:
            raise Rejection(-1106, "Parameter 'stopPrice' sent when not required.")
        return D(0)
    if told is None:
        raise rejections.missing_both("stopPrice", "trailingDelta")
    stop_price = call.number("stopPrice")
    if not stop_price:
        raise Rejection(-1013, "Invalid stopPrice.")
    return stop_price


def _market(call: Call, symbol: str, side: str, client_id: str) -> Wish:
    for name in ("price", "timeInForce"):
        if call.optional(name) is not None:
            raise Rejection(-1106, f"Parameter '{name}' sent when not required.")
    if call.optional("quantity") is not None and call.optional("quoteOrderQty") is not None:
        raise rejections.bad_combination()
    if call.optional("quoteOrderQty") is not None:
        return Wish(symbol, side, "MARKET", client_id, quote_quantity=call.number("quoteOrderQty"))
    if call.optional("quantity") is None:
        raise rejections.missing_both("quantity", "quoteOrderQty")
    return Wish(symbol, side, "MARKET", client_id, call.number("quantity"))


def order_create(call: Call) -> dict[str, Any]:
    wish = read_wish(call)
    kind = call.optional("newOrderRespType") or ("ACK" if wish.kind in ("LIMIT_MAKER", STOP) else "FULL")
    if kind not in ("ACK", "RESULT", "FULL"):
        raise Rejection(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
    if not call.account.rights["enableSpotAndMarginTrading"]:
        raise rejections.bad_key()
    order = call.ledger.place(call.account.key, wish)
    return wire.order_placed(order, _trades(call, order), kind)


def order_test(call: Call) -> dict[str, Any]:
    call.ledger.judge(call.account.key, read_wish(call))
    return {}


def _trades(call: Call, order: Order) -> list[Trade]:
    return [
        trade for trade in call.ledger.trades if (trade.symbol, trade.order_id) == (order.symbol, order.id)
    ]


def _named(call: Call) -> Order | None:
    order_id, client_id = call.integer("orderId"), call.optional("origClientOrderId")
    symbol = call.symbol()
    if order_id is None and client_id is None:
        raise rejections.missing_both("origClientOrderId", "orderId")
    order = call.ledger.find(call.account.key, symbol, order_id=order_id, client_id=client_id or "")
    if order and client_id and order.client_id != client_id:
        return None
    return order


def order_query(call: Call) -> dict[str, Any]:
    order = _named(call)
    if order is None or order.created > call.now - call.lag_ms:
        raise rejections.no_such_order()
    return wire.order_queried(order)


def order_cancel(call: Call) -> dict[str, Any]:
    order = _named(call)
    if order is None:
        raise rejections.unknown_order()
    restriction = call.optional("cancelRestrictions")
    if restriction not in (None, "ONLY_NEW", "ONLY_PARTIALLY_FILLED"):
        raise Rejection(-1145, "cancelRestrictions has to be either ONLY_NEW or ONLY_PARTIALLY_FILLED.")
    if order.open and restriction and restriction != f"ONLY_{order.status}":
        raise Rejection(-2011, "Order was not canceled due to cancel restrictions.")
    cancel_id = call.client_id("newClientOrderId") or call.ledger.fresh_name()
    return wire.order_cancelled(call.ledger.cancel(order, cancel_id), cancel_id)


def open_orders(call: Call) -> list[dict[str, Any]]:
    symbol = call.symbol() if "symbol" in call.params else None
    found = call.ledger.open_orders(call.account.key, symbol)
    return [wire.order_queried(order) for order in found if order.created <= call.now - call.lag_ms]


def open_orders_cancel(call: Call) -> list[dict[str, Any]]:
    found = call.ledger.open_orders(call.account.key, call.symbol())
    if not found:
        raise rejections.unknown_order()
    return [wire.order_cancelled(call.ledger.cancel(order), call.ledger.fresh_name()) for order in found]


def all_orders(call: Call) -> list[dict[str, Any]]:
    """From `orderId` or `startTime` on, else the newest; oldest first."""
    symbol, start_id, (start, end) = call.symbol(), call.integer("orderId"), call.window()
    limit = call.limit(default=500, most=1_000)
    found = [
        order
        for order in call.ledger.orders
        if (order.account, order.symbol) == (call.account.key, symbol)
        and (start_id is None or order.id >= start_id)
        and _inside(order.created, start, end)
        and order.created <= call.now - call.lag_ms
    ]
    return [
        wire.order_queried(order) for order in _page(found, limit, forward=(start_id or start) is not None)
    ]


def my_trades(call: Call) -> list[dict[str, Any]]:
    """From `fromId` or `startTime` on, else the newest; oldest first."""
    symbol, order_id, from_id = call.symbol(), call.integer("orderId"), call.integer("fromId")
    start, end = call.window()
    if (start is not None or end is not None) and (from_id is not None or order_id is not None):
        raise rejections.bad_combination()
    limit = call.limit(default=500, most=1_000)
    found = [
        trade
        for trade in call.ledger.trades
        if (trade.account, trade.symbol) == (call.account.key, symbol)
        and order_id in (None, trade.order_id)
        and (from_id is None or trade.id >= from_id)
        and _inside(trade.time, start, end)
        and trade.time <= call.now - call.lag_ms
    ]
    forward = from_id is not None or start is not None
    return [wire.my_trade(trade) for trade in _page(found, limit, forward=forward)]


def _inside(time: int, start: int | None, end: int | None) -> bool:
    return (start is None or time >= start) and (end is None or time <= end)


def _page(found: Sequence[T], limit: int, *, forward: bool) -> Sequence[T]:
    return found[:limit] if forward else found[-limit:]


def account(call: Call) -> dict[str, Any]:
    return wire.account_told(call.account, omit_zero=call.params.get("omitZeroBalances") == "true")


def commission(call: Call) -> dict[str, Any]:
    rates = {"maker": text(call.account.maker_rate), "taker": text(call.account.taker_rate)}
    rates |= {"buyer": text(D(0)), "seller": text(D(0))}
    none = dict.fromkeys(rates, text(D(0)))
    return {
        "symbol": call.symbol(),
        "standardCommission": rates,
        "specialCommission": none,
        "taxCommission": none,
        "discount": {
            "enabledForAccount": call.account.fee_asset is not None,
            "enabledForSymbol": True,
            "discountAsset": call.account.fee_asset or "BNB",
            "discount": "0.75000000",
        },
    }
