"""A person with a live account on the test exchange, bots on it, and the engine that runs them.

Nothing stands in between: the gateway, ccxt and the wire are those of a real exchange.
"""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.cache import cache
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.keys import Credentials, seal
from accounts.models import Environment, ExchangeAccount, User
from bots.engine import claims
from bots.engine.turn import run_turn
from bots.models import Bot
from bots.queries import taken_in_order
from bots.services import bot_create, bot_start
from orders.gateways.base import Exchanges
from orders.gateways.exchange.adapters import ADAPTERS
from orders.gateways.exchange.clients import ProcessClients
from orders.gateways.exchange.gateway import ExchangeGateway, age_by_database
from orders.gateways.exchange.installed import ExchangeMarkets
from orders.gateways.exchange.markets import load_markets
from orders.gateways.exchange.prices import ExchangePrices
from orders.gateways.exchange.venue import ExchangeVenue
from orders.models import Order, Trade
from tests.exchange import Exchange
from tests.gateways.exchange.ears import LONG, Room, streaming
from tests.gateways.exchange.public import NAME, clients_of, options_of

KEYS = [base64.urlsafe_b64encode(b"only-for-tests".ljust(32, b".")).decode()]
ONE_BUY: dict[str, Any] = {
    "investment": "1000",
    "base_order_volume": "100",
    "max_safety_orders": 0,
    "take_profit_pct": "10",
    "cooldown_s": 0,
    "max_deals": 1,
    "max_slippage_pct": "0",
}


def live_account(
    user: User,
    credentials: Credentials,
    *,
    label: str = "Binance",
    number: UUID | None = None,
    keys: Sequence[str] = KEYS,
) -> ExchangeAccount:
    """An account on the test exchange, sealed with the first of `keys`; `number` is its id."""
    number = number or uuid4()
    return ExchangeAccount.objects.create(
        pk=number,
        user=user,
        exchange=NAME,
        label=label,
        environment=Environment.LIVE,
        sealed_key=seal(credentials, user_id=user.pk, account_id=number, keys=keys),
        key_hint=credentials.key[-4:],
    )


@dataclass
class Floor:
    """One person's live bots on the exchange. Time passes as a test says: by making orders older."""

    user: User
    account: ExchangeAccount
    exchange: Exchange
    clients: ProcessClients

    @property
    def now(self) -> datetime:
        return timezone.now()

    @property
    def exchanges(self) -> Exchanges:
        gateway = ExchangeGateway(ADAPTERS[NAME], self.clients, age_by_database)
        prices = ExchangePrices(NAME, self.clients)
        return Exchanges(
            gateways={(NAME, Environment.LIVE): gateway},
            prices={NAME: prices},
            venues={NAME: ExchangeVenue(NAME, self.clients)},
            markets={NAME: ExchangeMarkets(NAME, Environment.LIVE, self.clients)},
        )

    def bot(self, name: str = "Buyer", *, ticker: str = "BTC/USDT", **changes: Any) -> Bot:
        bot = bot_create(
            user=self.user,
            account=self.account,
            name=name,
            bot_type="dca",
            ticker=ticker,
            values=ONE_BUY | changes,
            now=self.now,
        )
        return bot_start(bot=bot, exchanges=self.exchanges, now=self.now)

    def turn(self, *bots: Bot) -> None:
        run_turn([bot.pk for bot in bots], exchanges=self.exchanges, now=self.now)

    def ring(self, *bots: Bot) -> None:
        """There is something for them to look at, as the listener says it."""
        with transaction.atomic():
            mine = taken_in_order(Bot.objects.filter(pk__in=[bot.pk for bot in bots]))
            Bot.objects.filter(pk__in=mine).update(events=F("events") + 1)

    def later(self, seconds: float) -> None:
        """So much time passes, for the orders too, and whoever is due has a turn."""
        aged = timedelta(seconds=seconds)
        for name in ("claimed_at", "look_again_at"):
            for order in Order.objects.filter(**{f"{name}__isnull": False}):
                Order.objects.filter(pk=order.pk).update(**{name: getattr(order, name) - aged})
        claims.release_all_leases()
        run_turn(claims.due_ids(), exchanges=self.exchanges, now=self.now)

    def orders(self, bot: Bot) -> list[Order]:
        return list(Order.objects.filter(bot=bot).order_by("decision_number", "slot"))

    def trades(self, bot: Bot) -> list[Trade]:
        return list(Trade.objects.filter(bot=bot).order_by("number"))


@pytest.fixture(scope="module")
def served() -> Iterator[Exchange]:
    with Exchange.running() as exchange:
        yield exchange


@pytest.fixture
def clients(served: Exchange) -> ProcessClients:
    return clients_of(served)


@pytest.fixture
def room(served: Exchange, clients: ProcessClients) -> Iterator[Room]:
    """Whoever listens to the exchange's prices."""
    with streaming(served, clients, LONG) as room:
        yield room


@pytest.fixture
def floor(transactional_db: None, served: Exchange) -> Floor:
    served.reset()
    cache.clear()
    user = User.objects.create_user("alice@example.com")
    account = live_account(user, Credentials(served.alice.key, served.alice.secret))
    clients = ProcessClients(overrides={NAME: options_of(served)}, keys=KEYS)
    load_markets(clients.master(NAME), now=timezone.now())
    return Floor(user, account, served, clients)
