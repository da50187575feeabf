"""One's exchange accounts: the list, one's page, and what it holds."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.models import ExchangeAccount
from accounts.queries import accounts_of, bots_on
from accounts.services import account_balance, holders_of, sure_shortages_of
from accounts.views.card import Card, cards_of
from accounts.views.people import UserRequest, own_account, page, part
from bots.models import Bot, Shortage
from bots.services import ServiceRefused
from orders.gateways.installed import installed
from orders.queries import last_recovery


@dataclass(frozen=True, slots=True)
class Missing:
    """A shortage, and the bots that should hold what is missing."""

    shortage: Shortage
    holders: list[Bot]


@require_safe
def account_list(request: UserRequest) -> HttpResponse:
    accounts = accounts_of(request.user).order_by("created_at", "pk")
    return page(request, "exchanges/list.html", {"cards": cards_of(accounts)})


@require_safe
def account_page(request: UserRequest, account_id: UUID) -> HttpResponse:
    account = own_account(request, account_id)
    context = {
        "account": account,
        "card": Card(account),
        "bots": bots_on(account).only("name", "id"),
        "recovery": last_recovery(account),
        "shortages": [Missing(one, list(holders_of(one))) for one in sure_shortages_of(account)],
    }
    return page(request, "exchanges/page.html", context)


@require_safe
def balance(request: UserRequest, account_id: UUID) -> HttpResponse:
    """The table alone for HTMX, which the account's page asks for: an exchange may take its time."""
    account = own_account(request, account_id)
    context = {"account": account, "card": Card(account), **_balance(account)}
    if request.htmx:
        return HttpResponse(part(request, "exchanges/_balance.html", context))
    return page(request, "exchanges/balance.html", context)


def _balance(account: ExchangeAccount) -> dict[str, object]:
    try:
        rows = account_balance(account=account, exchanges=installed(), keys=settings.ENCRYPTION_KEYS)
    except ServiceRefused as error:
        return {"rows": [], "problem": str(error)}
    return {"rows": rows, "short": [row for row in rows if row.short]}
