"""One's orders and trades, newest first, of all bots or of one."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.timezone import override
from django.views.decorators.http import require_safe

from accounts.models import User
from activity.queries import live_sequence
from bots.models import Bot
from bots.queries import bots_of
from orders.queries import latest_markets, orders_of, trades_of
from orders.rules import Market

PAGE_ROWS = 50
PAGES_MAX = 10_000


class UserRequest(HttpRequest):
    """A request that `LoginRequiredMiddleware` has let through."""

    user: User


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which bot's rows are shown (all when none), and which page of them, from 1."""

    bot: Bot | None
    page: int

    def url(self, name: str, page: int) -> str:
        query = {"bot": str(self.bot.pk)} if self.bot else {}
        query |= {"page": str(page)} if page > 1 else {}
        return f"{reverse(name)}?{urlencode(query)}" if query else reverse(name)


@require_safe
def order_list(request: UserRequest) -> HttpResponse:
    rows = orders_of(request.user).order_by("-planned_at", "-pk")
    return _page(request, "orders:list", rows)


@require_safe
def trade_list(request: UserRequest) -> HttpResponse:
    rows = trades_of(request.user).order_by("-executed_at", "-pk")
    return _page(request, "orders:trades", rows)


def _page(request: UserRequest, name: str, rows: QuerySet[Any]) -> HttpResponse:
    sequence = live_sequence(request.user.pk)
    chosen = _chosen(request)
    if chosen.bot:
        rows = rows.filter(bot=chosen.bot)
    first = (chosen.page - 1) * PAGE_ROWS
    found = list(rows.select_related("bot").defer("bot__memory")[first : first + PAGE_ROWS + 1])
    rules = _rules(found)
    context = {
        "rows": [(row, rules.get((row.bot.exchange, row.bot.ticker))) for row in found[:PAGE_ROWS]],
        "trades": name == "orders:trades",
        "chosen": chosen,
        "bots": bots_of(request.user).defer("memory").order_by("name"),
        "orders_url": chosen.url("orders:list", 1),
        "trades_url": chosen.url("orders:trades", 1),
        "newer_url": chosen.url(name, chosen.page - 1) if chosen.page > 1 else "",
        "older_url": chosen.url(name, chosen.page + 1) if len(found) > PAGE_ROWS else "",
        "live_seq": sequence,
    }
    with override(request.user.timezone):
        return render(request, "orders/page.html", context)


def _rules(found: list[Any]) -> dict[tuple[str, str], Market]:
    wanted = {(row.bot.exchange, row.bot.ticker) for row in found}
    return {place: row.rules() for place, row in latest_markets(wanted).items()}


def _chosen(request: UserRequest) -> Chosen:
    asked, number = request.GET.get("bot", ""), request.GET.get("page", "1")
    if not (number.isascii() and number.isdigit() and 1 <= int(number[:9]) <= PAGES_MAX):
        raise Http404
    return Chosen(_bot(request.user, asked) if asked else None, int(number[:9]))


def _bot(user: User, asked: str) -> Bot:
    try:
        return get_object_or_404(bots_of(user), pk=UUID(asked))
    except ValueError:
        raise Http404 from None
