"""One bot: its page, and the parts of it that are live."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from bots.analytics import Standing, standings
from bots.fragments import CARD, FIGURES, HEAD, RECORD, figures_context, record_context
from bots.models import Bot, BotSettings
from bots.queries import values_of
from bots.strategies.registry import BOT_TYPES
from bots.views.chart import TIMEFRAMES, timeframe_of
from bots.views.killing import banner
from bots.views.people import UserRequest, own_bot, page, part, sequence_of
from orders.gateways.installed import installed
from orders.missing import may_be_given_up

VERSIONS_SHOWN_MAX = 20


@require_safe
def bot_page(request: UserRequest, bot_id: UUID) -> HttpResponse:
    sequence = sequence_of(request)
    bot = own_bot(request, bot_id)
    one = standing(request, bot)
    pages = (request.GET.get("trades", ""), request.GET.get("decisions", ""))
    record = record_context(one, request.user, *pages)
    versions = list(BotSettings.objects.filter(bot=bot).order_by("-version")[:VERSIONS_SHOWN_MAX])
    context = {
        **figures_context(one, request.user),
        **record,
        "bot_type": BOT_TYPES[bot.bot_type],
        "versions": versions,
        "settings": titled(bot, versions[0]),
        "timeframes": TIMEFRAMES,
        "timeframe": timeframe_of(request),
        "banner": banner(request.user, bot),
        "missing": [order for order in record["orders"] if may_be_given_up(order, timezone.now())],
    }
    return page(request, "bots/page.html", context, sequence)


@require_safe
def live_part(request: UserRequest, bot_id: UUID, name: str) -> HttpResponse:
    sequence = sequence_of(request)
    one = standing(request, own_bot(request, bot_id))
    plain = {"one": one, "bot": one.bot}
    if name == "card":
        return part(request, CARD, plain, sequence)
    if name == "head":
        return part(request, HEAD, plain, sequence)
    if name == "figures":
        return part(request, FIGURES, figures_context(one, request.user), sequence)
    if name == "record":
        return part(request, RECORD, record_context(one, request.user), sequence)
    raise Http404


def standing(request: UserRequest, bot: Bot) -> Standing:
    found = standings([bot], user=request.user, exchanges=installed(), now=timezone.now())
    return found[0]


def titled(bot: Bot, version: BotSettings) -> list[tuple[str, object, str]]:
    """The settings of a version: title, value and its unit if there is one, in the order of the form."""
    rows, values = [], values_of(bot, version)
    for name, info in BOT_TYPES[bot.bot_type].settings.model_fields.items():
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        unit = str(extra.get("unit", "")).replace("quote or base", "")
        unit = {"quote": bot.quote, "base": bot.base}.get(unit, unit)
        value = values.get(name)
        rows.append((info.title or name, value, unit if value or value == 0 else ""))
    return rows
