"""What each bot is worth, noted once an hour, so that a day's result needs no history of prices."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from bots.models import Bot, EquityPoint
from bots.services import mark_equity
from orders.gateways.base import Exchanges
from orders.matching import Quote

BOTS_PER_CHUNK = 200
BOTS_PER_CALL_MAX = 20_000


def equity_due(*, exchanges: Exchanges, now: datetime) -> int:
    """Note the equity of every bot with money or coins that has no point in this hour yet.

    Returns how many were noted. A bot whose market has no price now is left for the next call.
    """
    ids = list(_unmarked(now).order_by("pk").values_list("pk", flat=True)[:BOTS_PER_CALL_MAX])
    chunks = (ids[first : first + BOTS_PER_CHUNK] for first in range(0, len(ids), BOTS_PER_CHUNK))
    return sum(_mark(chunk, exchanges, now) for chunk in chunks)


def _unmarked(now: datetime) -> QuerySet[Bot]:
    hour = now.replace(minute=0, second=0, microsecond=0)
    marked = Exists(EquityPoint.objects.filter(bot=OuterRef("pk"), at__gte=hour))
    return Bot.objects.filter(~marked, Q(cash__gt=0) | Q(position_amount__gt=0), hidden_at__isnull=True)


def _mark(ids: Sequence[UUID], exchanges: Exchanges, now: datetime) -> int:
    bots = list(Bot.objects.filter(pk__in=ids))
    quotes = _quotes(bots, exchanges)
    priced = [bot for bot in bots if (bot.exchange, bot.ticker) in quotes]
    for bot in priced:
        mark_equity(bot=bot, quote=quotes[bot.exchange, bot.ticker], now=now)
    return len(priced)


def _quotes(bots: Sequence[Bot], exchanges: Exchanges) -> Mapping[tuple[str, str], Quote]:
    tickers: dict[str, set[str]] = defaultdict(set)
    for bot in bots:
        tickers[bot.exchange].add(bot.ticker)
    return {
        (exchange, ticker): quote
        for exchange, wanted in tickers.items()
        if exchange in exchanges.prices
        for ticker, quote in exchanges.prices[exchange].quotes(wanted).items()
    }
