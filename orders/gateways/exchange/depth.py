"""How much stands in a real exchange's order book near the touch, for those who enter on it."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from django.core.cache import cache

from orders.accounting import product
from orders.gateways.base import GatewayError, Unreachable
from orders.gateways.exchange.clients import Masters
from orders.gateways.exchange.orders import above_zero
from orders.gateways.exchange.patience import WAIT_S, Pause, Questions
from orders.rules import ZERO

NEAR = Decimal("0.001")  # 10 bps
FRESH_S = 2


class ExchangeDepths:
    """Of one exchange, or of its sandbox. It keeps nobody waiting for long."""

    def __init__(self, exchange: str, masters: Masters) -> None:
        self.exchange, self._masters = exchange, masters
        self._questions = Questions()
        self._pause = Pause()

    def depth(self, ticker: str) -> Decimal:
        """The quote within 10 bps of the touch on the thinner side, some seconds old at most. A book that
        cannot be had, has an empty side or is crossed is no depth at all: 0."""
        key = f"depth:{self.exchange}:{ticker.replace('/', '-')}"
        known: Decimal | None = cache.get(key)
        if known is not None:
            return known
        if self._pause.lasts:
            return ZERO
        try:
            known = self._questions.answer(ticker, partial(self._ask, ticker), WAIT_S)
        except TimeoutError:
            # Not for each of its markets anew.
            self._pause.begin()
            known = ZERO
        except GatewayError:
            known = ZERO
        cache.set(key, known, timeout=FRESH_S)
        return known

    def _ask(self, ticker: str) -> Decimal:
        client = self._masters.master(self.exchange)
        if ticker not in client.ccxt.markets:
            raise Unreachable(f"{self.exchange} lists {ticker} no more")
        book = client.ask(lambda ccxt: ccxt.fetch_order_book(ticker, client.adapter.book_levels))
        return depth_of(book["bids"], book["asks"])


def depth_of(bids: Sequence[Any], asks: Sequence[Any]) -> Decimal:
    """From the levels (price, amount, …) of a book, best first; 0 for one that is empty or crossed."""
    sides = [[_level(row) for row in rows] for rows in (bids, asks)]
    if not all(sides) or sides[0][0][0] >= sides[1][0][0]:
        return ZERO
    bid, ask = sides[0][0][0], sides[1][0][0]
    below = _worth(row for row in sides[0] if row[0] >= bid * (1 - NEAR))
    above = _worth(row for row in sides[1] if row[0] <= ask * (1 + NEAR))
    return min(below, above)


def _level(row: Sequence[Any]) -> tuple[Decimal, Decimal]:
    return above_zero(row[0], "price"), above_zero(row[1], "amount")


def _worth(rows: Iterable[tuple[Decimal, Decimal]]) -> Decimal:
    return sum((product(price, amount) for price, amount in rows), ZERO)
