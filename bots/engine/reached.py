"""What a price reaches on real exchanges, and whose prices and orders somebody waits for."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.models import TRADES, Environment, ExchangeAccount
from bots.models import Bot, BotStatus
from bots.queries import taken_in_order
from orders.gateways.base import Report
from orders.gateways.listed import EXCHANGE
from orders.gateways.paper import reached_fill
from orders.matching import Quote
from orders.models import Order
from orders.models.order import UNTRIGGERED
from orders.money import LostRace
from orders.rules import Side
from orders.services import order_settle, order_triggered
from orders.states import LIVE, OrderStatus
from tradingbot.clock import moment_of

FILLS_AT_ONCE_MAX = 500
ACCOUNTS_MAX = 500


def needed() -> Mapping[str, set[str]]:
    """The markets of real exchanges on which a bot is active or an order rests."""
    active = Bot.objects.filter(status=BotStatus.ACTIVE).exclude(exchange=EXCHANGE)
    resting = Order.objects.filter(status=OrderStatus.OPEN).exclude(exchange=EXCHANGE)
    tickers: dict[str, set[str]] = {}
    for rows in (active, resting):
        for exchange, ticker in rows.values_list("exchange", "ticker").distinct():
            tickers.setdefault(exchange, set()).add(ticker)
    return tickers


def watched() -> Mapping[UUID, ExchangeAccount]:
    """The accounts with money on which a bot is active or an order is live."""
    active = Bot.objects.filter(account=OuterRef("pk"), status=BotStatus.ACTIVE)
    live = Order.objects.filter(account=OuterRef("pk"), status__in=sorted(LIVE))
    real = ExchangeAccount.objects.exclude(environment=Environment.PAPER).filter(state__in=TRADES)
    found = real.filter(Exists(active) | Exists(live)).order_by("pk")[:ACCOUNTS_MAX]
    return {account.pk: account for account in found}


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
    """Paper orders that the price has gone through, and stops whose trigger it has come down to, oldest
    first; never one that is younger than it."""
    buys = Q(side=Side.BUY, price__gt=quote.last)
    sells = ~UNTRIGGERED & Q(side=Side.SELL, price__lt=quote.last)
    stops = UNTRIGGERED & Q(trigger__gte=quote.last)
    resting = Order.objects.filter(
        buys | sells | stops, exchange=exchange, ticker=ticker, status=OrderStatus.OPEN
    )
    paper = resting.filter(account__environment=Environment.PAPER, placed_at__lte=moment_of(quote.at))
    return paper.select_related("market", "account").order_by("placed_at", "slot")[:FILLS_AT_ONCE_MAX]


def _fill(order: Order, quote: Quote, now: datetime) -> UUID | None:
    told = reached_fill(order, quote)
    if told is None:
        order_triggered(order=order, at=moment_of(quote.at))
        return None
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
