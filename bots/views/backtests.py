"""One's backtests: the list, one's page with its live parts, its result as JSON, and calling it off."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from bots.forms import sentence
from bots.fragments import BACKTEST_CARD, BACKTEST_HEAD, BACKTEST_RESULT, backtest_context
from bots.queries import backtests_of
from bots.results import headline, json_of
from bots.services import ServiceRefused, backtest_cancel, backtest_delete
from bots.strategies.registry import BOT_TYPES
from bots.views.people import UserRequest, own_backtest, page, part, sequence_of

CARDS = 24
PARTS = {"card": BACKTEST_CARD, "head": BACKTEST_HEAD, "result": BACKTEST_RESULT}


@require_safe
def backtest_list(request: UserRequest) -> HttpResponse:
    sequence = sequence_of(request)
    mine = backtests_of(request.user).order_by("-created_at", "-pk")
    cards = Paginator(mine, CARDS).get_page(request.GET.get("page"))
    rows = [
        {
            "backtest": one,
            "kind": BOT_TYPES.get(one.bot_type),
            "headline": headline(one) if one.result is not None else [],
        }
        for one in cards
    ]
    return page(request, "backtests/list.html", {"cards": cards, "rows": rows}, sequence)


@require_safe
def choose(request: UserRequest) -> HttpResponse:
    return page(request, "backtests/choose.html", {"kinds": BOT_TYPES.values()}, sequence_of(request))


@require_safe
def backtest_page(request: UserRequest, backtest_id: UUID) -> HttpResponse:
    sequence = sequence_of(request)
    backtest = own_backtest(request, backtest_id)
    context = backtest_context(backtest, request.GET.get("page", ""))
    return page(request, "backtests/page.html", context, sequence)


@require_safe
def live_part(request: UserRequest, backtest_id: UUID, part_name: str) -> HttpResponse:
    sequence = sequence_of(request)
    backtest = own_backtest(request, backtest_id)
    if part_name not in PARTS:
        raise Http404
    return part(request, PARTS[part_name], backtest_context(backtest), sequence)


@require_safe
def result(request: UserRequest, backtest_id: UUID) -> HttpResponse:
    """All there is of it, rows too: `result` is null until it is done."""
    backtest = own_backtest(request, backtest_id)
    return HttpResponse("".join(json_of(backtest)), content_type="application/json")


@require_POST
def cancel(request: UserRequest, backtest_id: UUID) -> HttpResponse:
    backtest = own_backtest(request, backtest_id)
    backtest_cancel(backtest=backtest, now=timezone.now())
    messages.success(request, f"{backtest.name} was told to end.")
    return redirect("backtests:page", backtest.pk)


@require_POST
def delete(request: UserRequest, backtest_id: UUID) -> HttpResponse:
    backtest = own_backtest(request, backtest_id)
    try:
        backtest_delete(backtest=backtest, now=timezone.now())
    except ServiceRefused as error:
        for problem in error.problems:
            messages.error(request, sentence(problem))
        return redirect("backtests:page", backtest.pk)
    messages.success(request, f"{backtest.name} was deleted.")
    return redirect("backtests:list")
