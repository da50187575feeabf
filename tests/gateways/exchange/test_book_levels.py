"""How many levels of a book are asked for: so many as ccxt lets through, at every exchange."""

from typing import Any, NoReturn

import ccxt
import pytest
from requests import Session

from orders.gateways.exchange.adapters import SOURCES
from tests.gateways.exchange.desk import TICKER

FLAGS = dict.fromkeys(("swap", "future", "option", "contract", "margin", "linear", "inverse"), False)
MARKET = {
    "id": "BTCUSDT",
    "symbol": TICKER,
    **{"base": "BTC", "quote": "USDT", "baseId": "BTC", "quoteId": "USDT"},
    **{"type": "spot", "spot": True, "active": True, "info": {}},
    **FLAGS,
}
HAVE_NO_BOOKS = {"derive"}


class Left(Exception):
    """A request was about to leave."""


class Door(Session):
    def request(self, *_: Any, **__: Any) -> NoReturn:
        raise Left


@pytest.mark.parametrize("name", sorted(SOURCES.keys() - HAVE_NO_BOOKS))
def test_a_book_is_asked_for_with_a_number_of_levels_that_is_let_through(name: str) -> None:
    """ccxt refuses some numbers by itself, and then there would be no depth on that exchange at all."""
    asked = getattr(ccxt, name)({"enableRateLimit": False, "session": Door(), **SOURCES[name].options})
    asked.set_markets([MARKET])
    with pytest.raises(Left):
        asked.fetch_order_book(TICKER, SOURCES[name].book_levels)
