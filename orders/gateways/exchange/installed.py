"""Every proven exchange, with an operator's own addresses where those are set."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError

from accounts.models import Environment
from orders.gateways.base import Exchanges, Gateway
from orders.gateways.exchange.adapters import ADAPTERS
from orders.gateways.exchange.clients import ProcessClients
from orders.gateways.exchange.gateway import ExchangeGateway, age_by_database
from orders.gateways.exchange.markets import load_markets
from orders.gateways.exchange.patience import PatientPrices
from orders.gateways.exchange.prices import ExchangePrices
from orders.gateways.exchange.venue import ExchangeVenue
from orders.gateways.paper import PaperGateway


@dataclass(frozen=True, slots=True)
class ExchangeMarkets:
    exchange: str
    clients: ProcessClients

    def load(self, *, now: datetime) -> int:
        try:
            return load_markets(self.clients.master(self.exchange), now=now).written
        except IntegrityError:
            return 0  # Somebody else has written the same rows at this moment.


def real_exchanges() -> Exchanges:
    clients = ProcessClients(overrides=settings.EXCHANGE_OVERRIDES, keys=settings.ENCRYPTION_KEYS)
    prices = {name: PatientPrices(ExchangePrices(name, clients)) for name in ADAPTERS}
    gateways: dict[tuple[str, str], Gateway] = {}
    for name, adapter in ADAPTERS.items():
        gateways[name, Environment.PAPER] = PaperGateway(prices[name])
        real = ExchangeGateway(adapter, clients, age_by_database)
        gateways |= {(name, Environment.SANDBOX): real, (name, Environment.LIVE): real}
    return Exchanges(
        gateways=gateways,
        prices=prices,
        venues={name: ExchangeVenue(name, clients) for name in ADAPTERS},
        markets={name: ExchangeMarkets(name, clients) for name in ADAPTERS},
    )
