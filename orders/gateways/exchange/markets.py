"""An exchange's spot markets as our rows; rules that have changed are a new version."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from orders.gateways.exchange.adapters import Adapter
from orders.gateways.exchange.client import Client
from orders.gateways.exchange.orders import number
from orders.models import Market

RULES = ("tick", "lot", "min_amount", "min_cost", "maker_fee", "taker_fee", "fee_in", "open_orders_max")
ROWS_AT_ONCE = 500


def load_markets(client: Client, *, now: datetime) -> int:
    """Ask for the markets again and keep what has changed; returns how many rows were written.

    A market that is listed no more, or halted, becomes inactive: its rows stay, for the books.
    """
    listed = client.ask(lambda ccxt: ccxt.load_markets(True))
    told = {row.ticker: row for row in _rows(client.adapter, listed.values(), now)}
    exchange = client.adapter.exchange
    with transaction.atomic():
        newest = {row.ticker: row for row in Market.objects.filter(exchange=exchange).order_by("version")}
        fresh = []
        for ticker, row in told.items():
            known = newest.get(ticker)
            if known is None or any(getattr(known, name) != getattr(row, name) for name in RULES):
                row.version = 1 if known is None else known.version + 1
                fresh.append(row)
        Market.objects.bulk_create(fresh, batch_size=ROWS_AT_ONCE)
        active = {ticker for ticker, row in told.items() if row.active}
        for row in newest.values():
            if row.active != (row.ticker in active):
                Market.objects.filter(pk=row.pk).update(active=row.ticker in active)
    return len(fresh)


def _rows(adapter: Adapter, listed: Iterable[Mapping[str, Any]], now: datetime) -> Iterable[Market]:
    """Those spot markets whose rules are told: without a tick or a lot nothing can be rounded."""
    for told in listed:
        tick, lot = told["precision"].get("price"), told["precision"].get("amount")
        if not told.get("spot") or tick is None or lot is None or ":" in told["symbol"]:
            continue
        limits = told["limits"]
        yield Market(
            exchange=adapter.exchange,
            ticker=told["symbol"],
            tick=number(tick, "tick"),
            lot=number(lot, "lot"),
            min_amount=_least(limits, "amount"),
            min_cost=_least(limits, "cost"),
            maker_fee=_fee(told, "maker", adapter),
            taker_fee=_fee(told, "taker", adapter),
            fee_in=adapter.fee_in,
            open_orders_max=adapter.open_orders_max,
            active=told.get("active") is not False,
            loaded_at=now,
        )


def _least(limits: Mapping[str, Any], name: str) -> Decimal:
    least = (limits.get(name) or {}).get("min")
    return number(least, name) if least is not None else Decimal(0)


def _fee(told: Mapping[str, Any], name: str, adapter: Adapter) -> Decimal:
    """As told, or the exchange's own for those who trade little."""
    fee = told.get(name)
    return number(fee, name) if fee is not None else adapter.fee
