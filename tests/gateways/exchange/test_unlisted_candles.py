"""The newest candle of one market is not listed yet: that is no silence of its exchange."""

from typing import Any

import pytest
from django.core.cache import cache

from bots.strategies.base import Candles
from orders.gateways.base import NotYet, Unreachable
from orders.gateways.exchange.clients import ProcessClients
from orders.gateways.exchange.history import NO_CANDLES
from orders.gateways.exchange.patience import PatientPrices
from orders.gateways.exchange.prices import ExchangePrices

BUSY, SLOW = "BTC/USDT", "SLOW/USDT"
NOON_MS = 1_767_268_800_000


class Lists(ExchangePrices):
    """Candles of a market where somebody trades, and of one where nobody has yet, or `trouble`."""

    def __init__(self) -> None:
        super().__init__("binance", ProcessClients(overrides={}, keys=[]))
        self.asked: list[str] = []
        self.trouble: Exception | None = None

    def candles(self, *, ticker: str, timeframe: str, until: int, count: int) -> Candles:
        self.asked.append(ticker)
        if self.trouble is not None:
            raise self.trouble
        if ticker == SLOW:
            raise NotYet("not listed")
        return NO_CANDLES


@pytest.fixture
def lists() -> Lists:
    cache.clear()
    return Lists()


def newest(prices: PatientPrices, ticker: str) -> Any:
    return prices.candles(ticker=ticker, timeframe="1m", until=NOON_MS, count=10)


def test_others_have_theirs_meanwhile(lists: Lists) -> None:
    prices = PatientPrices(lists)
    with pytest.raises(NotYet):
        newest(prices, SLOW)
    assert newest(prices, BUSY) is NO_CANDLES


def test_it_is_not_asked_for_again_at_once_and_is_still_on_its_way(lists: Lists) -> None:
    prices = PatientPrices(lists)
    for _ in range(5):
        with pytest.raises(NotYet):
            newest(prices, SLOW)
    assert lists.asked == [SLOW]


def test_a_silence_is_one_for_all_markets(lists: Lists) -> None:
    prices = PatientPrices(lists)
    lists.trouble = Unreachable("down")
    for ticker in (BUSY, SLOW, BUSY):
        with pytest.raises(Unreachable):
            newest(prices, ticker)
    assert lists.asked == [BUSY]
