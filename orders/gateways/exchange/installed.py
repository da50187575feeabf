"""Every exchange that prices can be had of, with an operator's own addresses where those are set."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError

from accounts.models import SANDBOX_OF, Environment, place_of
from orders.gateways.base import Exchanges, Gateway
from orders.gateways.exchange.adapters import ADAPTERS, SOURCES
from orders.gateways.exchange.client import Client
from orders.gateways.exchange.clients import ProcessClients
from orders.gateways.exchange.depth import ExchangeDepths
from orders.gateways.exchange.gateway import ExchangeGateway, age_by_database
from orders.gateways.exchange.markets import load_markets
from orders.gateways.exchange.patience import PatientPrices
from orders.gateways.exchange.prices import ExchangePrices
from orders.gateways.exchange.streams.listening import ExchangeStreams
from orders.gateways.exchange.venue import ExchangeVenue
from orders.gateways.paper import PaperGateway


@dataclass(frozen=True, slots=True)
class ExchangeMarkets:
    """The markets of one exchange, or of its sandbox."""

    exchange: str
    environment: str
    clients: ProcessClients

    def load(self, *, now: datetime) -> int:
        try:
            return load_markets(self.clients.anew(self.exchange, self.environment), now=now).written
        except IntegrityError:
            return 0  # Somebody else has written the same rows at this moment.


@dataclass(frozen=True, slots=True)
class Sandboxes:
    """The masters of the sandboxes, by the place that a sandbox is."""

    clients: ProcessClients

    def master(self, exchange: str) -> Client:
        return self.clients.master(exchange.removesuffix(SANDBOX_OF), Environment.SANDBOX)


def real_exchanges() -> Exchanges:
    clients = ProcessClients(overrides=settings.EXCHANGE_OVERRIDES, keys=settings.ENCRYPTION_KEYS)
    sandboxes = Sandboxes(clients)
    asked = {name: ExchangePrices(name, clients) for name in SOURCES}
    markets = {name: ExchangeMarkets(name, Environment.LIVE, clients) for name in SOURCES}
    depths = {name: ExchangeDepths(name, clients) for name in SOURCES}
    gateways: dict[tuple[str, str], Gateway] = {}
    for name, adapter in ADAPTERS.items():
        real = ExchangeGateway(adapter, clients, age_by_database)
        gateways[name, Environment.LIVE] = real
        if adapter.sandbox_hosts:
            place = place_of(name, Environment.SANDBOX)
            asked[place] = ExchangePrices(place, sandboxes)
            markets[place] = ExchangeMarkets(name, Environment.SANDBOX, clients)
            depths[place] = ExchangeDepths(place, sandboxes)
            gateways[place, Environment.SANDBOX] = real
    prices = {place: PatientPrices(plain) for place, plain in asked.items()}
    gateways |= {(name, Environment.PAPER): PaperGateway(prices[name]) for name in SOURCES}
    return Exchanges(
        gateways=gateways,
        prices=prices,
        venues={name: ExchangeVenue(name, clients) for name in ADAPTERS},
        markets=markets,
        streams=ExchangeStreams(asked, clients.of, settings.EXCHANGE_OVERRIDES),
        depths=depths,
    )
