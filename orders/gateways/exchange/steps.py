"""The steps of prices and amounts, as our rules have them: numbers of which all must be whole multiples.

Some exchanges tell how many digits a price may have instead. What step that is depends on the price: it is
taken from the last one, and is another when the price has one digit more.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from orders.gateways.base import Unreachable
from orders.gateways.exchange.client import Client
from orders.gateways.exchange.orders import above_zero

# ccxt's numbers for how an exchange tells precision.
DECIMAL_PLACES, SIGNIFICANT_DIGITS, TICK_SIZE = 2, 3, 4
PLACES_MAX = 18


@dataclass(frozen=True, slots=True)
class Steps:
    """Of one exchange's markets, each as ccxt tells of it. Both raise `Unreachable` where none is told."""

    tick: Callable[[Mapping[str, Any]], Decimal]
    lot: Callable[[Mapping[str, Any]], Decimal]


def steps_of(client: Client) -> Steps:
    """Asks for the last prices, too, where they are needed. Raises what `client.ask` does."""
    mode = client.ccxt.precisionMode
    if mode == TICK_SIZE:
        return Steps(tick=lambda told: _step(told, "price"), lot=lambda told: _step(told, "amount"))
    if mode == DECIMAL_PLACES:
        return Steps(tick=lambda told: _places(told, "price"), lot=lambda told: _places(told, "amount"))
    if mode == SIGNIFICANT_DIGITS:
        tickers = client.ask(lambda ccxt: ccxt.fetch_tickers())
        # Even where prices have so many digits, amounts have so many places.
        return Steps(tick=lambda told: _digits(told, tickers), lot=lambda told: _places(told, "amount"))
    raise Unreachable(f"{client.adapter.exchange} tells its steps in a way that is not known")


def _step(told: Mapping[str, Any], name: str) -> Decimal:
    return above_zero(told["precision"].get(name), name)


def _places(told: Mapping[str, Any], name: str) -> Decimal:
    return Decimal(1).scaleb(-_count(told, name))


def _digits(told: Mapping[str, Any], tickers: Mapping[str, Any]) -> Decimal:
    last = above_zero((tickers.get(told["symbol"]) or {}).get("last"), "last price")
    return Decimal(1).scaleb(max(last.adjusted() + 1 - _count(told, "price"), -PLACES_MAX))


def _count(told: Mapping[str, Any], name: str) -> int:
    count = told["precision"].get(name)
    if not str(count).isdecimal() or int(count) > PLACES_MAX:
        raise Unreachable(f"the exchange tells {count!r} as the places of a {name}")
    return int(count)
