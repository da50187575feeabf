"""Reads of orders, trades and markets. What people may see starts at their own rows."""

from collections.abc import Collection, Iterable
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import ExchangeAccount, User
from orders.models import Market, Order, Recovery, Trade
from orders.states import LIVE


def latest_markets(wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], Market]:
    """The newest rules of each (exchange, ticker)."""
    rows = Market.objects.filter(
        exchange__in={exchange for exchange, _ in wanted}, ticker__in={ticker for _, ticker in wanted}
    ).order_by("version")
    return {(row.exchange, row.ticker): row for row in rows if (row.exchange, row.ticker) in wanted}


def markets_of(exchange: str) -> list[Market]:
    """The markets one may trade on an exchange, newest rules, by ticker."""
    rows = Market.objects.filter(exchange=exchange).order_by("version")
    newest = {row.ticker: row for row in rows}
    return sorted((row for row in newest.values() if row.active), key=lambda row: row.ticker)


def tickers_of(exchange: str, quotes: Collection[str]) -> list[str]:
    """The markets one may trade on an exchange for these currencies; rows of thousands are not read whole."""
    ends = Q()
    for quote in quotes:
        ends |= Q(ticker__endswith=f"/{quote}")
    rows = (
        Market.objects.filter(ends, exchange=exchange).order_by("version")
        if quotes
        else Market.objects.none()
    )
    newest = dict(rows.values_list("ticker", "active"))
    return sorted(ticker for ticker, active in newest.items() if active)


def last_recovery(account: ExchangeAccount) -> Recovery | None:
    """How the account was found after the last start that is over."""
    finished = Recovery.objects.filter(account=account, finished_at__isnull=False)
    return finished.order_by("-finished_at").first()


def orders_of(user: User) -> QuerySet[Order]:
    return Order.objects.filter(user=user)


def trades_of(user: User) -> QuerySet[Trade]:
    return Trade.objects.filter(user=user)


def resting_orders(bots: Iterable[UUID]) -> QuerySet[Order]:
    return Order.objects.filter(bot__in=list(bots), status__in=sorted(LIVE))
