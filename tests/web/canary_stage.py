"""The stage that canaries are sought on: a person with a live account, the exchange, and whoever watches."""

import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings as project
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.keys import Credentials
from accounts.models import Environment, ExchangeAccount, User
from bots.engine import claims
from bots.engine.listening import Listener
from bots.engine.turn import run_turn
from bots.models import Bot
from bots.services import bot_create, bot_start
from orders.gateways.base import GatewayError
from orders.gateways.exchange.clients import ProcessClients
from orders.gateways.exchange.prices import ExchangePrices
from orders.gateways.exchange.streams.listening import ExchangeStreams, Timing
from orders.gateways.installed import installed
from orders.models import Order
from tests.engine.exchanges import at_once
from tests.exchange import Exchange
from tests.gateways.exchange.conftest import ONE_BUY
from tests.gateways.exchange.public import NAME
from tests.web.canaries import Watch, forms_of

KEY, SECOND_KEY = "canary-key-7Qx1vNb4Tz", "canary-key-2Lw8pRk6Ys"
SECRET, SECOND_SECRET = "canary/secret+7Qx1 vNb4=", "canary/secret+2Lw8 pRk6="
PASSPHRASE = "canary passphrase+/9Zd"
NEW_SEAL = "bmV3LW9uZS1vbmx5LWZvci10ZXN0cy4uLi4uLi4uLi4="
SIGNATURE = re.compile(r"signature\W{1,6}[0-9a-fA-F]{64}")
TURNS = 6
PAGES = ("/", "/exchanges/", "/activity/", "/orders/", "/orders/trades/", "/bots/kill/")


@dataclass
class Stage:
    """Somebody at the pages, the exchange behind them, and whoever watches."""

    exchange: Exchange
    user: User
    client: Client
    watch: Watch

    def get(self, *addresses: str) -> None:
        for address in addresses:
            answer = self.client.get(address)
            assert answer.status_code in {200, 302}, address
            self.watch.said(answer.content.decode(), answer.headers)

    def post(self, address: str, **fields: str) -> int:
        answer = self.client.post(address, fields)
        self.watch.said(answer.content.decode(), answer.headers)
        return answer.status_code

    def account(self) -> ExchangeAccount:
        return ExchangeAccount.objects.get(user=self.user, exchange=NAME)

    def bot(self, name: str, **changes: Any) -> Bot:
        bot = bot_create(
            user=self.user,
            account=self.account(),
            name=name,
            bot_type="dca",
            ticker="BTC/USDT",
            values=ONE_BUY | changes,
            now=timezone.now(),
        )
        return bot_start(bot=bot, exchanges=installed(), now=timezone.now())

    def turns(self) -> None:
        for _ in range(TURNS):
            claims.release_all_leases()
            Order.objects.filter(look_again_at__isnull=False).update(look_again_at=timezone.now())
            run_turn(claims.due_ids(), exchanges=installed(), now=timezone.now())

    def command(self, *words: str, stdin: str = "") -> None:
        out = io.StringIO()
        typed: dict[str, Any] = {"stdin": io.StringIO(stdin)} if stdin else {}
        call_command(*words, stdout=out, stderr=out, **typed)
        self.watch.said(out.getvalue())

    def asked(self, key: str, secret: str) -> None:
        """A question with such a key, whose failure is told with all that led to it."""
        clients = ProcessClients(overrides=project.EXCHANGE_OVERRIDES, keys=project.ENCRYPTION_KEYS)
        try:
            client = clients.by_key(NAME, Environment.LIVE, Credentials(key, secret))
            client.ask(lambda ccxt: ccxt.fetch_balance())
        except GatewayError as error:
            logging.getLogger("orders").exception("asked")
            self.watch.failed(error)
        else:
            raise AssertionError("it was to fail")


def added(stage: Stage) -> None:
    fields = {"environment": "live", "label": "Main", "key": KEY, "secret": SECRET}
    assert stage.post(f"/exchanges/new/{NAME}/", **fields) == 302
    stage.command("load_markets", "--exchange", NAME)


def clean(stage: Stage) -> None:
    """Nothing that was said or stored holds a secret, in whatever form, or a signature made with one."""
    everything = stage.watch.everything()
    for secret in (KEY, SECOND_KEY, SECRET, SECOND_SECRET, PASSPHRASE):
        for form in forms_of(secret):
            assert form not in everything, around(everything, form)
    found = SIGNATURE.search(everything)
    assert found is None, around(everything, found[0])
    assert "signature=[secret]" in everything, "no request was signed and logged, so nothing was tried"


def around(text: str, part: str) -> str:
    at = text.index(part)
    return f"{part!r} in {text[max(at - 600, 0) : at + 200]}"


def cut(stage: Stage) -> None:
    """Its stream ends at the next event."""
    stage.exchange.faults.add("disconnect", path="balanceUpdate")
    stage.exchange.ledger.deposit(KEY, "USDT", Decimal(1))


@contextmanager
def listening() -> Iterator[Listener]:
    clients = ProcessClients(overrides=project.EXCHANGE_OVERRIDES, keys=project.ENCRYPTION_KEYS)
    prices = {NAME: ExchangePrices(NAME, clients)}
    streams = ExchangeStreams(prices, clients.of, project.EXCHANGE_OVERRIDES, Timing(None, 0.05, 0.1))
    exchanges = replace(installed(), streams=streams)

    def ring(ids: list[UUID]) -> None:
        run_turn(ids, exchanges=exchanges, now=timezone.now())

    listener = Listener(exchanges, ring, lambda *_: None, timezone.now, ask=at_once)
    try:
        yield listener
    finally:
        listener.stop()
