"""The first page: landing for a visitor, one's money and bots for who is signed in."""

from typing import Any, cast

from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from bots.analytics import bots_of_today, standings
from bots.fragments import ACTIVITY, SUMMARY, activity_context, summary_context
from bots.services import paper_account
from bots.views.killing import banner
from bots.views.people import UserRequest, page, part, sequence_of
from orders.gateways.installed import installed

CARDS = 24


@require_safe
@login_not_required
def home(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return render(request, "landing.html")
    return signed_in(cast(UserRequest, request))


def signed_in(request: UserRequest) -> HttpResponse:
    sequence = sequence_of(request)
    return page(request, "home/page.html", _home(request), sequence)


def _home(request: UserRequest) -> dict[str, Any]:
    user, now = request.user, timezone.now()
    everything = standings(bots_of_today(user, now), user=user, exchanges=installed(), now=now)
    money = summary_context(user=user, exchanges=installed(), now=now, found=everything)
    if not everything and not any(one.free for one in money["summaries"]):
        paper_account(user=user, now=now)
        money = summary_context(user=user, exchanges=installed(), now=now, found=everything)
    mine = [one for one in everything if one.bot.hidden_at is None]
    cards = Paginator(mine, CARDS).get_page(request.GET.get("page"))
    return {**money, **activity_context(user), "cards": cards, "banner": banner(user)}


@require_safe
def summary(request: UserRequest) -> HttpResponse:
    sequence = sequence_of(request)
    context = summary_context(user=request.user, exchanges=installed(), now=timezone.now())
    return part(request, SUMMARY, context, sequence)


@require_safe
def latest(request: UserRequest) -> HttpResponse:
    sequence = sequence_of(request)
    return part(request, ACTIVITY, activity_context(request.user), sequence)
