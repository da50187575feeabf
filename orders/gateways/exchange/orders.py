"""ccxt's orders and trades as our reports: exact numbers, known words, nothing invented.

ccxt fills gaps with guesses (a closed order without `filled` is given its whole amount), so how much has
filled is taken from trades alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from orders.gateways.base import FillReport, Unreachable
from orders.states import OrderStatus
from tradingbot.clock import moment_of

STATUSES = {
    "open": OrderStatus.OPEN,
    "closed": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELLED,
    "expired": OrderStatus.EXPIRED,
    "rejected": OrderStatus.REFUSED,
}


@dataclass(frozen=True, slots=True)
class Found:
    """An order as an exchange lists it. `filled` in base is its own word, not proven by trades; `at` is None
    where it tells no time. `odd` is a status that means nothing to us; then ours is UNKNOWN."""

    order_id: str
    client_id: str
    status: OrderStatus
    filled: Decimal
    at: datetime | None
    odd: str = ""


def found(order: Mapping[str, Any]) -> Found:
    """Raises `Unreachable` when it is not an order, or tells amounts that cannot be."""
    word = str(order.get("status") or "nothing")
    status = STATUSES.get(word)
    at = order.get("lastUpdateTimestamp") or order.get("lastTradeTimestamp") or order.get("timestamp")
    filled = number(order.get("filled") or "0", "filled")
    return Found(
        order_id=_named(order, "id"),
        client_id=str(order.get("clientOrderId") or ""),
        status=status or OrderStatus.UNKNOWN,
        filled=filled,
        at=None if at is None else _moment(at),
        odd="" if status else word,
    )


def fill_reports(trades: Iterable[Mapping[str, Any]]) -> tuple[FillReport, ...]:
    """In the order in which they happened, each id once."""
    reports = {report.trade_id: report for report in map(_fill_report, trades)}
    return tuple(sorted(reports.values(), key=lambda report: (report.at, report.trade_id)))


def _fill_report(trade: Mapping[str, Any]) -> FillReport:
    told = _fee(trade)
    currency, fee = told or (_named(trade, "symbol").rpartition("/")[2], Decimal(0))
    return FillReport(
        trade_id=_named(trade, "id"),
        amount=above_zero(trade.get("amount"), "amount"),
        price=above_zero(trade.get("price"), "price"),
        fee=fee,
        fee_currency=currency,
        maker=trade.get("takerOrMaker") == "maker",
        at=_moment(_named(trade, "timestamp")),
        fee_pending=told is None,
    )


def _fee(trade: Mapping[str, Any]) -> tuple[str, Decimal] | None:
    """The fee's currency and amount; a rebate is negative. None while it is not told, or of no currency."""
    told = [fee for fee in trade.get("fees") or [trade.get("fee")] if fee and _is_told(fee)]
    if not told:
        return None
    if len({fee.get("currency") for fee in told}) > 1:
        raise Unreachable("a fill has fees in several currencies, which cannot be booked")
    currency = told[0].get("currency") or _named(trade, "symbol").rpartition("/")[2]
    return str(currency), sum((number(fee["cost"], "fee") for fee in told), Decimal(0))


def _is_told(fee: Mapping[str, Any]) -> bool:
    """A fee of zero needs no currency."""
    cost = fee.get("cost")
    return cost not in (None, "") and bool(fee.get("currency") or not number(cost, "fee"))


def _moment(told: Any) -> datetime:
    try:
        return moment_of(int(told))
    except (ValueError, OverflowError):
        raise Unreachable(f"an order or a fill was told with the time {told}, which cannot be") from None


def _named(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    if value is None or value == "":
        raise Unreachable(f"the exchange tells of an order or a fill without its {name}")
    return str(value)


def above_zero(value: Any, name: str) -> Decimal:
    amount = number(value, name)
    if amount <= 0:
        raise Unreachable(f"the exchange tells a {name} of {amount}")
    return amount


def number(value: Any, name: str) -> Decimal:
    """A finite decimal of at most 38 digits, of which 18 behind the point."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise Unreachable(f"the exchange tells a {name} that is no number") from None
    if not amount.is_finite() or abs(amount) >= Decimal("1e20"):
        raise Unreachable(f"the exchange tells a {name} that cannot be")
    return amount
