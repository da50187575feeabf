"""The exchanges this installation reaches."""

from dataclasses import replace
from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string

from accounts.models import Environment
from orders.gateways.base import Exchanges
from orders.gateways.listed import EXCHANGE
from orders.gateways.paper import PaperGateway
from orders.gateways.simulated import SimulatedPrices


def installed() -> Exchanges:
    return _reached(settings.EXCHANGES)


@cache
def _reached(real: str) -> Exchanges:
    """`real` names the function that makes the real ones, as a backend of mail is named; or nothing."""
    prices = SimulatedPrices()
    others: Exchanges = import_string(real)() if real else Exchanges()
    return replace(
        others,
        gateways={**others.gateways, (EXCHANGE, Environment.PAPER): PaperGateway(prices)},
        prices={**others.prices, EXCHANGE: prices},
    )


@receiver(setting_changed, dispatch_uid="orders.gateways.installed")
def _set_anew(*, setting: str, **_: Any) -> None:
    """Tests change settings, and then mean other exchanges."""
    if setting in {"EXCHANGES", "EXCHANGE_OVERRIDES"}:
        _reached.cache_clear()
