"""What an exchange must be known by for its markets and prices; placing orders needs an `Adapter`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from orders.gateways.exchange.errors import Codes
from orders.gateways.exchange.feeds import Feeds
from orders.gateways.exchange.history import Past
from orders.rules import FeeIn


def takes_none(_: Mapping[str, Any]) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """`past` tells how past candles are asked for. `fee` is a fraction, the taker's, for markets that tell
    none. Requests go to `hosts` alone, or to `sandbox_hosts`. `limits_by_account`: they are counted for each
    account, not for the address they come from. `asks_books`: its tickers may lack bid and ask, which its
    order books tell; `book_levels`: how many levels of one it may be asked for. `feeds` are its streams;
    without them everything is asked for. `takes_stops`: whether a market, as ccxt tells it, takes the
    stop-limit orders that the adapter can send."""

    exchange: str
    codes: Codes
    hosts: frozenset[str]
    past: Past
    open_orders_max: int
    fee: Decimal
    fee_in: FeeIn
    sandbox_hosts: frozenset[str] = frozenset()
    feeds: Feeds | None = None
    limits_by_account: bool = True
    asks_books: bool = False
    book_levels: int = 100
    takes_stops: Callable[[Mapping[str, Any]], bool] = takes_none
    options: Mapping[str, Any] = field(default_factory=dict)
