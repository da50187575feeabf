"""Making and changing a bot: the form, its preflight on request, and saving.

A refused form comes back with everything that was typed; nothing is half-made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import ExchangeAccount
from bots.forms import BotForm, defaults_of, initial_of
from bots.models import Bot
from bots.queries import settings_of, values_of
from bots.services import ServiceRefused, bot_create, bot_edit, bot_start, paper_account, preflight
from bots.strategies.base import Preflight
from bots.strategies.registry import BOT_TYPES, BotType
from bots.views.people import UserRequest, own_bot, page, sequence_of
from orders.gateways.installed import installed
from orders.models import Market
from orders.money import free_of
from orders.queries import latest_markets, markets_of

# What a first bot is offered where its type has no better idea.
INVESTMENT_OFFERED = Decimal(1000)


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
        free = _free(self)
        own = self.bot.cash + self.bot.position_cost if self.bot else 0
        covered = [p for p in found.problems if p.code != "over_balance" or self._asked(values) > free + own]
        return replace(found, problems=tuple(covered))

    def _asked(self, values: Mapping[str, Any]) -> Any:
        return self.kind.settings.model_validate(dict(values)).investment


@require_safe
def choose(request: UserRequest) -> HttpResponse:
    return page(request, "bots/choose.html", {"kinds": BOT_TYPES.values()}, sequence_of(request))


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: UserRequest, bot_type: str) -> HttpResponse:
    sheet = _new_sheet(request, bot_type)
    if request.method != "POST":
        offered = {"name": _usual_name(sheet, sheet.ticker), "ticker": sheet.ticker}
        initial = {**defaults_of(bot_type), **_suggested(sheet), **offered}
        return _shown(request, sheet, sheet.form(initial=initial))
    form = sheet.form(request.POST)
    if form.is_valid():
        try:
            bot = _created(request, sheet, form)
        except ServiceRefused as error:
            form.refuse(error)
        else:
            starts = "start" in request.POST
            messages.success(request, f"{bot.name} was created{' and has started' if starts else ''}.")
            return redirect("bots:page", bot.pk)
    return _shown(request, sheet, form)


@require_POST
def check(request: UserRequest, bot_type: str) -> HttpResponse:
    return _checked(request, _new_sheet(request, bot_type))


@require_POST
def suggest(request: UserRequest, bot_type: str) -> HttpResponse:
    """The same form for the market chosen now, with what suits its price."""
    sheet = _new_sheet(request, bot_type)
    typed = {name: value for name, value in request.POST.items() if name != "csrfmiddlewaretoken"}
    fresh = {name: typed.get(name, "") for name in sheet.kind.settings.model_fields}
    name = typed.get("name", "")
    if name in {_usual_name(sheet, ticker) for ticker in sheet.tickers}:
        name = _usual_name(sheet, sheet.ticker)
    initial = {**fresh, **_suggested(sheet), "name": name, "ticker": sheet.ticker}
    return _shown(request, sheet, sheet.form(initial=initial))


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: UserRequest, bot_id: UUID) -> HttpResponse:
    bot = own_bot(request, bot_id)
    sheet = _edit_sheet(bot)
    if request.method != "POST":
        initial = {
            **defaults_of(bot.bot_type),
            **initial_of(values_of(bot, settings_of(bot))),
            "name": bot.name,
        }
        return _shown(request, sheet, sheet.form(initial=initial))
    form = sheet.form(request.POST)
    if form.is_valid():
        cleaned = form.cleaned_data
        try:
            bot_edit(
                bot=bot,
                name=cleaned["name"],
                values=form.values,
                this_deal_too=cleaned.get("this_deal_too", False),
                now=timezone.now(),
            )
        except ServiceRefused as error:
            form.refuse(error)
        else:
            messages.success(request, f"{cleaned['name']} was saved.")
            return redirect("bots:page", bot.pk)
    return _shown(request, sheet, form)


@require_POST
def check_edit(request: UserRequest, bot_id: UUID) -> HttpResponse:
    return _checked(request, _edit_sheet(own_bot(request, bot_id)))


def _created(request: UserRequest, sheet: Sheet, form: BotForm) -> Bot:
    """The bot, running if that was asked; a refused start leaves nothing behind."""
    now = timezone.now()
    with transaction.atomic():
        bot = bot_create(
            user=request.user,
            account=sheet.account,
            name=form.cleaned_data["name"],
            bot_type=sheet.kind.name,
            ticker=form.cleaned_data["ticker"],
            values=form.values,
            now=now,
        )
        return bot_start(bot=bot, exchanges=installed(), now=now) if "start" in request.POST else bot


def _checked(request: UserRequest, sheet: Sheet) -> HttpResponse:
    form = sheet.form(request.POST)
    found = None
    if form.is_valid():
        try:
            found = sheet.preflight(form.values)
        except ServiceRefused as error:
            form.refuse(error)
    return _shown(request, sheet, form, found)


def _shown(request: UserRequest, sheet: Sheet, form: BotForm, found: Preflight | None = None) -> HttpResponse:
    market = _market(sheet)
    context = {
        "sheet": sheet,
        "form": form,
        "found": found,
        "market": market.rules() if market else None,
        "free": _free(sheet),
        "quote": sheet.ticker.split("/")[1],
        "price": _price(sheet),
    }
    template = "bots/_form.html" if request.htmx else "bots/form.html"
    return page(request, template, context, sequence_of(request))


def _new_sheet(request: UserRequest, bot_type: str) -> Sheet:
    if bot_type not in BOT_TYPES:
        raise Http404
    account = paper_account(user=request.user, now=timezone.now())
    tickers = tuple(market.ticker for market in markets_of(account.exchange))
    asked = request.POST.get("ticker") or request.GET.get("ticker", "")
    if not tickers:
        raise Http404("No market is open yet.")
    usual = "BTC/USDT" if "BTC/USDT" in tickers else tickers[0]
    return Sheet(BOT_TYPES[bot_type], account, asked if asked in tickers else usual, tickers)


def _edit_sheet(bot: Bot) -> Sheet:
    return Sheet(BOT_TYPES[bot.bot_type], bot.account, bot.ticker, bot=bot)


def _usual_name(sheet: Sheet, ticker: str) -> str:
    return f"{sheet.kind.title} {ticker.split('/')[0]}"


def _suggested(sheet: Sheet) -> dict[str, Any]:
    market, price = _market(sheet), _price(sheet)
    suggested = getattr(sheet.kind.settings, "suggested", None)
    if market is None or price is None or suggested is None:
        return {}
    offered = min(_free(sheet), INVESTMENT_OFFERED)
    return initial_of({"investment": offered, **suggested(price, market.rules())})


def _free(sheet: Sheet) -> Decimal:
    return free_of(account_id=sheet.account.pk, currency=sheet.ticker.split("/")[1])


def _market(sheet: Sheet) -> Market | None:
    place = (sheet.account.exchange, sheet.ticker)
    return latest_markets({place}).get(place)


def _price(sheet: Sheet) -> Any:
    quote = installed().prices[sheet.account.exchange].quotes([sheet.ticker]).get(sheet.ticker)
    return quote.last if quote else None
