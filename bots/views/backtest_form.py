"""Asking for a backtest: of a bot type, of a bot as it is set now, or of an earlier one once more.

A refused form comes back with everything that was typed.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST
from kombu.exceptions import OperationalError

from bots.backtest.inputs import market_of
from bots.backtest.request import Rules, listed_on
from bots.backtest_forms import BacktestForm, asked_before, key_of
from bots.forms import defaults_of, initial_of
from bots.models import Bot
from bots.queries import settings_of, values_of
from bots.services import ServiceRefused, backtest_create
from bots.services.backtests import candle_root, stored_series
from bots.strategies.base import Candles
from bots.strategies.registry import BOT_TYPES, BotType
from bots.views.form import INVESTMENT_OFFERED
from bots.views.people import UserRequest, own_backtest, own_bot, page, sequence_of
from orders.gateways.candle_file import exact
from orders.gateways.candle_store import BrokenMonth, CandleStore, Series
from orders.rules import Market
from tradingbot.clock import TIMEFRAMES_S

RUN = "bots.tasks.run_backtests"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A form to be filled in: for which type, on which series, and where it is sent."""

    kind: BotType
    series: list[Series]
    chosen: Series | None
    save_url: str
    bot: Bot | None = None
    broken: str = ""

    @property
    def suggest_url(self) -> str:
        return "" if self.bot else reverse("backtests:suggest", args=[self.kind.name])

    @property
    def ticker(self) -> str:
        return self.chosen.ticker if self.chosen else "BASE/QUOTE"

    def form(self, data: Any = None, initial: Mapping[str, Any] | None = None) -> BacktestForm:
        return BacktestForm(
            data,
            initial=dict(initial or {}),
            bot_type=self.kind.name,
            ticker=self.ticker,
            series=self.series,
        )


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: UserRequest, bot_type: str) -> HttpResponse:
    if bot_type not in BOT_TYPES:
        raise Http404
    sheet = _sheet(request, BOT_TYPES[bot_type], reverse("backtests:new", args=[bot_type]))
    offered = {**defaults_of(bot_type), **_suggested(sheet), "name": _usual_name(sheet)}
    return _answered(request, sheet, offered)


@require_POST
def suggest(request: UserRequest, bot_type: str) -> HttpResponse:
    """The same form for the series chosen now, with what suits its first price."""
    if bot_type not in BOT_TYPES:
        raise Http404
    sheet = _sheet(request, BOT_TYPES[bot_type], reverse("backtests:new", args=[bot_type]))
    typed = {name: value for name, value in request.POST.items() if name != "csrfmiddlewaretoken"}
    fresh = dict.fromkeys(sheet.kind.settings.model_fields, "")
    return _shown(request, sheet, sheet.form(initial={**fresh, **typed, **_suggested(sheet)}))


@require_http_methods(["GET", "HEAD", "POST"])
def of_bot(request: UserRequest, bot_id: UUID) -> HttpResponse:
    bot = own_bot(request, bot_id)
    address = reverse("backtests:of_bot", args=[bot.pk])
    sheet = _sheet(request, BOT_TYPES[bot.bot_type], address, bot=bot)
    offered = {
        **defaults_of(bot.bot_type),
        **initial_of(values_of(bot, settings_of(bot))),
        "name": bot.name,
    }
    return _answered(request, sheet, offered)


@require_http_methods(["GET", "HEAD", "POST"])
def again(request: UserRequest, backtest_id: UUID) -> HttpResponse:
    before = own_backtest(request, backtest_id)
    if before.bot_type not in BOT_TYPES:
        raise Http404
    asked = asked_before(before)
    address = reverse("backtests:again", args=[before.pk])
    sheet = _sheet(request, BOT_TYPES[before.bot_type], address, bot=before.bot, usual=asked["series"])
    return _answered(request, sheet, asked)


def _answered(request: UserRequest, sheet: Sheet, offered: Mapping[str, Any]) -> HttpResponse:
    if request.method != "POST":
        chosen = {"series": key_of(sheet.chosen)} if sheet.chosen else {}
        return _shown(request, sheet, sheet.form(initial={**offered, **chosen}))
    form = sheet.form(request.POST)
    if form.is_valid():
        try:
            backtest = backtest_create(
                user=request.user,
                wanted=form.wanted(),
                root=candle_root(settings.VAR_DIR),
                now=timezone.now(),
                bot=sheet.bot,
            )
        except ServiceRefused as error:
            form.refuse(error)
        else:
            transaction.on_commit(ring)
            messages.success(request, f"{backtest.name} waits for its turn.")
            return redirect("backtests:page", backtest.pk)
    return _shown(request, sheet, form)


def ring() -> None:
    """A ring that is lost costs the seconds until the sweep."""
    try:
        current_app.send_task(RUN, expires=settings.RING_PERIOD_S, ignore_result=True)
    except OperationalError as fault:
        log.warning("backtests.unheard", extra={"fault": str(fault)})


def _shown(request: UserRequest, sheet: Sheet, form: BacktestForm) -> HttpResponse:
    return page(request, "backtests/form.html", {"sheet": sheet, "form": form}, sequence_of(request))


def _sheet(
    request: UserRequest, kind: BotType, save_url: str, *, bot: Bot | None = None, usual: str = ""
) -> Sheet:
    try:
        series, broken = stored_series(candle_root(settings.VAR_DIR)), ""
    except ServiceRefused as refused:
        series, broken = [], str(refused)
    by_key = {key_of(one): one for one in series}
    same_market = next((one for one in series if bot and one.ticker == bot.ticker), None)
    first = series[0] if series else None
    asked = request.POST.get("series") or request.GET.get("series", "")
    chosen = by_key.get(asked) or by_key.get(usual) or same_market or first
    return Sheet(kind, series, chosen, save_url, bot, broken)


def _usual_name(sheet: Sheet) -> str:
    return f"{sheet.kind.title} {sheet.ticker.split('/')[0]}" if sheet.chosen else sheet.kind.title


def _suggested(sheet: Sheet) -> dict[str, Any]:
    """What suits the first price of the series, where its type has an idea of that."""
    suggested, series = getattr(sheet.kind.settings, "suggested", None), sheet.chosen
    if series is None or suggested is None:
        return {}
    try:
        candles = CandleStore(candle_root(settings.VAR_DIR)).read(
            exchange=series.exchange,
            ticker=series.ticker,
            timeframe=series.timeframe,
            until=series.first + TIMEFRAMES_S[series.timeframe] * 1000,
        )
    except BrokenMonth:
        return {}
    if not len(candles):
        return {}
    price, rules = exact(candles.open[0]), _rules_of(series, candles)
    return initial_of({"investment": INVESTMENT_OFFERED, **suggested(price, rules)})


def _rules_of(series: Series, candles: Candles) -> Market:
    return market_of(Rules(ticker=series.ticker), listed_on(series.exchange, series.ticker), candles)
