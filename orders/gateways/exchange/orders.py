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
    """An order as an exchange lists it. `filled` in base is its own word, not proven by trades; times in
    ms UTC, None where it tells none."""

    order_id: str
    client_id: str
    status: OrderStatus
    filled: Decimal
    at: int | None


def found(order: Mapping[str, Any]) -> Found:
    """Raises `Unreachable` for a status nobody has told us the meaning of: the order stays as it is."""
    status = STATUSES.get(str(order.get("status")))
    if status is None:
        raise Unreachable(
            f"the exchange says {order.get('status')!r} of the order, which means nothing to us"
        )
    at = order.get("lastUpdateTimestamp") or order.get("lastTradeTimestamp") or order.get("timestamp")
    filled = number(order.get("filled") or "0", "filled")
    return Found(_named(order, "id"), str(order.get("clientOrderId") or ""), status, filled, at)


def fill_reports(trades: Iterable[Mapping[str, Any]]) -> tuple[FillReport, ...]:
    """In the order in which they happened, each id once."""
    reports = {report.trade_id: report for report in map(_fill_report, trades)}
    return tuple(sorted(reports.values(), key=lambda report: (report.at, report.trade_id)))


def _fill_report(trade: Mapping[str, Any]) -> FillReport:
    currency, fee = _fee(trade)
    return FillReport(
        trade_id=_named(trade, "id"),
        amount=above_zero(trade.get("amount"), "amount"),
        price=above_zero(trade.get("price"), "price"),
        fee=fee,
        fee_currency=currency,
        maker=trade.get("takerOrMaker") == "maker",
        at=_moment(trade),
    )


def _fee(trade: Mapping[str, Any]) -> tuple[str, Decimal]:
    """The fee's currency and amount; a rebate is negative. Without one: nothing, in the quote."""
    told = [fee for fee in trade.get("fees") or [trade.get("fee")] if fee and fee.get("cost") is not None]
    if not told:
        return _named(trade, "symbol").rpartition("/")[2], Decimal(0)
    if len({fee.get("currency") for fee in told}) > 1:
        raise Unreachable("a fill has fees in several currencies, which cannot be booked")
    return _named(told[0], "currency"), sum((number(fee["cost"], "fee") for fee in told), Decimal(0))


def _moment(trade: Mapping[str, Any]) -> datetime:
    told = _named(trade, "timestamp")
    try:
        return moment_of(int(told))
    except (ValueError, OverflowError):
        raise Unreachable(f"a fill was told with the time {told}, which cannot be") from None


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
