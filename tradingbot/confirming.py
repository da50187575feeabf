"""Asking a signed-in person for their password once more, before what could cost them their money.

Whatever was typed is not kept meanwhile: a key must not wait in a session.
"""

import time
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect


def is_confirmed(request: HttpRequest) -> bool:
    """Whether they have given their password again within ACCOUNT_REAUTHENTICATION_TIMEOUT."""
    told = [
        row["at"] for row in get_authentication_records(request, request.user) if row.get("reauthenticated")
    ]
    return bool(told) and time.time() - max(told) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def ask_again(request: HttpRequest, then: str) -> HttpResponse:
    """To the page that asks for the password, and from there to `then`."""
    address = f"{reverse('account_reauthenticate')}?{urlencode({'next': then})}"
    htmx = getattr(request, "htmx", False)
    return HttpResponseClientRedirect(address) if htmx else redirect(address)
