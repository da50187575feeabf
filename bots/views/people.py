"""Who asks, what of theirs they may reach, and how a page is answered."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django_htmx.middleware import HtmxDetails

from accounts.models import User
from activity.queries import live_sequence
from bots.fragments import rendered
from bots.models import Backtest, Bot
from bots.queries import backtests_of, bots_of


class UserRequest(HttpRequest):
    """A request that `LoginRequiredMiddleware` has let through."""

    user: User
    htmx: HtmxDetails


def own_bot(request: UserRequest, bot_id: UUID) -> Bot:
    """The bot, if it is theirs; 404 for a stranger's as for none."""
    return get_object_or_404(bots_of(request.user), pk=bot_id)


def own_backtest(request: UserRequest, backtest_id: UUID) -> Backtest:
    return get_object_or_404(backtests_of(request.user), pk=backtest_id)


def page(request: UserRequest, template: str, context: Mapping[str, Any], sequence: int) -> HttpResponse:
    """A whole page; `sequence` was read before anything it shows."""
    text = rendered(template, {**context, "live_seq": sequence}, user=request.user, request=request)
    return HttpResponse(text)


def part(request: UserRequest, template: str, context: Mapping[str, Any], sequence: int) -> HttpResponse:
    """A live part, with the delivery up to which it is complete."""
    answer = HttpResponse(rendered(template, context, user=request.user, request=request))
    answer["X-Live-Seq"] = str(sequence)
    return answer


def sequence_of(request: UserRequest) -> int:
    return live_sequence(request.user.pk)
