"""Making and changing a bot: the form, its preflight and preview on request, and saving.

A refused form comes back with everything that was typed; nothing is half-made.
"""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Environment
from bots.forms import BotForm, defaults_of, initial_of
from bots.models import Bot
from bots.queries import settings_of, values_of
from bots.services import ServiceRefused, bot_create, bot_edit, bot_start, room_for
from bots.strategies.base import Preflight
from bots.strategies.registry import BOT_TYPES
from bots.views.people import UserRequest, own_bot, page, sequence_of
from bots.views.preview import Preview, previewed
from bots.views.sheet import Sheet, age_of, edit_sheet, new_sheet
from orders.gateways.installed import installed
from tradingbot.confirming import ask_again, is_confirmed

# What a first bot is offered where its type has no better idea.
INVESTMENT_OFFERED = Decimal(1000)


@require_safe
def choose(request: UserRequest) -> HttpResponse:
    return page(request, "bots/choose.html", {"kinds": BOT_TYPES.values()}, sequence_of(request))


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: UserRequest, bot_type: str) -> HttpResponse:
    sheet = new_sheet(request, bot_type)
    if request.method != "POST":
        offered = {"name": _usual_name(sheet, sheet.ticker), **_place(sheet)}
        initial = {**defaults_of(bot_type), **_suggested(sheet), **offered}
        return _shown(request, sheet, sheet.form(initial=initial))
    form = sheet.form(request.POST)
    if form.is_valid():
        starts = "start" in request.POST
        confirmed = sheet.account.environment != Environment.LIVE or is_confirmed(request)
        try:
            bot = _created(request, sheet, form, starts=starts and confirmed)
        except ServiceRefused as error:
            form.refuse(error)
        else:
            return _gone_on(request, bot, starts=starts, confirmed=confirmed)
    return _shown(request, sheet, form)


@require_POST
def check(request: UserRequest, bot_type: str) -> HttpResponse:
    return _checked(request, new_sheet(request, bot_type))


@require_POST
def suggest(request: UserRequest, bot_type: str) -> HttpResponse:
    """The same form for the market chosen now, with what suits its price."""
    sheet = new_sheet(request, bot_type)
    if request.POST.get("account", str(sheet.account.pk)) != str(sheet.account.pk):
        return _shown(request, sheet, sheet.form(request.POST))
    typed = {name: value for name, value in request.POST.items() if name != "csrfmiddlewaretoken"}
    fresh = {name: typed.get(name, "") for name in sheet.kind.settings.model_fields}
    name = typed.get("name", "")
    if name in {_usual_name(sheet, ticker) for ticker in sheet.tickers}:
        name = _usual_name(sheet, sheet.ticker)
    initial = {**fresh, **_suggested(sheet), "name": name, **_place(sheet)}
    return _shown(request, sheet, sheet.form(initial=initial))


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: UserRequest, bot_id: UUID) -> HttpResponse:
    bot = own_bot(request, bot_id)
    sheet = edit_sheet(bot)
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
    return _checked(request, edit_sheet(own_bot(request, bot_id)))


def _gone_on(request: UserRequest, bot: Bot, *, starts: bool, confirmed: bool) -> HttpResponse:
    """To the new bot's page; by way of the password, if it is to trade with real money."""
    if starts and not confirmed:
        why = "It trades with real money: confirm that it is you, then start it."
        messages.success(request, f"{bot.name} was created. {why}")
        return ask_again(request, reverse("bots:page", args=[bot.pk]))
    messages.success(request, f"{bot.name} was created{' and has started' if starts else ''}.")
    return redirect("bots:page", bot.pk)


def _created(request: UserRequest, sheet: Sheet, form: BotForm, *, starts: bool) -> Bot:
    """The bot, running if that was asked; a refused start leaves nothing behind."""
    now = timezone.now()
    room = room_for(sheet.account, installed(), now) if starts else None
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
        return bot_start(bot=bot, exchanges=installed(), now=now, room=room) if starts else bot


def _checked(request: UserRequest, sheet: Sheet) -> HttpResponse:
    """With HTMX the page asks for the preview by itself, so that the preflight need not wait for it."""
    form = sheet.form(request.POST)
    found = None
    if form.is_valid():
        try:
            found = sheet.preflight(form.values)
        except ServiceRefused as error:
            form.refuse(error)
    return _shown(request, sheet, form, found, None if request.htmx else previewed(request, sheet, form))


def _shown(
    request: UserRequest,
    sheet: Sheet,
    form: BotForm,
    found: Preflight | None = None,
    preview: Preview | None = None,
) -> HttpResponse:
    market, last = sheet.market, sheet.last
    context = {
        "sheet": sheet,
        "form": form,
        "found": found,
        "preview": preview,
        "market": market.rules() if market else None,
        "free": sheet.free,
        "quote": sheet.quote,
        "price": last.last if last else None,
        "age_s": age_of(last, sheet.account.place),
    }
    template = "bots/_form.html" if request.htmx else "bots/form.html"
    return page(request, template, context, sequence_of(request))


def _place(sheet: Sheet) -> dict[str, str]:
    return {"account": str(sheet.account.pk), "ticker": sheet.ticker}


def _usual_name(sheet: Sheet, ticker: str) -> str:
    return f"{sheet.kind.title} {ticker.split('/')[0]}"


def _suggested(sheet: Sheet) -> dict[str, Any]:
    market, last = sheet.market, sheet.last
    suggested = getattr(sheet.kind.settings, "suggested", None)
    if market is None or last is None or suggested is None:
        return {}
    offered = min(INVESTMENT_OFFERED if sheet.free is None else sheet.free, INVESTMENT_OFFERED)
    return initial_of({"investment": offered, **suggested(last.last, market.rules())})
