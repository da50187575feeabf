"""How each exchange that takes our orders is spoken to: one row an exchange.

An order is named by our own id of 32 hexadecimal digits. Where ccxt's unified `clientOrderId` goes
astray on the way (Coinbase drops it, Bybit looks up by another name, Kraken asks for `txid=None`), the
native name is used; `tests/gateways/exchange/test_wire.py` holds every byte.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from orders.gateways.base import Permissions
from orders.gateways.exchange import feeds
from orders.gateways.exchange.errors import BINANCE, BYBIT, COINBASE, KRAKEN, OKX
from orders.gateways.exchange.history import Past
from orders.gateways.exchange.permissions import of_binance, of_bybit, of_coinbase, of_kraken, of_okx
from orders.gateways.exchange.source import Source
from orders.gateways.exchange.trades import Params, Way, by_bill, by_cursor, by_number, by_order
from orders.gateways.exchange.unproven import UNPROVEN
from orders.rules import FeeIn
from tradingbot.clock import moment_of

WEEK_MS = 7 * 24 * 3_600_000


class Tier(StrEnum):
    """What can be promised. A: an order is found by our id at once. B: by lists alone, which may lag.
    C: not at all, so a lost answer cannot be resolved and the exchange is not traded on."""

    A = "A"
    B = "B"
    C = "C"


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How old an order may be when its request to create arrives: `params` names its beginning (exchange
    time, ms UTC), so that the exchange itself refuses a later one. Where that cannot be told we look at its
    age before the request leaves, and the exchange takes it in for `good_ms` more."""

    window_ms: int
    params: Callable[[int, int], Params] | None = None
    good_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter(Source):
    """`client_id` renders our 32 hex digits for the wire; `create`, `find` and `list_by` are the params that
    carry it. Without `find` an order cannot be asked for by our id, and is looked for in the lists.

    `listed` are the methods that list orders, open ones first; they also prove that there is no such order.
    `list_span`: of closed ones an answer covers so many ms from the beginning that is named so, and no more.
    `by_own_id`: an order whose own id is known is asked for by that, and found however long the lists are.
    `trades` is how an order's trades are asked for. `market_buy_by_base`: a buy at market may be given in
    base; where it may not, it goes as an immediate limit a little over the ask. `stop` is what makes a limit
    sale a stop with this trigger; None where no stop is sent.
    """

    tier: Tier
    client_id: Callable[[str], str]
    create: Callable[[str], Params]
    find: Callable[[str], Params] | None
    list_by: Callable[[str], Params]
    listed: tuple[str, ...]
    trades: Way
    lifetime: Lifetime
    permissions: Callable[[Any], Permissions]
    by_own_id: bool = False
    list_span: tuple[str, int] | None = None
    market_buy_by_base: bool = True
    stop: Callable[[str], Params] | None = None
    market_params: Params = field(default_factory=dict)


def nothing(_: str) -> Params:
    """Where no filter is known: all are looked through."""
    return {}


def as_hex(client_id: str) -> str:
    return client_id


def as_uuid(client_id: str) -> str:
    return str(UUID(hex=client_id))


def _timestamp(since_ms: int, window_ms: int) -> Params:
    return {"timestamp": since_ms, "recvWindow": window_ms}


def _deadline(since_ms: int, window_ms: int) -> Params:
    return {"deadline": moment_of(since_ms + window_ms).isoformat(timespec="milliseconds")}


def _binance_takes_stops(market: Mapping[str, Any]) -> bool:
    return "STOP_LOSS_LIMIT" in (market.get("info") or {}).get("orderTypes", ())


