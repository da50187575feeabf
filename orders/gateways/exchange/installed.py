"""Every proven exchange, with an operator's own addresses where those are set."""

from django.conf import settings

from accounts.models import Environment
from orders.gateways.base import Exchanges
from orders.gateways.exchange.adapters import ADAPTERS
from orders.gateways.exchange.clients import ProcessClients
from orders.gateways.exchange.gateway import ExchangeGateway
from orders.gateways.exchange.prices import ExchangePrices
from orders.gateways.exchange.venue import ExchangeVenue


def real_exchanges() -> Exchanges:
    clients = ProcessClients(overrides=settings.EXCHANGE_OVERRIDES, keys=settings.ENCRYPTION_KEYS)
    orders = {name: ExchangeGateway(adapter, clients) for name, adapter in ADAPTERS.items()}
    return Exchanges(
        gateways={
            (name, environment): gateway
            for name, gateway in orders.items()
            for environment in (Environment.SANDBOX, Environment.LIVE)
        },
        prices={name: ExchangePrices(name, clients) for name in ADAPTERS},
        venues={name: ExchangeVenue(name, clients) for name in ADAPTERS},
    )
