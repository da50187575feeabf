"""Prices that are asked for: what they reach happens once; a silent exchange is left alone for a while."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from uuid import UUID

import pytest
from django.core.cache import cache

from bots.engine.asking import Askers
from bots.engine.listening import Ask, Listener, listen
from bots.engine.reached import needed, passed
from bots.engine.turn import run_turn
from bots.models import Bot
from orders.gateways.base import Exchanges, RateLimited, Unreachable
from orders.gateways.paper import PaperGateway
from orders.gateways.streaming import Ear, Wanted
from orders.matching import Quote
from orders.states import OrderStatus
from tests.engine.conftest import NOW, World
from tests.engine.exchanges import BEGAN_MS, NAME, RemotePrices, at_once

D = Decimal
WAIT_S = 10.0


@dataclass
class Streamed:
    """Streams that a test speaks for. `keeps`: whether its prices are believed."""

    keeps: bool = True
    ear: Ear = field(init=False)
    wanted: Wanted = field(default_factory=Wanted)
    renewed: list[UUID] = field(default_factory=list)
    stopped: bool = False

    def begin(self, ear: Ear) -> "Streamed":
        self.ear = ear
        return self

    def follow(self, wanted: Wanted) -> None:
        self.wanted = wanted

    def keep(self, exchange: str, quotes: Mapping[str, Quote]) -> Mapping[str, Quote]:
        return quotes if self.keeps else {}

    def heard_s(self, account_id: UUID) -> float | None:
        return None

    def renew(self, account_id: UUID) -> None:
        self.renewed.append(account_id)

    def stop(self) -> None:
        self.stopped = True


def until(listener: Listener, holds: Callable[[], object]) -> None:
    """It listens until that holds."""
    end = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < end, "it did not come in time"
        listener.inbox.came.wait(min(listener.beat(), 0.01))


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

    def listener(self, exchanges: Exchanges | None = None, ask: Ask | None = at_once) -> Listener:
        def publish(exchange: str, ticker: str, quote: Quote) -> None:
            self.shown.append(quote)

        return Listener(exchanges or self.exchanges, self.rung.extend, publish, lambda: NOW, ask=ask)

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


def test_a_silent_exchange_delays_no_other(room: Room) -> None:
    room.started()
    answers, asked = threading.Event(), threading.Event()

    class Silent(RemotePrices):
        def ask(self, tickers: object) -> dict[str, Quote]:
            asked.set()
            answers.wait(WAIT_S)
            raise Unreachable("at last")

    Bot.objects.filter(pk=room.world.bot("Elsewhere").pk).update(exchange="silent")
    exchanges = Exchanges({}, {"silent": Silent(), NAME: room.prices})
    listener = room.listener(exchanges, ask=None)
    room.price("101")
    try:
        until(listener, lambda: asked.is_set() and room.shown)
        assert room.shown[0].last == 101
        shown, listener.next_s[NAME] = len(room.shown), 0.0
        until(listener, lambda: len(room.shown) > shown)
        assert listener.next_s["silent"] == float("inf"), "it is asked one thing at a time"
    finally:
        answers.set()
        listener.stop()
    until(listener, lambda: listener.next_s["silent"] < float("inf"))


def test_a_question_that_fails_in_a_way_nobody_thought_of_ends_no_thread() -> None:
    askers, answered = Askers(), threading.Event()

    def fails() -> None:
        raise ConnectionResetError("the cache is away")

    assert askers.ask(NAME, fails)
    assert askers.ask(NAME, answered.set)
    assert answered.wait(WAIT_S)
    askers.only(set())


def test_more_exchanges_than_threads_wait_for_their_turn() -> None:
    askers, first, second = Askers(threads_max=1), threading.Event(), threading.Event()
    assert askers.ask("first", first.set)
    assert not askers.ask("second", second.set)
    assert first.wait(WAIT_S)
    assert not second.is_set()
    askers.only({"second"})
    assert askers.ask("second", second.set)
    assert second.wait(WAIT_S)
    askers.only(set())


def test_a_market_that_is_streamed_is_not_asked_for(room: Room) -> None:
    bot = room.started()
    told = Streamed()
    listener = room.listener(replace(room.exchanges, streams=told))
    listener.beat()
    assert told.wanted.tickers == {NAME: {"BTC/USDT"}}
    asked = room.prices.looks
    listener.next_s.clear()
    told.ear.priced(NAME, {"BTC/USDT": Quote(D(101), D(101), D(101), BEGAN_MS + 1)})
    listener.beat()
    listener.beat()
    assert room.prices.looks == asked + 1, "the look came before the price did"
    listener.next_s.clear()
    listener.beat()
    assert room.prices.looks == asked + 1
    told.ear.unpriced(NAME, frozenset({"BTC/USDT"}))
    listener.beat()
    listener.beat()
    assert room.prices.looks == asked + 2, "its stream has ended"
    assert [quote.last for quote in room.shown] == [D(100), D(100), D(101), D(100)]
    assert bot.pk not in room.rung


def test_a_streamed_price_fills_and_rings_like_one_that_was_asked_for(room: Room) -> None:
    bot = room.started()
    told = Streamed()
    listener = room.listener(replace(room.exchanges, streams=told))
    listener.beat()
    told.ear.priced(NAME, {"BTC/USDT": Quote(D(120), D(120), D(120), BEGAN_MS + 1000)})
    listener.beat()
    assert room.world.orders(bot)[1].status == OrderStatus.FILLED
    assert bot.pk in room.rung


def test_of_many_streamed_prices_the_newest_counts(room: Room) -> None:
    room.started()
    told = Streamed()
    listener = room.listener(replace(room.exchanges, streams=told))
    listener.beat()
    room.shown.clear()
    for price in range(101, 106):
        told.ear.priced(NAME, {"BTC/USDT": Quote(D(price), D(price), D(price), BEGAN_MS + price)})
        listener.beat()
    until(listener, lambda: len(room.shown) == 2)
    assert [quote.last for quote in room.shown] == [D(101), D(105)]


def test_a_price_that_leaps_reaches_nobody(room: Room) -> None:
    room.started()
    told = Streamed(keeps=False)
    listener = room.listener(replace(room.exchanges, streams=told))
    listener.beat()
    room.shown.clear()
    listener.next_s[NAME] = float("inf")
    told.ear.priced(NAME, {"BTC/USDT": Quote(D(9999), D(9999), D(9999), BEGAN_MS + 1)})
    listener.beat()
    assert room.shown == []
    assert listener.streamed_s == {}


def test_the_listening_part_ends_when_it_is_told_to(room: Room) -> None:
    room.started()
    told, stop = Streamed(), threading.Event()

    def published(*_: object) -> None:
        stop.set()

    exchanges = replace(room.exchanges, streams=told)
    listen(stop=stop, exchanges=exchanges, ring=lambda _: None, publish=published, clock=lambda: NOW)
    assert told.stopped
