"""What happened, newest first: a page, and its list alone for when news arrive."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.models import User
from activity.models import Severity
from activity.queries import activity_of, live_sequence, page_of
from bots.fragments import rendered
from bots.models import Bot
from bots.queries import bots_of


class UserRequest(HttpRequest):
    """A request that `LoginRequiredMiddleware` has let through."""

    user: User


@dataclass(frozen=True, slots=True)
class Chosen:
    """The filters of the list, and the row it goes on behind."""

    level: str = ""
    bot: str = ""
    behind: str = ""

    def query(self, **changes: str) -> str:
        values = {"level": self.level, "bot": self.bot, "behind": self.behind} | changes
        return urlencode({name: value for name, value in values.items() if value})


@require_safe
def activity_list(request: UserRequest) -> HttpResponse:
    sequence = live_sequence(request.user.pk)
    chosen = _chosen(request)
    context = _list_context(request.user, chosen) | {
        "live_seq": sequence,
        "levels": Severity.choices,
        "bots": bots_of(request.user).order_by("name"),
    }
    return HttpResponse(rendered("activity/page.html", context, user=request.user, request=request))


@require_safe
def rows(request: UserRequest) -> HttpResponse:
    sequence = live_sequence(request.user.pk)
    context = _list_context(request.user, _chosen(request))
    answer = HttpResponse(rendered("activity/_list.html", context, user=request.user, request=request))
    answer["X-Live-Seq"] = str(sequence)
    return answer


def _chosen(request: HttpRequest) -> Chosen:
    level = request.GET.get("level", "")
    if level and level not in Severity.values:
        raise Http404
    return Chosen(level, request.GET.get("bot", ""), request.GET.get("behind", ""))


def _list_context(user: User, chosen: Chosen) -> dict[str, Any]:
    activity = activity_of(user)
    behind = None
    if chosen.behind:
        behind = get_object_or_404(activity, pk=_whole(chosen.behind))
    if chosen.level:
        activity = activity.filter(level=chosen.level)
    if chosen.bot:
        activity = activity.filter(bot=_bot(user, chosen.bot))
    page = page_of(activity, behind)
    listing = reverse("activity:list")
    return {
        "page": page,
        "chosen": chosen,
        "live_url": f"{reverse('activity:rows')}?{chosen.query()}",
        "older_url": f"{listing}?{chosen.query(behind=str(page.older))}" if page.older else "",
        "newest_url": f"{listing}?{chosen.query(behind='')}",
    }


def _bot(user: User, given: str) -> Bot:
    try:
        return get_object_or_404(bots_of(user), pk=UUID(given))
    except ValueError:
        raise Http404 from None


def _whole(given: str) -> int:
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise Http404
    return int(given)
