"""How bots stand: equity, gains and losses, for one or for many at once.

A bot's total P&L is its equity less what was put into it, so it is the sum of what it realised and
what its coins gained, and a transfer never looks like a profit.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from accounts.models import User
from bots.models import Bot, BotStatus, EquityPoint, Mode, Phase
from bots.strategies.registry import BOT_TYPES
from orders.accounting import product, share
from orders.gateways.base import Exchanges
from orders.gateways.offers import name_of
from orders.matching import Quote
from orders.models import Balance
from orders.queries import latest_markets
from orders.rules import ONE, ZERO, Market
from tradingbot.clock import moment_of
from tradingbot.db import MoneySum

PHASES_SHOWN_AS_STATUS = frozenset({Phase.CLOSING, Phase.PAUSED, Phase.SUSPENDED})


@dataclass(frozen=True, slots=True)
class Standing:
    """How one bot stands, in its quote. What needs a price is None while its market has none.

    `midnight` is when the user's day began, `begun` the equity noted last before it, or first after;
    `age_s`: how long ago the quote was the price.
    """

    bot: Bot
    market: Market | None
    quote: Quote | None
    begun: EquityPoint | None
    midnight: datetime
    age_s: float = 0.0

    @property
    def unrealised(self) -> Decimal | None:
        """What the coins gained or lost against their cost, marked to the bid."""
        if not self.bot.position_amount:
            return ZERO
        if self.quote is None:
            return None
        return product(self.bot.position_amount, self.quote.bid) - Decimal(self.bot.position_cost)

    @property
    def equity(self) -> Decimal | None:
        if self.unrealised is None:
            return None
        return self.unrealised + Decimal(self.bot.cash + self.bot.position_cost)

    @property
    def total(self) -> Decimal | None:
        return None if self.equity is None else self.equity - Decimal(self.bot.funded)

    @property
    def today(self) -> Decimal | None:
        if self._rested_all_day:
            return ZERO  # its last point may be older than its last trade
        if self.total is None or self.begun is None:
            return self.total
        return self.total - Decimal(self.begun.equity - self.begun.funded)

    @property
    def _rested_all_day(self) -> bool:
        bot = self.bot
        if bot.status != BotStatus.STOPPED or bot.stopped_at is None:
            return False
        return bot.stopped_at <= self.midnight and not (bot.cash or bot.position_amount)

    @property
    def average(self) -> Decimal | None:
        bot = self.bot
        return share(bot.position_cost, ONE, bot.position_amount) if bot.position_amount else None

    @property
    def price_id(self) -> str:
        return "price-" + "-".join(
            re.sub(r"[^A-Za-z0-9]", "-", word) for word in (self.bot.exchange, self.bot.ticker)
        )

    @property
    def venue(self) -> str:
        """The real exchange whose prices these are; nothing for the built-in one."""
        return name_of(self.bot.exchange)

    @property
    def market_now(self) -> datetime | None:
        return None if self.quote is None else moment_of(self.quote.at)

    @property
    def type_title(self) -> str:
        return BOT_TYPES[self.bot.bot_type].title

    @property
    def shown_status(self) -> str:
        """The status, or the phase that keeps an active bot from trading."""
        active = self.bot.status == BotStatus.ACTIVE
        return self.bot.phase if active and self.bot.phase in PHASES_SHOWN_AS_STATUS else self.bot.status

    @property
    def phase_in_words(self) -> str:
        bot = self.bot
        if bot.status == BotStatus.ERROR:
            return (
                f"Needs you: {bot.phase_why}"
                if bot.phase_why
                else "Needs you: read its activity, then start or stop it."
            )
        if bot.status == BotStatus.STOPPED:
            return "Stopped, still holding coins." if bot.position_amount else "Stopped."
        words = {
            Phase.WAITING: "Waiting for its moment.",
            Phase.IN_DEAL: "In a deal." if BOT_TYPES[bot.bot_type].deals else "Trading between its lines.",
            Phase.CLOSING: "Closing: its orders are being ended.",
        }
        return words.get(Phase(bot.phase), bot.phase_why or bot.get_phase_display())


HEADINGS = {Mode.LIVE: "Real money", Mode.SANDBOX: "Sandbox, play money", Mode.PAPER: "On paper"}


@dataclass(frozen=True, slots=True)
class Summary:
    """All of a person's money of one kind in one currency. None where a market without a price keeps it
    open; what is free on a real account is its exchange's to tell. `heading`: the kind, where there are
    several."""

    mode: Mode
    heading: str
    currency: str
    free: Decimal | None
    in_bots: Decimal | None
    today: Decimal | None
    total: Decimal | None

    @property
    def equity(self) -> Decimal | None:
        return None if self.in_bots is None else (self.free or ZERO) + self.in_bots


def midnight_of(user: User, now: datetime) -> datetime:
    """When the user's day began."""
    return now.astimezone(ZoneInfo(user.timezone)).replace(hour=0, minute=0, second=0, microsecond=0)


