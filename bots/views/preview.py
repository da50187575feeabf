"""What settings would have done over the past year: shown beside the preflight, redrawn as they change."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.views.decorators.http import require_POST

from bots.forms import BotForm
from bots.previews.candles import NoCandles, Wanted, request_of
from bots.previews.installed import installed_pool
from bots.previews.pool import Answer, State
from bots.previews.result import Result, result_of
from bots.services.backtests import candle_root
from bots.views.people import UserRequest, own_bot, page, sequence_of
from bots.views.sheet import Sheet, edit_sheet, new_sheet
from orders.gateways.candle_store import BrokenMonth

# Once a second, each asking for up to two: longer than a preview may take, unless many wait.
TRIES_MAX = 10
WRONG, NO_CANDLES = "wrong", "no_candles"


@dataclass(frozen=True, slots=True)
class Preview:
    """What its fragment shows. `state` is one of the pool's, or "wrong", or "no_candles"; with a
    `poll_url` the page asks again by itself."""

    state: str
    words: str = ""
    problems: tuple[str, ...] = ()
    result: Result | None = None
    took_s: float = 0.0
    done_pct: int = 0
    poll_url: str = ""


@require_POST
def preview(request: UserRequest, bot_type: str) -> HttpResponse:
    return _answered(request, new_sheet(request, bot_type))


@require_POST
def preview_edit(request: UserRequest, bot_id: UUID) -> HttpResponse:
    return _answered(request, edit_sheet(own_bot(request, bot_id)))


def _answered(request: UserRequest, sheet: Sheet) -> HttpResponse:
    form = sheet.form(request.POST)
    form.is_valid()
    context = {"sheet": sheet, "preview": previewed(request, sheet, form), "quote": sheet.quote}
    return page(request, "bots/_preview.html", context, sequence_of(request))


def previewed(request: UserRequest, sheet: Sheet, form: BotForm) -> Preview:
    """The preview of a form that was judged already; waits up to two seconds for it."""
    if form.errors:
        return Preview(WRONG)
    market = sheet.market
    if market is None:
        return Preview(NO_CANDLES, f"{sheet.ticker} is not traded any more.")
    try:
        asked = request_of(Wanted(sheet.kind.name, form.values, market), candle_root(settings.VAR_DIR))
    except (NoCandles, BrokenMonth) as missing:
        return Preview(NO_CANDLES, str(missing))
    tries = _tries(request)
    if not connection.in_atomic_block:
        # While this one waits, others may have its place among the database's connections.
        connection.close()
    answer = installed_pool().preview(request.user.pk, asked, settings.PREVIEW_WAIT_S, again=tries > 0)
    return _shown(answer, sheet, tries)


def _shown(answer: Answer, sheet: Sheet, tries: int) -> Preview:
    if answer.state is State.RESULT:
        return Preview(answer.state, result=result_of(answer.told), took_s=answer.took_s)
    if answer.state is State.REFUSED:
        return Preview(answer.state, problems=tuple(problem["message"] for problem in answer.told))
    if answer.state is State.COMPUTING and tries < TRIES_MAX:
        poll_url = f"{sheet.preview_url}?tries={tries + 1}"
        return Preview(answer.state, done_pct=round(answer.progress * 100), poll_url=poll_url)
    return Preview(answer.state, answer.words)


def _tries(request: UserRequest) -> int:
    """How often the page has asked for this one before."""
    told = request.GET.get("tries", "")
    return min(int(told), TRIES_MAX) if told.isascii() and told.isdigit() and len(told) < 4 else 0
