"""Clients and orders for tests of the exchanges' gateway, over a wire that lets nothing out."""

import base64
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from accounts.keys import Credentials
from accounts.models import ExchangeAccount
from orders.gateways.exchange.adapters import ADAPTERS
from orders.gateways.exchange.breaker import SharedBreaker
from orders.gateways.exchange.budget import Budget
from orders.gateways.exchange.client import Client
from orders.gateways.exchange.gateway import ExchangeGateway
from orders.gateways.exchange.limits import limits_of
from orders.models import Market, Order
from orders.rules import OrderKind, Side
from tests.gateways.exchange.own import own_counts
from tests.gateways.exchange.wire import Wire

CLIENT_ID = "0123456789abcdef0123456789abcdef"
AS_UUID = "01234567-89ab-cdef-0123-456789abcdef"
TICKER = "BTC/USDT"
# Made for these tests; Coinbase signs with such a key.
ELLIPTIC = """-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04fSeQ6tF1aY/PuoAoGCCqGSM49
AwEHoUQDQgAEPR3tU2Fta9ktY+6P9G0cWO+0kETA6SFs38GecTyudlHz6xvCdz8q
EKTcWGekdmdDPsHloRNtsiCa697B2O9IFA==
-----END EC PRIVATE KEY-----
"""
NAMES_OF_MARKET = {"okx": "BTC-USDT", "kraken": "XBTUSDT", "coinbase": "BTC-USDT"}


def credentials(exchange: str) -> Credentials:
    secret = ELLIPTIC if exchange == "coinbase" else base64.b64encode(b"s" * 32).decode()
    return Credentials("key-of-the-tests-key", secret, "a passphrase")


def client(exchange: str, wire: Wire, environment: str = "live", **overrides: Any) -> Client:
    """One that knows a single market."""
    counts = own_counts()
    made = Client(
        ADAPTERS[exchange],
        environment,
        credentials(exchange),
        overrides={"enableRateLimit": False, **overrides},
        breaker=SharedBreaker("own", counts),
        budget=Budget(exchange, "own", limits_of(exchange), counts),
        session=wire.session(),
    )
    made.ccxt.set_markets([_market(NAMES_OF_MARKET.get(exchange, "BTCUSDT"))])
    return made


def _market(name: str) -> dict[str, Any]:
    kinds = dict.fromkeys(("swap", "future", "option", "contract", "margin", "linear", "inverse"), False)
    return {
        "id": name,
        "symbol": TICKER,
        "base": "BTC",
        "quote": "USDT",
        "baseId": "BTC",
        "quoteId": "USDT",
        "type": "spot",
        "spot": True,
        "active": True,
        "precision": {"amount": "0.00001", "price": "0.01"},
        "limits": {"amount": {"min": "0.00001"}, "price": {}, "cost": {"min": "5"}},
        "info": {"orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT"]},
        **kinds,
    }


@dataclass
class OneClient:
    """The client of every account."""

    client: Client

    def of(self, account: ExchangeAccount) -> Client:
        return self.client


def gateway(exchange: str, wire: Wire, age_ms: int = 0) -> ExchangeGateway:
    """One for which every order was claimed `age_ms` ago."""
    return ExchangeGateway(ADAPTERS[exchange], OneClient(client(exchange, wire)), lambda _: age_ms)


def order(
    kind: OrderKind = OrderKind.LIMIT,
    side: Side = Side.BUY,
    **fields: Any,
) -> Order:
    """A claimed order that is in no database."""
    nothing = dict.fromkeys(("min_amount", "min_cost", "maker_fee", "taker_fee"), Decimal(0))
    market = Market(exchange="any", ticker=TICKER, tick=Decimal("0.01"), lot=Decimal("0.00001"), **nothing)
    return Order(
        client_id=CLIENT_ID,
        ticker=TICKER,
        market=market,
        account=ExchangeAccount(),
        side=side,
        kind=kind,
        amount=Decimal("0.010000"),
        price=None if kind is OrderKind.MARKET else Decimal("100.50"),
        **fields,
    )
