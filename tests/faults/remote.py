"""An exchange in memory that fails in more ways: cancels and their answers are lost, fills are told twice and
out of order, requests that were lost arrive after all.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from orders.gateways.base import Report, Unreachable
from orders.matching import Quote
from orders.models import Order
from orders.states import OrderStatus
from tests.engine.exchanges import RemoteExchange, RemotePrices
from tests.faults.points import At


@dataclass
class WatchedPrices(RemotePrices):
    """`passes` is told of each look at them."""

    passes: At = str

    def quotes(self, tickers: Collection[str]) -> Mapping[str, Quote]:
        self.passes("before_quotes")
        return super().quotes(tickers)


@dataclass
class Remote(RemoteExchange):
    """Also loses cancels and their answers, tells fills twice and out of order, and takes in late what was
    lost on the way."""

    then_cancel: list[str] = field(default_factory=list)
    lost: dict[str, Order] = field(default_factory=dict)
    muddles: bool = False

    def create(self, order: Order) -> Report:
        if self.then[:1] == ["lose_request"]:
            self.lost[order.client_id] = order
        return super().create(order)

    def arrive(self, client_id: str) -> None:
        """A lost request is taken in after all."""
        self.books[client_id] = self._accepted(self.lost.pop(client_id))

    def lookup(self, order: Order) -> Report | None:
        known = super().lookup(order)
        return None if known is None else self._muddled(known)

    def cancel(self, order: Order) -> Report:
        fate = self.then_cancel.pop(0) if self.then_cancel else "answer"
        if fate == "lose_request":
            raise Unreachable("connection reset")
        if fate == "fills_first" and self.books[order.client_id].status is OrderStatus.OPEN:
            self.fill_rest(order)
        report = super().cancel(order)
        if fate == "lose_answer":
            raise Unreachable("timed out")
        return self._muddled(report)

    def rest_of(self, order: Order) -> Decimal:
        filled = sum((fill.amount for fill in self.books[order.client_id].fills), Decimal(0))
        rest: Decimal = order.amount - filled
        return rest

    def fill_rest(self, order: Order) -> None:
        self.fill(order, amount=self.rest_of(order))

    def fill(self, order: Order, *, amount: Decimal | None = None, price: Decimal | None = None) -> Report:
        amount = self.rest_of(order) if amount is None else amount
        report = super().fill(order, amount=amount, price=price)
        if self.rest_of(order) > 0:
            return report
        whole = Report(order.client_id, OrderStatus.FILLED, self.now, report.exchange_order_id, report.fills)
        self.books[order.client_id] = whole
        return whole

    def _muddled(self, report: Report) -> Report:
        if not self.muddles or not report.fills:
            return report
        fills = (*report.fills[::-1], report.fills[0])
        return Report(report.client_id, report.status, report.at, report.exchange_order_id, fills)
