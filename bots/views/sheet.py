"""The sheet a bot's settings are written on: of which type, on which market, for a new bot or one that is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.http import Http404
from django.urls import reverse
from django.utils import timezone

from accounts.models import ExchangeAccount
from bots.forms import BotForm
from bots.models import Bot
from bots.services import paper_account, preflight
from bots.strategies.base import Preflight
from bots.strategies.registry import BOT_TYPES, BotType
from bots.views.people import UserRequest
from orders.gateways.installed import installed
from orders.models import Market
from orders.money import free_of
from orders.queries import latest_markets, markets_of


@dataclass(frozen=True, slots=True)
class Sheet:
    """The form of a new bot, or of one that is there (`bot`), and on which market it stands."""

    kind: BotType
    account: ExchangeAccount
    ticker: str
    tickers: tuple[str, ...] = ()
    bot: Bot | None = None

    @property
    def save_url(self) -> str:
        return (
            reverse("bots:edit", args=[self.bot.pk])
            if self.bot
            else reverse("bots:new", args=[self.kind.name])
        )

    @property
    def check_url(self) -> str:
        if self.bot:
            return reverse("bots:check_edit", args=[self.bot.pk])
        return reverse("bots:check", args=[self.kind.name])

    @property
    def preview_url(self) -> str:
        if self.bot:
            return reverse("bots:preview_edit", args=[self.bot.pk])
        return reverse("bots:preview", args=[self.kind.name])

    @property
    def suggest_url(self) -> str:
        return "" if self.bot else reverse("bots:suggest", args=[self.kind.name])

    def form(self, data: Any = None, initial: Mapping[str, Any] | None = None) -> BotForm:
        return BotForm(
            data,
            initial=dict(initial or {}),
            bot_type=self.kind.name,
            ticker=self.ticker,
            tickers=self.tickers,
            deal_open=bool(self.bot and self.bot.deal_number is not None),
        )

    def preflight(self, values: Mapping[str, Any]) -> Preflight:
        """What a start would do. What the bot has in its pocket already need not be free."""
        found = preflight(
            account=self.account,
            bot_type=self.kind.name,
            ticker=self.ticker,
            values=values,
            exchanges=installed(),
        )
        free = self.free
        own = self.bot.cash + self.bot.position_cost if self.bot else 0
        covered = [p for p in found.problems if p.code != "over_balance" or self._asked(values) > free + own]
        return replace(found, problems=tuple(covered))

    @property
    def quote(self) -> str:
        return self.ticker.split("/")[1]

    @property
    def free(self) -> Decimal:
        return free_of(account_id=self.account.pk, currency=self.quote)

    @property
    def market(self) -> Market | None:
        """The newest rules; no market may be there any more for a bot that is."""
        place = (self.account.exchange, self.ticker)
        return latest_markets({place}).get(place)

    @property
    def price(self) -> Decimal | None:
        quote = installed().prices[self.account.exchange].quotes([self.ticker]).get(self.ticker)
        return quote.last if quote else None

    def _asked(self, values: Mapping[str, Any]) -> Any:
        return self.kind.settings.model_validate(dict(values)).investment


def new_sheet(request: UserRequest, bot_type: str) -> Sheet:
    """For the market asked for, or the usual one; 404 for a type there is not."""
    if bot_type not in BOT_TYPES:
        raise Http404
    account = paper_account(user=request.user, now=timezone.now())
    tickers = tuple(market.ticker for market in markets_of(account.exchange))
    asked = request.POST.get("ticker") or request.GET.get("ticker", "")
    if not tickers:
        raise Http404("No market is open yet.")
    usual = "BTC/USDT" if "BTC/USDT" in tickers else tickers[0]
    return Sheet(BOT_TYPES[bot_type], account, asked if asked in tickers else usual, tickers)


def edit_sheet(bot: Bot) -> Sheet:
    return Sheet(BOT_TYPES[bot.bot_type], bot.account, bot.ticker, bot=bot)