BINANCE_ROW = Adapter(
    exchange="binance",
    tier=Tier.A,
    codes=BINANCE,
    feeds=feeds.BINANCE,
    hosts=frozenset({"api.binance.com"}),
    sandbox_hosts=frozenset({"testnet.binance.vision"}),
    client_id=as_hex,
    create=lambda wire: {"newClientOrderId": wire},
    find=lambda wire: {"origClientOrderId": wire},
    list_by=nothing,
    listed=("fetch_open_orders", "fetch_orders"),
    stop=lambda trigger: {"stopPrice": trigger, "timeInForce": "GTC"},
    takes_stops=_binance_takes_stops,
    trades=by_number("orderId", "fromId", page=1000),
    lifetime=Lifetime(5_000, _timestamp),
    past=Past(page=1000),
    open_orders_max=200,
    permissions=of_binance,
    fee=Decimal("0.001"),
    fee_in=FeeIn.RECEIVED,
    limits_by_account=False,
    options={"options": {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}, "fetchMargins": False}},
)
BYBIT_ROW = Adapter(
    exchange="bybit",
    tier=Tier.A,
    codes=BYBIT,
    feeds=feeds.BYBIT,
    hosts=frozenset({"api.bybit.com"}),
    sandbox_hosts=frozenset({"api-testnet.bybit.com"}),
    client_id=as_hex,
    create=lambda wire: {"orderLinkId": wire},
    # Its fetch_order sees the last 500 orders alone; the lists go further, and know our id.
    find=None,
    list_by=lambda wire: {"orderLinkId": wire},
    listed=("fetch_open_orders", "fetch_canceled_and_closed_orders"),
    list_span=("startTime", WEEK_MS),
    trades=by_cursor(lambda order_id: {"orderId": order_id}, "nextPageCursor", page=100, window_ms=WEEK_MS),
    lifetime=Lifetime(5_000, good_ms=5_000),
    past=Past(page=1000, windowed=True),
    open_orders_max=500,
    permissions=of_bybit,
    fee=Decimal("0.001"),
    fee_in=FeeIn.RECEIVED,
    # Told, ccxt need not ask with every new key which kind of account it is.
    options={
        "options": {
            "defaultType": "spot",
            "fetchMarkets": {"types": ["spot"]},
            "enableUnifiedMargin": False,
            "enableUnifiedAccount": True,
            "unifiedMarginStatus": 6,
        }
    },
)
OKX_ROW = Adapter(
    exchange="okx",
    tier=Tier.A,
    codes=OKX,
    feeds=feeds.OKX,
    hosts=frozenset({"www.okx.com"}),
    # The same host: a header tells its demo trading from real money.
    sandbox_hosts=frozenset({"www.okx.com"}),
    client_id=as_hex,
    create=lambda wire: {"clOrdId": wire},
    find=lambda wire: {"clOrdId": wire},
    list_by=nothing,
    listed=("fetch_open_orders", "fetch_closed_orders", "fetch_canceled_orders"),
    trades=by_bill("ordId", page=100),
    lifetime=Lifetime(5_000, good_ms=30_000),
    past=Past(page=100, windowed=True),
    open_orders_max=500,
    permissions=of_okx,
    fee=Decimal("0.0015"),
    fee_in=FeeIn.RECEIVED,
    market_params={"tgtCcy": "base_ccy"},
    options={"options": {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}}},
)
KRAKEN_ROW = Adapter(
    exchange="kraken",
    tier=Tier.B,
    by_own_id=True,
    codes=KRAKEN,
    feeds=feeds.KRAKEN,
    hosts=frozenset({"api.kraken.com"}),
    client_id=as_uuid,
    create=lambda wire: {"cl_ord_id": wire},
    find=None,
    list_by=lambda wire: {"cl_ord_id": wire},
    listed=("fetch_open_orders", "fetch_closed_orders"),
    trades=by_order,
    lifetime=Lifetime(5_000, _deadline),
    past=Past(page=720, newest=720),
    open_orders_max=60,
    permissions=of_kraken,
    fee=Decimal("0.004"),
    fee_in=FeeIn.QUOTE,
)
COINBASE_ROW = Adapter(
    exchange="coinbase",
    tier=Tier.B,
    by_own_id=True,
    codes=COINBASE,
    feeds=feeds.COINBASE,
    hosts=frozenset({"api.coinbase.com"}),
    client_id=as_uuid,
    create=lambda wire: {"client_order_id": wire},
    find=None,
    list_by=nothing,
    listed=("fetch_open_orders", "fetch_orders"),
    trades=by_cursor(lambda order_id: {"order_ids": [order_id]}, "cursor", page=100),
    lifetime=Lifetime(5_000, good_ms=120_000),
    past=Past(page=300, windowed=True),
    open_orders_max=500,
    permissions=of_coinbase,
    fee=Decimal("0.012"),
    fee_in=FeeIn.QUOTE,
    market_buy_by_base=False,
)
ADAPTERS: Mapping[str, Adapter] = {
    row.exchange: row for row in (BINANCE_ROW, BYBIT_ROW, OKX_ROW, KRAKEN_ROW, COINBASE_ROW)
}
# All whose prices can be had: on those without an adapter there is paper trading alone.
SOURCES: Mapping[str, Source] = {**ADAPTERS, **UNPROVEN}
