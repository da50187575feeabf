"""An exchange's spot markets as our rows; rules that have changed are a new version."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from accounts.models import place_of
from orders.gateways.base import Unreachable
from orders.gateways.exchange.client import Client
from orders.gateways.exchange.orders import number
from orders.gateways.exchange.source import Source
from orders.gateways.exchange.steps import Steps, steps_of
from orders.models import Market

RULES = (
    "tick",
    "lot",
    "min_amount",
    "min_cost",
    "maker_fee",
    "taker_fee",
    "fee_in",
    "open_orders_max",
    "rests_stops",
)
ROWS_AT_ONCE = 500
TICKER_MAX = 32
# ccxt has percentages among its fractions, and tables of them.
FEE_MAX = Decimal("0.05")


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
    """Keep what has changed among the markets that the client was told last.

    A market that is listed no more, or halted, becomes inactive: its rows stay, for the books. A list
    without any market is not believed. Where steps follow prices, those are asked for: raises what
    `client.ask` does.
    """
    exchange = place_of(client.adapter.exchange, client.environment)
    lister = _Lister(client.adapter, exchange, steps_of(client), now)
    told = {row.ticker: row for row in lister.rows(client.ccxt.markets.values())}
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


@dataclass(frozen=True, slots=True)
class _Lister:
    """What all markets of one answer have in common."""

    source: Source
    exchange: str
    steps: Steps
    now: datetime

    def rows(self, listed: Iterable[Mapping[str, Any]]) -> Iterator[Market]:
        """Those spot markets whose rules are told: without a tick or a lot nothing can be rounded."""
        for told in listed:
            if not told.get("spot") or ":" in told["symbol"] or len(told["symbol"]) > TICKER_MAX:
                continue
            # One market told wrong does not hide the others.
            with suppress(Unreachable):
                yield self._row(told)

    def _row(self, told: Mapping[str, Any]) -> Market:
        return Market(
            exchange=self.exchange,
            ticker=told["symbol"],
            tick=self.steps.tick(told),
            lot=self.steps.lot(told),
            min_amount=_least(told["limits"], "amount"),
            min_cost=_least(told["limits"], "cost"),
            maker_fee=_fee(told.get("maker"), self.source),
            taker_fee=_fee(told.get("taker"), self.source),
            fee_in=self.source.fee_in,
            open_orders_max=self.source.open_orders_max,
            rests_stops=self.source.takes_stops(told),
            active=told.get("active") is not False,
            loaded_at=self.now,
        )


def _least(limits: Mapping[str, Any], name: str) -> Decimal:
    least = (limits.get(name) or {}).get("min")
    return max(number(least, name), Decimal(0)) if least is not None else Decimal(0)


def _fee(told: Any, source: Source) -> Decimal:
    """As told, or the exchange's own for those who trade little; one that cannot be is not told."""
    with suppress(Unreachable):
        fee = number(told, "fee")
        if abs(fee) < FEE_MAX:
            return fee
    return source.fee
