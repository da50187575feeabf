"""Who asks, which accounts are theirs, and how a page is answered."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django_htmx.middleware import HtmxDetails

from accounts.models import ExchangeAccount, User
from accounts.queries import accounts_of
from activity.queries import live_sequence
from bots.fragments import rendered


class UserRequest(HttpRequest):
    """A request that `LoginRequiredMiddleware` has let through."""

    user: User
    htmx: HtmxDetails


def own_account(request: UserRequest, account_id: UUID) -> ExchangeAccount:
    """The account, if it is theirs; 404 for a stranger's as for none."""
    return get_object_or_404(accounts_of(request.user), pk=account_id)


def page(request: UserRequest, template: str, context: Mapping[str, Any]) -> HttpResponse:
    shown = {"live_seq": live_sequence(request.user.pk), **context}
    return HttpResponse(rendered(template, shown, user=request.user, request=request))


def part(request: UserRequest, template: str, context: Mapping[str, Any]) -> str:
    return rendered(template, context, user=request.user, request=request)
