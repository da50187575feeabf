"""The sheet a bot's settings are written on: of which type, on which market, for a new bot or one that is."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.http import Http404
from django.urls import reverse
from django.utils import timezone

from accounts.models import Environment, ExchangeAccount, User
from accounts.queries import trading_accounts_of
from bots.forms import BotForm
from bots.models import Bot
from bots.services import currencies_on, free_on, paper_account, preflight
from bots.strategies.base import Preflight
from bots.strategies.registry import BOT_TYPES, BotType
from bots.views.people import UserRequest
from orders.gateways.installed import installed
from orders.gateways.listed import EXCHANGE
from orders.gateways.offers import name_of
from orders.matching import Quote
from orders.models import Market
from orders.queries import latest_markets, tickers_of
from orders.records import replace

MONEY = {
    Environment.PAPER: "on paper",
    Environment.SANDBOX: "with play money",
    Environment.LIVE: "with real money",
}
USUAL = ("BTC/USDT", "BTC/USD")


@dataclass(frozen=True)
class Sheet:
    """The form of a new bot, or of one that is there (`bot`), and on which market it stands."""

    kind: BotType
    account: ExchangeAccount
    ticker: str
    tickers: tuple[str, ...] = ()
    accounts: tuple[tuple[str, str], ...] = ()
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
            place=self.in_words,
            money=MONEY[Environment(self.account.environment)],
            accounts=self.accounts,
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
        if free is None:
            return found
        own = self.bot.cash + self.bot.position_cost if self.bot else 0
        covered = [p for p in found.problems if p.code != "over_balance" or self._asked(values) > free + own]
        return replace(found, problems=tuple(covered))

    @property
    def quote(self) -> str:
        return self.ticker.split("/")[1]

    @cached_property
    def free(self) -> Decimal | None:
        """What is left for it in the account; None while the exchange does not say."""
        return free_on(account=self.account, currency=self.quote, exchanges=installed())

    @property
    def market(self) -> Market | None:
        """The newest rules; no market may be there any more for a bot that is."""
        place = (self.account.place, self.ticker)
        return latest_markets({place}).get(place)

    @property
    def last(self) -> Quote | None:
        """The market's last price; no exchange may be reached for it any more, or it has not answered yet."""
        prices = installed().prices.get(self.account.place)
        return prices.quotes([self.ticker]).get(self.ticker) if prices else None

    @property
    def in_words(self) -> str:
        return exchange_in_words(self.account.place)

    def _asked(self, values: Mapping[str, Any]) -> Any:
        return self.kind.settings.model_validate(dict(values)).investment


def new_sheet(request: UserRequest, bot_type: str) -> Sheet:
    """For the account and the market asked for, or the usual ones; 404 for a type there is not.

    An account that may not be chosen is replaced by the usual one here, and refused by the form.
    """
    if bot_type not in BOT_TYPES:
        raise Http404
    accounts = offered_accounts(request.user)
    asked = _asked(request, "account")
    account = next((one for one in accounts if str(one.pk) == asked), accounts[0])
    tickers = _tickers_on(account)
    if not tickers:
        raise Http404("No market is open yet.")
    ticker = _asked(request, "ticker")
    # Where there is no choice nothing is offered; whoever asks for another account all the same is told.
    offered = accounts if len(accounts) > 1 or asked not in {"", str(account.pk)} else []
    return Sheet(
        BOT_TYPES[bot_type],
        account,
        ticker if ticker in tickers else tickers[0],
        tickers,
        tuple((str(one.pk), account_in_words(one)) for one in offered),
    )


def edit_sheet(bot: Bot) -> Sheet:
    return Sheet(BOT_TYPES[bot.bot_type], bot.account, bot.ticker, bot=bot)


def offered_accounts(user: User) -> list[ExchangeAccount]:
    """Those a new bot may be on: the built-in exchange's first, those with real money last. Never empty."""
    paper_account(user=user, now=timezone.now())
    reached = [one for one in trading_accounts_of(user) if one.place in installed().prices]
    kinds = list(Environment)
    return sorted(
        reached, key=lambda one: (kinds.index(Environment(one.environment)), one.exchange != EXCHANGE)
    )


def age_of(quote: Quote | None, exchange: str) -> float:
    """How many seconds ago a quote was the price."""
    return installed().prices[exchange].age_s(quote) if quote else 0.0


def account_in_words(account: ExchangeAccount) -> str:
    money = f", {MONEY[Environment(account.environment)]}" if account.is_real else ""
    return f"{account.label} ({exchange_in_words(account.place)}{money})"


def exchange_in_words(exchange: str) -> str:
    return name_of(exchange) or "the built-in simulated exchange"


def _asked(request: UserRequest, name: str) -> str:
    return request.POST.get(name) or request.GET.get(name, "")


def _tickers_on(account: ExchangeAccount) -> tuple[str, ...]:
    """The markets the account has money for, the usual one first."""
    found = tickers_of(account.place, currencies_on(account=account, exchanges=installed()))
    return tuple(sorted(found, key=lambda ticker: (ticker not in USUAL, ticker)))
