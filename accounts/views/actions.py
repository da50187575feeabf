"""What a person does with an exchange account: each is guard, service, answer."""

from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.models import AccountState, ExchangeAccount
from accounts.services import (
    account_compare,
    account_delete,
    account_rename,
    account_test,
    deleted_in_words,
    shortage_close,
    sure_shortages_of,
)
from accounts.views.card import Card
from accounts.views.people import UserRequest, own_account, part
from bots.queries import bots_of
from bots.services import ServiceRefused
from orders.gateways.base import GatewayError, KeyRefused
from orders.gateways.installed import installed
from orders.money import LostRace


@require_POST
def test(request: UserRequest, account_id: UUID) -> HttpResponse:
    """Ask the exchange now. With HTMX the card comes back as it then is."""
    account = own_account(request, account_id)

    def act() -> None:
        found = account_test(
            account=account, exchanges=installed(), keys=settings.ENCRYPTION_KEYS, now=timezone.now()
        )
        works = found.state == AccountState.WORKING
        told = f"{found.label}: {found.state_reason or 'its key works.'}"
        messages.add_message(request, messages.SUCCESS if works else messages.WARNING, told)

    _tried(request, act)
    if not request.htmx:
        return _back(request, account)
    context = {"card": Card(own_account(request, account_id))}
    told = {"messages": messages.get_messages(request), "oob": True}
    return HttpResponse(
        part(request, "exchanges/_card.html", context) + part(request, "_messages.html", told)
    )


@require_POST
def rename(request: UserRequest, account_id: UUID) -> HttpResponse:
    account = own_account(request, account_id)

    def act() -> None:
        label = request.POST.get("label", "")
        found = account_rename(account=account, label=label, now=timezone.now())
        messages.success(request, f"The account is called {found.label}.")

    _tried(request, act)
    return _back(request, account)


@require_POST
def delete(request: UserRequest, account_id: UUID) -> HttpResponse:
    account = own_account(request, account_id)

    def act() -> None:
        account_delete(account=account, now=timezone.now())
        messages.success(request, deleted_in_words(account))

    return redirect("exchanges:list") if _tried(request, act) else _back(request, account)


@require_POST
def compare(request: UserRequest, account_id: UUID) -> HttpResponse:
    """Hold what the account holds against its bots' books, now."""
    account = own_account(request, account_id)
    if not account.is_real:
        raise Http404("On paper nothing can be missing.")
    try:
        account_compare(account=account, exchanges=installed(), now=timezone.now())
    except KeyRefused:
        messages.error(request, "The exchange does not accept the key: test it, and replace it if need be.")
    except (GatewayError, LostRace):
        messages.error(request, "The exchange does not answer now. Try again in a minute.")
    else:
        short = sure_shortages_of(account).exists()
        told = "Money is still missing." if short else "All is there that your bots should hold."
        messages.add_message(request, messages.WARNING if short else messages.SUCCESS, told)
    return _back(request, account)


@require_POST
def close_holder(request: UserRequest, account_id: UUID, shortage_id: int, bot_id: UUID) -> HttpResponse:
    account = own_account(request, account_id)
    shortage = get_object_or_404(sure_shortages_of(account), pk=shortage_id)
    bot = get_object_or_404(bots_of(request.user), pk=bot_id)

    def act() -> None:
        done = shortage_close(shortage=shortage, bot=bot, exchanges=installed(), now=timezone.now())
        ending = f"{bot.name} is being closed: its orders are ended first."
        messages.success(request, f"{bot.name} was closed." if done else ending)

    _tried(request, act)
    return _back(request, account)


def _tried(request: UserRequest, act: Callable[[], None]) -> bool:
    try:
        act()
    except ServiceRefused as error:
        for problem in error.problems:
            messages.error(request, problem.message)
        return False
    return True


def _back(request: UserRequest, account: ExchangeAccount) -> HttpResponse:
    if request.POST.get("back") == "list":
        return redirect("exchanges:list")
    return redirect("exchanges:page", account.pk)
