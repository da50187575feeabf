"""Which streams each proven exchange has, in ccxt's words: columns of the table in `adapters.py`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ALL_PARTS = ("bid", "ask", "last")


@dataclass(frozen=True, slots=True)
class Feed:
    """One of ccxt's `watch_*` and where it keeps what came: `tells` are the parts of a price taken from it.

    `each`: it is asked market by market, not for all of a connection at once."""

    watch: str
    kept: str
    tells: tuple[str, ...] = ALL_PARTS
    params: Mapping[str, Any] = field(default_factory=dict)
    each: bool = False


@dataclass(frozen=True, slots=True)
class Feeds:
    """`prices` together tell whole prices, at most `markets_max` on a connection; one that has brought none
    for `silence_s` is taken for dead. `orders` tells of an account's orders. Sockets are opened to `hosts`
    alone, or to `sandbox_hosts`."""

    prices: tuple[Feed, ...]
    hosts: frozenset[str]
    sandbox_hosts: frozenset[str] = frozenset()
    orders: str = "watch_orders"
    markets_max: int = 50
    silence_s: float = 20.0


BINANCE = Feeds(
    # The ticker comes once a second; between two of them trades tell the last price.
    prices=(
        Feed("watch_tickers", "tickers", params={"name": "ticker"}),
        Feed("watch_trades_for_symbols", "trades", ("last",)),
    ),
    hosts=frozenset({"stream.binance.com:9443", "ws-api.binance.com:443"}),
    sandbox_hosts=frozenset({"stream.testnet.binance.vision", "ws-api.testnet.binance.vision"}),
)
BYBIT = Feeds(
    # Its ticker of a spot market has no bid and no ask; more than ten topics a request are refused.
    prices=(
        Feed("watch_tickers", "tickers", ("last",)),
        Feed("watch_bids_asks", "bidsasks", ("bid", "ask")),
    ),
    hosts=frozenset({"stream.bybit.com"}),
    sandbox_hosts=frozenset({"stream-testnet.bybit.com"}),
    markets_max=10,
)
OKX = Feeds(
    prices=(Feed("watch_tickers", "tickers"),),
    hosts=frozenset({"ws.okx.com:443"}),
    sandbox_hosts=frozenset({"wspap.okx.com:443"}),
)
KRAKEN = Feeds(
    prices=(Feed("watch_tickers", "tickers"),),
    hosts=frozenset({"ws.kraken.com", "ws-auth.kraken.com"}),
)
COINBASE = Feeds(
    # Of many markets at once it tells every five seconds only.
    prices=(Feed("watch_ticker", "tickers", each=True),),
    hosts=frozenset({"advanced-trade-ws.coinbase.com"}),
)