def standings(bots: Sequence[Bot], *, user: User, exchanges: Exchanges, now: datetime) -> list[Standing]:
    """How each of the user's `bots` stands; the number of queries does not grow with them."""
    if not bots:
        return []
    markets = latest_markets({(bot.exchange, bot.ticker) for bot in bots})
    quotes = _quotes(bots, exchanges)
    midnight = midnight_of(user, now)
    begun = _begun([bot.pk for bot in bots], midnight)
    found = []
    for bot in bots:
        place = (bot.exchange, bot.ticker)
        row = markets.get(place)
        quote = quotes.get(place)
        age_s = exchanges.prices[bot.exchange].age_s(quote) if quote else 0.0
        rules = row.rules() if row else None
        found.append(Standing(bot, rules, quote, begun.get(bot.pk), midnight, age_s))
    return found


def bots_of_today(user: User, now: datetime) -> list[Bot]:
    """The user's bots, newest first, with those deleted since midnight: today's P&L is theirs, too."""
    kept = Q(hidden_at__isnull=True) | Q(hidden_at__gte=midnight_of(user, now))
    return list(Bot.objects.filter(kept, user=user).defer("memory").order_by("-created_at", "pk"))


def free_money(user: User) -> dict[str, Decimal]:
    """What no bot has in its pocket, by currency; what a deleted account held is no money any more."""
    free: dict[str, Decimal] = defaultdict(Decimal)
    for row in Balance.objects.filter(user=user, account__hidden_at__isnull=True):
        free[row.currency] += row.free
    return dict(free)


def summaries(
    found: Sequence[Standing], *, user: User, free: Mapping[str, Decimal], now: datetime
) -> list[Summary]:
    """The user's money by kind, real money first, and by quote currency, the reporting currency first.

    `found` are the standings of `bots_of_today`; bots deleted earlier count with what they realised.
    """
    realised = _realised_before(user, midnight_of(user, now))
    places = {*realised, *((Mode(one.bot.mode), one.bot.quote) for one in found)}
    if free.get(user.reporting_currency) or not places:
        places.add((Mode.PAPER, user.reporting_currency))
    kinds, usual = list(HEADINGS), user.reporting_currency
    ordered = sorted(places, key=lambda place: (kinds.index(place[0]), place[1] != usual, place[1]))
    sums, shown = [], {Mode.PAPER} if {mode for mode, _ in ordered} == {Mode.PAPER} else set[Mode]()
    for mode, currency in ordered:
        heading = "" if mode in shown else HEADINGS[mode]
        shown.add(mode)
        sums.append(_summary(mode, currency, heading, found, free, realised.get((mode, currency), ZERO)))
    return sums


def _summary(
    mode: Mode,
    currency: str,
    heading: str,
    found: Sequence[Standing],
    free: Mapping[str, Decimal],
    realised: Decimal,
) -> Summary:
    mine = [one for one in found if (one.bot.mode, one.bot.quote) == (mode, currency)]
    return Summary(
        mode=mode,
        heading=heading,
        currency=currency,
        free=free.get(currency, ZERO) if mode is Mode.PAPER else None,
        in_bots=_sum(one.equity for one in mine),
        today=_sum(one.today for one in mine),
        total=_sum([realised, *(one.total for one in mine)]),
    )


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    total = ZERO
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _realised_before(user: User, midnight: datetime) -> dict[tuple[Mode, str], Decimal]:
    """What bots deleted before `midnight` realised, by kind and quote."""
    gone = Bot.objects.filter(user=user, hidden_at__lt=midnight).values("mode", "ticker")
    realised: dict[tuple[Mode, str], Decimal] = defaultdict(Decimal)
    for row in gone.order_by("mode", "ticker").annotate(sum=MoneySum("pnl")):
        realised[Mode(row["mode"]), row["ticker"].split("/")[1]] += row["sum"]
    return dict(realised)


def _quotes(bots: Iterable[Bot], exchanges: Exchanges) -> dict[tuple[str, str], Quote]:
    tickers: dict[str, set[str]] = defaultdict(set)
    for bot in bots:
        tickers[bot.exchange].add(bot.ticker)
    return {
        (exchange, ticker): quote
        for exchange, wanted in tickers.items()
        if exchange in exchanges.prices
        for ticker, quote in exchanges.prices[exchange].quotes(wanted).items()
    }


def _begun(ids: Sequence[UUID], midnight: datetime) -> dict[UUID, EquityPoint]:
    """Each bot's last equity point at or before `midnight`, else its first after it."""
    points = EquityPoint.objects.filter(bot=OuterRef("pk"))
    before = points.filter(at__lte=midnight).order_by("-at").values("pk")[:1]
    after = points.filter(at__gt=midnight).order_by("at").values("pk")[:1]
    chosen = Bot.objects.filter(pk__in=ids).annotate(begun=Coalesce(Subquery(before), Subquery(after)))
    return {row.bot_id: row for row in EquityPoint.objects.filter(pk__in=chosen.values("begun"))}
