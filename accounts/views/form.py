"""Adding an account, and replacing its key.

A refused form comes back with what was typed, but for the parts of the key: those never leave again.
"""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.forms import AddForm, KeyForm, PaperForm
from accounts.models import ExchangeAccount
from accounts.services import account_add, account_replace_key, paper_account_add
from accounts.views.card import Card
from accounts.views.people import UserRequest, own_account, page
from bots.services import ServiceRefused
from orders.gateways.installed import installed
from orders.gateways.offers import OFFERS, Offer
from tradingbot.confirming import ask_again, is_confirmed


@require_safe
def choose(request: UserRequest) -> HttpResponse:
    reached = installed()
    context = {
        "offers": [o for name, o in OFFERS.items() if name in reached.venues and not o.paper_only],
        "paper_offers": [offer for name, offer in OFFERS.items() if name in reached.markets],
    }
    return page(request, "exchanges/choose.html", context)


@sensitive_post_parameters("key", "secret", "password")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: UserRequest, exchange: str) -> HttpResponse:
    offer = _reached(exchange)
    if not is_confirmed(request):
        return ask_again(request, request.path)
    if request.method != "POST":
        form = AddForm(offer=offer, initial={"label": offer.name, "environment": offer.environments[0]})
        return _shown(request, form)
    form = AddForm(request.POST, offer=offer)
    if form.is_valid():
        try:
            account = account_add(
                user=request.user,
                wanted=form.wanted(),
                exchanges=installed(),
                keys=settings.ENCRYPTION_KEYS,
                now=timezone.now(),
            )
        except ServiceRefused as error:
            form.refuse(error)
        else:
            messages.success(request, f"{account.label} was added, and its key works.")
            return redirect("exchanges:page", account.pk)
    return _shown(request, form)


@require_http_methods(["GET", "HEAD", "POST"])
def new_on_paper(request: UserRequest, exchange: str) -> HttpResponse:
    """Waits for the exchange's list of markets: without it there would be nothing to trade."""
    if exchange not in OFFERS or exchange not in installed().markets:
        raise Http404
    offer = OFFERS[exchange]
    initial = {"label": f"{offer.name}, on paper"}
    form = PaperForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        try:
            account = paper_account_add(
                user=request.user,
                exchange=exchange,
                label=form.cleaned_data["label"],
                exchanges=installed(),
                now=timezone.now(),
            )
        except ServiceRefused as error:
            form.refuse(error)
        else:
            messages.success(request, f"{account.label} was added. Your bots may trade there, on paper.")
            return redirect("exchanges:page", account.pk)
    context = {"form": form, "offer": offer, "money": offer.paper_money}
    return page(request, "exchanges/paper.html", context)


@sensitive_post_parameters("key", "secret", "password")
@require_http_methods(["GET", "HEAD", "POST"])
def replace_key(request: UserRequest, account_id: UUID) -> HttpResponse:
    account = own_account(request, account_id)
    if Card(account).paper:
        messages.error(request, f"{account.label} has no key to replace.")
        return redirect("exchanges:page", account.pk)
    if not is_confirmed(request):
        return ask_again(request, request.path)
    form = KeyForm(request.POST if request.method == "POST" else None, offer=_reached(account.exchange))
    if form.is_valid():
        try:
            account_replace_key(
                account=account,
                credentials=form.credentials(),
                consent=form.cleaned_data["consent"],
                exchanges=installed(),
                keys=settings.ENCRYPTION_KEYS,
                now=timezone.now(),
            )
        except ServiceRefused as error:
            form.refuse(error)
        else:
            messages.success(request, f"The key of {account.label} was replaced, and the new one works.")
            return redirect("exchanges:page", account.pk)
    return _shown(request, form, account)


def _reached(exchange: str) -> Offer:
    if exchange not in OFFERS or exchange not in installed().venues:
        raise Http404
    return OFFERS[exchange]


def _shown(request: UserRequest, form: KeyForm, account: ExchangeAccount | None = None) -> HttpResponse:
    context = {"form": form, "offer": form.offer, "account": account}
    return page(request, "exchanges/form.html", context)
