"""Exchanges for tests: they keep their own books, and fail in the ways real ones do."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from bots.engine.asking import Question
from bots.strategies.base import Candles
from orders.gateways.base import Exchanges, FillReport, Refused, Report, Unreachable
from orders.matching import Quote
from orders.models import Order
from orders.states import OrderStatus
from tradingbot.clock import moment_of

NAME = "remote"
BEGAN_MS = 1_700_000_000_000


def at_once(exchange: str, question: Question) -> bool:
    """Questions that a listener puts are answered before it goes on."""
    question()
    return True


class Killed(BaseException):
    """The process dies here: nothing that follows in it happens."""


@dataclass
class RemotePrices:
    """One price for every ticker. `kill_at` names the number of the look at which the process dies."""

    price: Decimal = Decimal(100)
    at: int = BEGAN_MS
    looks: int = 0
    kill_at: int | None = None
    old_s: float = 0.0

    def quotes(self, tickers: Collection[str]) -> Mapping[str, Quote]:
        self.looks += 1
        if self.kill_at == self.looks:
            raise Killed
        return {ticker: Quote(self.price, self.price, self.price, self.at) for ticker in tickers}

    def ask(self, tickers: Collection[str]) -> Mapping[str, Quote]:
        return self.quotes(tickers)

    def candles(self, *, ticker: str, timeframe: str, until: int, count: int) -> Candles:
        raise AssertionError("no test here asks for candles")

    def age_s(self, quote: Quote) -> float:
        return self.old_s

    def hold(self, ticker: str, quote: Quote) -> bool:
        return True


@dataclass
class RemoteExchange:
    """Fills market orders at its price, lets limits rest, and remembers everything by client id.

    `then` says what happens to each next `create`: answer, lose_answer (accepted, no word of it),
    lose_request (never arrives), die_before, die_after (the process dies), refuse, misname, fills_later.
    """

    prices: RemotePrices
    then: list[str] = field(default_factory=list)
    creates: list[str] = field(default_factory=list)
    books: dict[str, Report] = field(default_factory=dict)
    cancels: list[str] = field(default_factory=list)
    sure: bool = True
    lookup_fails: bool = False
    busy_s: float = 0.0
    may_be_late: bool = True
    asked_news: list[int] = field(default_factory=list)

    def create(self, order: Order) -> Report:
        fate = self.then.pop(0) if self.then else "answer"
        if fate == "die_before":
            raise Killed
        if fate == "refuse":
            raise Refused("insufficient balance")
        self.creates.append(order.client_id)
        if fate == "lose_request":
            raise Unreachable("connection reset")
        assert self.creates.count(order.client_id) == 1, "one client id was sent twice"
        report = self.books[order.client_id] = self._accepted(order)
        if fate == "lose_answer":
            raise Unreachable("timed out")
        if fate == "die_after":
            raise Killed
        if fate == "fills_later":
            return Report(order.client_id, report.status, report.at, report.exchange_order_id)
        if fate == "misname":
            return Report("another", report.status, report.at, fills=report.fills)
        return report

    def lookup(self, order: Order) -> Report | None:
        if self.lookup_fails:
            raise Unreachable("timed out")
        return self.books.get(order.client_id)

    def cancel(self, order: Order) -> Report:
        self.cancels.append(order.client_id)
        known = self.books[order.client_id]
        if known.status is OrderStatus.OPEN:
            known = Report(
                order.client_id, OrderStatus.CANCELLED, self.now, known.exchange_order_id, known.fills
            )
            self.books[order.client_id] = known
        return known

    def wait_s(self, order: Order) -> float:
        return self.busy_s

    def news(self, orders: Sequence[Order]) -> Sequence[Report]:
        self.asked_news.append(len(orders))
        return [report for order in orders if (report := self.lookup(order)) is not None]

    def surely_not_placed(self, order: Order, now: datetime) -> bool:
        return self.sure

    def fill(self, order: Order, *, amount: Decimal | None = None, price: Decimal | None = None) -> Report:
        """Somebody trades with a resting order; returns the whole report the exchange now gives."""
        known = self.books[order.client_id]
        fill = self._fill(
            order, amount or order.amount, price or order.price or self.prices.price, len(known.fills)
        )
        fills = (*known.fills, fill)
        whole = sum(one.amount for one in fills) >= order.amount
        status = OrderStatus.FILLED if whole else known.status
        report = Report(order.client_id, status, self.now, known.exchange_order_id, fills)
        self.books[order.client_id] = report
        return report

    @property
    def now(self) -> datetime:
        return moment_of(self.prices.at)

    def _accepted(self, order: Order) -> Report:
        number = f"x{len(self.books) + 1}"
        if order.price is not None:
            return Report(order.client_id, OrderStatus.OPEN, self.now, number)
        fill = self._fill(order, order.amount, self.prices.price, 0)
        return Report(order.client_id, OrderStatus.FILLED, self.now, number, (fill,))

    def _fill(self, order: Order, amount: Decimal, price: Decimal, number: int) -> FillReport:
        return FillReport(
            trade_id=f"{order.client_id}/{number}",
            amount=amount,
            price=price,
            fee=amount * price / 1000,
            fee_currency=order.ticker.split("/")[1],
            maker=order.price is not None,
            at=self.now,
        )


def remote() -> tuple[RemoteExchange, Exchanges]:
    prices = RemotePrices()
    exchange = RemoteExchange(prices)
    return exchange, Exchanges(gateways={(NAME, "paper"): exchange}, prices={NAME: prices})
