"""Every proven exchange, with an operator's own addresses where those are set."""

from django.conf import settings

from accounts.models import Environment
from orders.gateways.base import Exchanges, Gateway
from orders.gateways.exchange.adapters import ADAPTERS
from orders.gateways.exchange.clients import ProcessClients
from orders.gateways.exchange.gateway import ExchangeGateway
from orders.gateways.exchange.prices import ExchangePrices
from orders.gateways.exchange.venue import ExchangeVenue
from orders.gateways.paper import PaperGateway


def real_exchanges() -> Exchanges:
    clients = ProcessClients(overrides=settings.EXCHANGE_OVERRIDES, keys=settings.ENCRYPTION_KEYS)
    prices = {name: ExchangePrices(name, clients) for name in ADAPTERS}
    gateways: dict[tuple[str, str], Gateway] = {}
    for name, adapter in ADAPTERS.items():
        gateways[name, Environment.PAPER] = PaperGateway(prices[name])
        real = ExchangeGateway(adapter, clients)
        gateways |= {(name, Environment.SANDBOX): real, (name, Environment.LIVE): real}
    return Exchanges(
        gateways=gateways,
        prices=prices,
        venues={name: ExchangeVenue(name, clients) for name in ADAPTERS},
    )
