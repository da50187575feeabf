"""An exchange's spot markets as our rows; rules that have changed are a new version."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from orders.gateways.base import Unreachable
from orders.gateways.exchange.adapters import Adapter
from orders.gateways.exchange.client import Client
from orders.gateways.exchange.orders import above_zero, number
from orders.models import Market

RULES = ("tick", "lot", "min_amount", "min_cost", "maker_fee", "taker_fee", "fee_in", "open_orders_max")
ROWS_AT_ONCE = 500
TICKER_MAX = 32


@dataclass(frozen=True, slots=True)
class Loaded:
    """Tickers by what has become of them: listed for the first time, with other rules than before, open
    again, and gone or halted since; `active` markets can be traded now."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    back: tuple[str, ...]
    gone: tuple[str, ...]
    active: int

    @property
    def written(self) -> int:
        """How many rows were made."""
        return len(self.new) + len(self.changed)


def load_markets(client: Client, *, now: datetime) -> Loaded:
    """Ask for the markets again and keep what has changed.

    A market that is listed no more, or halted, becomes inactive: its rows stay, for the books. An answer
    without any market is not believed. Raises what `client.ask` does.
    """
    listed = client.ask(lambda ccxt: ccxt.load_markets(True))
    told = {row.ticker: row for row in _rows(client.adapter, listed.values(), now)}
    exchange = client.adapter.exchange
    if not told:
        raise Unreachable(f"{exchange} lists no spot market whose rules can be read")
    with transaction.atomic():
        newest = {row.ticker: row for row in Market.objects.filter(exchange=exchange).order_by("version")}
        changed = [row for row in told.values() if row.ticker in newest and _differs(newest[row.ticker], row)]
        for row in changed:
            row.version = newest[row.ticker].version + 1
        new = [row for row in told.values() if row.ticker not in newest]
        Market.objects.bulk_create([*new, *changed], batch_size=ROWS_AT_ONCE)
        active = {ticker for ticker, row in told.items() if row.active}
        back = [row for row in newest.values() if not row.active and row.ticker in active]
        gone = [row for row in newest.values() if row.active and row.ticker not in active]
        for rows, is_active in ((back, True), (gone, False)):
            for keys in _keys(rows):
                Market.objects.filter(pk__in=keys).update(active=is_active)
    return Loaded(_tickers(new), _tickers(changed), _tickers(back), _tickers(gone), len(active))


def _keys(rows: Sequence[Market]) -> Iterator[list[int]]:
    """Their keys, so many at once as a database takes."""
    for start in range(0, len(rows), ROWS_AT_ONCE):
        yield [row.pk for row in rows[start : start + ROWS_AT_ONCE]]


def _tickers(rows: Iterable[Market]) -> tuple[str, ...]:
    return tuple(sorted(row.ticker for row in rows))


def _differs(known: Market, told: Market) -> bool:
    return any(getattr(known, name) != getattr(told, name) for name in RULES)


def _rows(adapter: Adapter, listed: Iterable[Mapping[str, Any]], now: datetime) -> Iterator[Market]:
    """Those spot markets whose rules are told: without a tick or a lot nothing can be rounded."""
    for told in listed:
        if not told.get("spot") or ":" in told["symbol"] or len(told["symbol"]) > TICKER_MAX:
            continue
        # One market told wrong does not hide the others.
        with suppress(Unreachable):
            yield _row(adapter, told, now)


def _row(adapter: Adapter, told: Mapping[str, Any], now: datetime) -> Market:
    limits = told["limits"]
    return Market(
        exchange=adapter.exchange,
        ticker=told["symbol"],
        tick=above_zero(told["precision"].get("price"), "tick"),
        lot=above_zero(told["precision"].get("amount"), "lot"),
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
    return max(number(least, name), Decimal(0)) if least is not None else Decimal(0)


def _fee(told: Mapping[str, Any], name: str, adapter: Adapter) -> Decimal:
    """As told, or the exchange's own for those who trade little."""
    fee = told.get(name)
    return number(fee, name) if fee is not None else adapter.fee
