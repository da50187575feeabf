"""What an exchange tells of an order and its fills, as a test hands it in."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from orders.gateways.base import FillReport, Report
from orders.models import Order
from orders.services import order_settle
from orders.states import OrderStatus
from tests import people

D = Decimal


def fill(number: int | str, amount: str = "1", price: str = "100", **fields: Any) -> FillReport:
    """A fill without a fee, unless `fields` say more."""
    plain: dict[str, Any] = {"fee": D(0), "fee_currency": "USDT", "maker": True, "at": people.NOW}
    return FillReport(str(number), D(amount), D(price), **plain | fields)


def untold(number: int | str, amount: str = "1", price: str = "100") -> FillReport:
    """A fill whose fee is not told yet."""
    return fill(number, amount, price, fee_pending=True)


def settled(order: Order, *fills: FillReport, status: OrderStatus = OrderStatus.OPEN, **told: Any) -> Order:
    """The order once the exchange has told this of it."""
    exchange_id = f"exchange-{order.client_id}"
    report = Report(order.client_id, status, people.NOW, exchange_id, tuple(fills), **told)
    order_settle(order=order, report=report, now=people.NOW)
    return Order.objects.get(pk=order.pk)


def batches(order: Order, several: Iterable[Iterable[FillReport]]) -> None:
    """The same order told of again and again, each time with some of its fills."""
    for fills in several:
        order = settled(order, *fills)
