"""How many levels of a book are asked for: so many as ccxt lets through, at every exchange."""

import ccxt
import pytest

from orders.gateways.exchange.adapters import SOURCES
from tests.gateways.exchange.desk import TICKER
from tests.gateways.exchange.wire import Wire

FLAGS = dict.fromkeys(("swap", "future", "option", "contract", "margin", "linear", "inverse"), False)
MARKET = {
    "id": "BTCUSDT",
    "symbol": TICKER,
    **{"base": "BTC", "quote": "USDT", "baseId": "BTC", "quoteId": "USDT"},
    **{"type": "spot", "spot": True, "active": True, "info": {}},
    **FLAGS,
}
HAVE_NO_BOOKS = {"derive"}


@pytest.mark.parametrize("name", sorted(SOURCES.keys() - HAVE_NO_BOOKS))
def test_a_book_is_asked_for_with_a_number_of_levels_that_is_let_through(name: str) -> None:
    """ccxt refuses some numbers by itself, and then there would be no depth on that exchange at all."""
    wire = Wire((200, {}))
    asked = getattr(ccxt, name)(
        {"enableRateLimit": False, "session": wire.session(), **SOURCES[name].options}
    )
    asked.set_markets([MARKET])
    refused = None
    try:
        asked.fetch_order_book(TICKER, SOURCES[name].book_levels)
    except Exception as error:  # noqa: BLE001  # what it makes of an empty answer is not asked here
        refused = error
    assert wire.requests, refused
