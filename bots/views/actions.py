"""What a person does with a bot: each is guard, service, answer, with HTMX and without."""

from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from bots.forms import NUMBER, sentence
from bots.fragments import rendered
from bots.models import Bot, Mode
from bots.queries import bots_of, running
from bots.services import (
    ServiceRefused,
    bot_command,
    bot_delete,
    bot_start,
    bot_stop,
    bots_stop_all,
    order_give_up,
    refused,
)
from bots.strategies.base import CommandKind
from bots.views.bot import standing
from bots.views.people import UserRequest, own_bot
from orders.gateways.installed import installed
from orders.models import Order
from tradingbot.confirming import ask_again, is_confirmed

COMMANDS_TOLD = {
    CommandKind.CLOSE_NOW: "{name} was asked to close its deal now.",
    CommandKind.ADD_FUNDS: "{name} was asked to buy for {quote} {currency} more.",
    CommandKind.START_DEAL: "{name} was asked to open a deal now.",
}


@require_POST
def start(request: UserRequest, bot_id: UUID) -> HttpResponse:
    bot = own_bot(request, bot_id)
    if bot.mode == Mode.LIVE and not is_confirmed(request):
        messages.info(request, f"{bot.name} trades with real money: confirm that it is you, then start it.")
        return ask_again(request, reverse("bots:page", args=[bot.pk]))
    return _done(
        request,
        bot,
        lambda: bot_start(bot=bot, exchanges=installed(), now=timezone.now()),
        f"{bot.name} has started.",
    )


@require_POST
def stop(request: UserRequest, bot_id: UUID) -> HttpResponse:
    bot = own_bot(request, bot_id)
    how = request.POST.get("how", "")
    told = f"{bot.name} was told to stop."
    return _done(request, bot, lambda: bot_stop(bot=bot, now=timezone.now(), how=how), told)


@require_POST
def delete(request: UserRequest, bot_id: UUID) -> HttpResponse:
    bot = own_bot(request, bot_id)
    try:
        bot_delete(bot=bot, exchanges=installed(), now=timezone.now())
    except ServiceRefused as error:
        return _answer(request, bot, error)
    messages.success(request, f"{bot.name} was deleted.")
    # A card that is replaced by nothing leaves the page.
    return HttpResponse(_told(request)) if request.htmx else redirect("home")


@require_POST
def give_up(request: UserRequest, bot_id: UUID, order_id: UUID) -> HttpResponse:
    """An order that its exchange lists no more."""
    bot = own_bot(request, bot_id)
    order = get_object_or_404(Order.objects.select_related("account", "market", "bot"), bot=bot, pk=order_id)
    told = f"The order {order.slot} counts as cancelled."
    return _done(
        request,
        bot,
        lambda: order_give_up(order=order, exchanges=installed(), now=timezone.now()),
        told,
    )


@require_POST
def stop_all(request: UserRequest) -> HttpResponse:
    count = bots_stop_all(bots=list(running(bots_of(request.user))), now=timezone.now())
    messages.success(request, f"{count} {'bot was' if count == 1 else 'bots were'} told to stop.")
    return redirect("home")


@require_POST
def command(request: UserRequest, bot_id: UUID, kind: str) -> HttpResponse:
    bot = own_bot(request, bot_id)
    # What is not told here, such as a restart, is not a person's to ask for.
    if kind not in COMMANDS_TOLD:
        raise Http404
    asked = CommandKind(kind)
    given = request.POST.get("quote", "").strip()
    told = COMMANDS_TOLD[asked].format(name=bot.name, quote=given, currency=bot.quote)

    def act() -> None:
        quote = _quote(given) if asked is CommandKind.ADD_FUNDS else Decimal(0)
        bot_command(bot=bot, kind=asked, quote=quote, now=timezone.now())

    return _done(request, bot, act, told)


def _quote(given: str) -> Decimal:
    if not NUMBER.fullmatch(given):
        raise refused("amount", "quote", "Amount must be a plain number, such as 12.5.")
    return Decimal(given)


def _done(request: UserRequest, bot: Bot, act: Callable[[], object], told: str) -> HttpResponse:
    try:
        act()
    except ServiceRefused as error:
        return _answer(request, bot, error)
    messages.success(request, told)
    return _answer(request, bot)


def _answer(request: UserRequest, bot: Bot, error: ServiceRefused | None = None) -> HttpResponse:
    """The bot's card and what there is to say for HTMX, else back to the page it was asked from."""
    for problem in error.problems if error else ():
        messages.error(request, sentence(problem))
    if not request.htmx:
        return redirect("home") if request.POST.get("back") == "home" else redirect("bots:page", bot.pk)
    fresh = own_bot(request, bot.pk)
    context = {"one": standing(request, fresh), "bot": fresh}
    card = rendered("bots/_card.html", context, user=request.user, request=request)
    return HttpResponse(card + _told(request))


def _told(request: UserRequest) -> str:
    context = {"messages": messages.get_messages(request), "oob": True}
    return rendered("_messages.html", context, user=request.user, request=request)
