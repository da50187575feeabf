"""Listening to real exchanges: prices of needed markets are asked for, and what they reach happens.

A price that is asked for is a sample: between two of them nobody knows where it was. So what a price has
reached is told by the price alone, and a paper order fills when it stands behind it. One process listens
to an exchange, by a lease in the cache; two would only ask twice.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from uuid import UUID, uuid4

from django.core.cache import cache
from django.db import OperationalError, close_old_connections, transaction
from django.db.models import F, Q, QuerySet

from accounts.models import Environment
from bots.engine.claims import taken_in_order
from bots.models import Bot, BotStatus
from orders.gateways.base import Exchanges, GatewayError, RateLimited, Report
from orders.gateways.listed import EXCHANGE
from orders.gateways.paper import paper_fill
from orders.matching import Quote
from orders.models import Order
from orders.money import LostRace
from orders.rules import Side
from orders.services import order_settle
from orders.states import OrderStatus
from tradingbot.clock import moment_of

ASK_EVERY_S = 1.0
SILENCE_WAIT_S = 5.0
LEASE_S = 15
BEAT_S = 0.25
DATABASE_WAIT_S = 1.0
FILLS_AT_ONCE_MAX = 500

Ring = Callable[[list[UUID]], None]
Publish = Callable[[str, str, Quote], None]
Clock = Callable[[], datetime]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Listener:
    """Asks the exchanges that bots are on for their prices. `ring` and `publish` reach the faces above."""

    exchanges: Exchanges
    ring: Ring
    publish: Publish
    clock: Clock
    token: str = field(default_factory=lambda: uuid4().hex)
    next_s: dict[str, float] = field(default_factory=dict)

    def beat(self) -> None:
        """Ask every exchange whose turn it is."""
        for exchange, tickers in needed().items():
            if exchange in self.exchanges.prices and monotonic() >= self.next_s.get(exchange, 0.0):
                self.next_s[exchange] = monotonic() + self._listen(exchange, sorted(tickers))

    def _listen(self, exchange: str, tickers: list[str]) -> float:
        """Returns for how long the exchange is to be left alone (s)."""
        if not self._mine(exchange):
            return ASK_EVERY_S
        try:
            quotes = self.exchanges.prices[exchange].ask(tickers)
        except RateLimited as limited:
            return max(limited.wait_s, ASK_EVERY_S)
        except GatewayError as silence:
            log.warning("listening.silence", extra={"exchange": exchange, "why": str(silence)})
            return SILENCE_WAIT_S
        for ticker, quote in quotes.items():
            woken = passed(exchange=exchange, ticker=ticker, quote=quote, now=self.clock())
            if woken:
                self.ring(woken)
            self.publish(exchange, ticker, quote)
        return ASK_EVERY_S

    def _mine(self, exchange: str) -> bool:
        """Whether this process listens to the exchange; the lease is renewed with every look."""
        key = f"listens:{exchange}"
        if cache.add(key, self.token, timeout=LEASE_S):
            return True
        if cache.get(key) != self.token:
            return False
        cache.set(key, self.token, timeout=LEASE_S)
        return True


def needed() -> Mapping[str, set[str]]:
    """The markets of real exchanges on which a bot is active or an order rests."""
    active = Bot.objects.filter(status=BotStatus.ACTIVE).exclude(exchange=EXCHANGE)
    resting = Order.objects.filter(status=OrderStatus.OPEN).exclude(exchange=EXCHANGE)
    tickers: dict[str, set[str]] = {}
    for rows in (active, resting):
        for exchange, ticker in rows.values_list("exchange", "ticker").distinct():
            tickers.setdefault(exchange, set()).add(ticker)
    return tickers


def passed(*, exchange: str, ticker: str, quote: Quote, now: datetime) -> list[UUID]:
    """Let happen what a price has reached: paper orders fill, and bots have news; returns whose."""
    filled = [bot for order in _behind(exchange, ticker, quote) if (bot := _fill(order, quote, now))]
    return sorted({*filled, *_wake(_reached(exchange, ticker, quote))})


def _wake(reached: QuerySet[Bot]) -> list[UUID]:
    if not reached.exists():
        return []  # mostly: a transaction would keep SQLite's one writer from its work
    with transaction.atomic():
        woken = taken_in_order(reached)
        Bot.objects.filter(pk__in=woken).update(events=F("events") + 1)
    return woken


def _behind(exchange: str, ticker: str, quote: Quote) -> QuerySet[Order]:
    """Paper orders that the price has gone through, oldest first; never one that is younger than it."""
    buys = Q(side=Side.BUY, price__gt=quote.last)
    sells = Q(side=Side.SELL, price__lt=quote.last)
    resting = Order.objects.filter(buys | sells, exchange=exchange, ticker=ticker, status=OrderStatus.OPEN)
    paper = resting.filter(account__environment=Environment.PAPER, placed_at__lte=moment_of(quote.at))
    return paper.select_related("market", "account").order_by("placed_at", "slot")[:FILLS_AT_ONCE_MAX]


def _fill(order: Order, quote: Quote, now: datetime) -> UUID | None:
    price = order.price
    if price is None:
        return None
    told = paper_fill(order, order.market.rules(), price, quote, maker=True)
    report = Report(order.client_id, OrderStatus.FILLED, moment_of(quote.at), fills=(told,), provisional=True)
    try:
        order_settle(order=order, report=report, now=now)
    except LostRace:
        return None  # It was cancelled meanwhile.
    bot: UUID = order.bot_id
    return bot


def _reached(exchange: str, ticker: str, quote: Quote) -> QuerySet[Bot]:
    """The bots that wait for such a price or for this moment, and have nothing else to look at."""
    at, last = moment_of(quote.at), quote.last
    reached = Q(wake_at__lte=at) | Q(candle_due_at__lte=at)
    reached |= Q(wake_below__gte=last) | Q(wake_above__lte=last)
    reached |= Q(wake_peak__lt=last) | Q(wake_trough__gt=last)
    active = Bot.objects.filter(exchange=exchange, ticker=ticker, status=BotStatus.ACTIVE)
    return active.filter(reached, events=F("events_seen"))


def listen(
    *, stop: threading.Event, exchanges: Exchanges, ring: Ring, publish: Publish, clock: Clock
) -> None:
    """Listen until `stop` is set."""
    listener = Listener(exchanges, ring, publish, clock)
    while not stop.is_set():
        close_old_connections()
        try:
            listener.beat()
        except OperationalError as fault:
            log.warning("listening.database", extra={"fault": str(fault)})
            stop.wait(DATABASE_WAIT_S)
        stop.wait(BEAT_S)
