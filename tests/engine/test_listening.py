"""Prices that are asked for: what they reach happens once; a silent exchange is left alone for a while."""

from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

import pytest
from django.core.cache import cache

from bots.engine.listening import Listener, needed, passed
from bots.engine.turn import run_turn
from bots.models import Bot
from orders.gateways.base import Exchanges, RateLimited, Unreachable
from orders.gateways.paper import PaperGateway
from orders.matching import Quote
from orders.states import OrderStatus
from tests.engine.conftest import NOW, World
from tests.engine.exchanges import BEGAN_MS, NAME, RemotePrices

D = Decimal


@dataclass
class Room:
    """The world's bots on paper, at a remote exchange's prices, and somebody who listens."""

    world: World
    prices: RemotePrices
    rung: list[UUID] = field(default_factory=list)
    shown: list[Quote] = field(default_factory=list)

    @property
    def exchanges(self) -> Exchanges:
        return Exchanges({(NAME, "paper"): PaperGateway(self.prices)}, {NAME: self.prices})

    def listener(self, exchanges: Exchanges | None = None) -> Listener:
        def publish(exchange: str, ticker: str, quote: Quote) -> None:
            self.shown.append(quote)

        return Listener(exchanges or self.exchanges, self.rung.extend, publish, lambda: NOW)

    def started(self) -> Bot:
        """A bot that has bought one at 100 and asks 110.11 for it."""
        bot = self.world.bot()
        run_turn([bot.pk], exchanges=self.exchanges, now=NOW)
        return bot

    def price(self, price: str) -> None:
        self.prices.price, self.prices.at = D(price), self.prices.at + 1000


@pytest.fixture
def room(world: World) -> Room:
    cache.clear()
    return Room(world, RemotePrices(at=BEGAN_MS))


def test_a_paper_order_fills_when_the_price_stands_behind_it(room: Room) -> None:
    bot = room.started()
    target = room.world.orders(bot)[1]
    room.price(str(target.price))
    room.listener().beat()
    assert room.world.orders(bot)[1].status == OrderStatus.OPEN, "touched is not gone through"
    room.price("120")
    room.listener().beat()
    cache.clear()
    room.listener().beat()
    assert [order.status for order in room.world.orders(bot)] == [OrderStatus.FILLED, OrderStatus.FILLED]
    assert [trade.price for trade in room.world.trades(bot)][1] == target.price
    assert bot.pk in room.rung


def test_an_order_that_is_younger_than_the_price_does_not_fill_at_it(room: Room) -> None:
    bot = room.started()
    old = Quote(D(120), D(120), D(120), BEGAN_MS - 1)
    assert passed(exchange=NAME, ticker="BTC/USDT", quote=old, now=NOW) == []
    assert room.world.orders(bot)[1].status == OrderStatus.OPEN


def test_a_bot_is_rung_once_for_a_price_it_waits_for(room: Room) -> None:
    bot = room.started()
    Bot.objects.filter(pk=bot.pk).update(wake_below=D(95))
    quote = Quote(D(95), D(95), D(95), BEGAN_MS + 1000)
    assert passed(exchange=NAME, ticker="BTC/USDT", quote=quote, now=NOW) == [bot.pk]
    assert passed(exchange=NAME, ticker="BTC/USDT", quote=quote, now=NOW) == [], "it has not looked yet"


def test_only_markets_somebody_needs_are_asked_for(room: Room) -> None:
    assert needed() == {}
    room.listener().beat()
    assert room.prices.looks == 0
    room.started()
    assert needed() == {NAME: {"BTC/USDT"}}


def test_a_price_is_shown_to_the_pages(room: Room) -> None:
    room.started()
    room.price("101")
    room.listener().beat()
    assert [quote.last for quote in room.shown] == [D(101)]


def test_one_process_listens_to_an_exchange(room: Room) -> None:
    room.started()
    first, second = room.listener(), room.listener()
    first.beat()
    asked = room.prices.looks
    second.beat()
    assert room.prices.looks == asked


@pytest.mark.parametrize("trouble", [Unreachable("down"), RateLimited("slow down", wait_s=60)])
def test_a_silent_exchange_is_not_asked_again_at_once(room: Room, trouble: Exception) -> None:
    room.started()
    asked: list[int] = []

    class Silent(RemotePrices):
        def ask(self, tickers: object) -> dict[str, Quote]:
            asked.append(1)
            raise trouble

    listener = room.listener(Exchanges({}, {NAME: Silent()}))
    listener.beat()
    listener.beat()
    assert asked == [1]
    assert room.rung == []
