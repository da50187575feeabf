"""Which endpoint answers which method and path, what it asks of the sender, and what it weighs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from tests.exchange import prices, trading, wallet
from tests.exchange.call import Call
from tests.exchange.rejections import Rejection

API, SAPI = "/api/v3/", "/sapi/v1/"
SUBSCRIBE = "userDataStream.subscribe.signature"
ALWAYS = frozenset({"timestamp", "recvWindow", "signature", "apiKey"})


class Security(Enum):
    NONE = "none"
    SIGNED = "signed"


@dataclass(frozen=True)
class Route:
    """`several` weighs a request that names no symbol; `accepts` None takes any parameter."""

    endpoint: Callable[[Call], Any]
    security: Security = Security.NONE
    weight: int = 1
    several: int | None = None
    accepts: frozenset[str] | None = None
    counts_as_order: bool = False

    def cost(self, params: Mapping[str, str]) -> int:
        return self.weight if self.several is None or "symbol" in params else self.several

    def check(self, params: Mapping[str, str]) -> None:
        """A signed endpoint reads every parameter, or refuses."""
        if self.accepts is None:
            return
        sent = set(params) - ALWAYS
        if extra := sent - self.accepts:
            raise Rejection(
                -1104,
                "Not all sent parameters were read; "
                f"read '{len(params) - len(extra)}' parameter(s) but was sent '{len(params)}'.",
            )


def signed(
    endpoint: Callable[[Call], Any], weight: int, accepts: str | None = "", several: int | None = None
) -> Route:
    names = None if accepts is None else frozenset(accepts.split())
    return Route(endpoint, Security.SIGNED, weight, several, names)


NEW_ORDER = (
    "symbol side type timeInForce quantity quoteOrderQty price newClientOrderId newOrderRespType "
    "selfTradePreventionMode strategyId strategyType computeCommissionRates stopPrice trailingDelta "
    "icebergQty"
)
NAMES_ORDER = "symbol orderId origClientOrderId"
PAGE = "symbol orderId startTime endTime limit"

ROUTES: dict[tuple[str, str], Route] = {
    ("GET", API + "ping"): Route(prices.ping),
    ("GET", API + "time"): Route(prices.time),
    ("GET", API + "exchangeInfo"): Route(wallet.exchange_info, weight=20),
    ("GET", API + "depth"): Route(prices.depth, weight=5),
    ("GET", API + "trades"): Route(prices.trades, weight=25),
    ("GET", API + "historicalTrades"): Route(prices.trades, weight=25),
    ("GET", API + "aggTrades"): Route(prices.trades_grouped, weight=4),
    ("GET", API + "klines"): Route(prices.klines, weight=2),
    ("GET", API + "uiKlines"): Route(prices.klines, weight=2),
    ("GET", API + "avgPrice"): Route(prices.average_price, weight=2),
    ("GET", API + "ticker"): Route(prices.ticker_window, weight=4),
    ("GET", API + "ticker/24hr"): Route(prices.ticker_day, weight=2, several=80),
    ("GET", API + "ticker/price"): Route(prices.ticker_price, weight=2, several=4),
    ("GET", API + "ticker/bookTicker"): Route(prices.ticker_book, weight=2, several=4),
    ("POST", API + "order"): replace(signed(trading.order_create, 1, NEW_ORDER), counts_as_order=True),
    ("POST", API + "order/test"): signed(trading.order_test, 1, NEW_ORDER),
    ("GET", API + "order"): signed(trading.order_query, 4, NAMES_ORDER),
    ("DELETE", API + "order"): signed(
        trading.order_cancel, 1, NAMES_ORDER + " newClientOrderId cancelRestrictions"
    ),
    ("GET", API + "openOrders"): signed(trading.open_orders, 6, "symbol", several=80),
    ("DELETE", API + "openOrders"): signed(trading.open_orders_cancel, 1, "symbol"),
    ("GET", API + "allOrders"): signed(trading.all_orders, 20, PAGE),
    ("GET", API + "myTrades"): signed(trading.my_trades, 20, PAGE + " fromId"),
    ("GET", API + "account"): signed(trading.account, 20, "omitZeroBalances"),
    ("GET", API + "account/commission"): signed(trading.commission, 20, "symbol"),
    ("GET", SAPI + "system/status"): Route(wallet.system_status),
    ("GET", SAPI + "account/status"): signed(wallet.account_status, 1, None),
    ("GET", SAPI + "account/apiRestrictions"): signed(wallet.api_restrictions, 1, None),
    ("GET", SAPI + "capital/config/getall"): signed(wallet.coins, 10, None),
    ("GET", SAPI + "margin/allPairs"): signed(wallet.no_pairs, 1, None),
    ("GET", SAPI + "margin/isolated/allPairs"): signed(wallet.no_pairs, 10, None),
    ("WS", SUBSCRIBE): signed(wallet.subscribed, 2),
    ("GET", "/fapi/v1/exchangeInfo"): Route(wallet.no_contracts),
    ("GET", "/dapi/v1/exchangeInfo"): Route(wallet.no_contracts),
    ("GET", "/eapi/v1/exchangeInfo"): Route(wallet.no_contracts),
}
