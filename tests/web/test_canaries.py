"""A live account from its key's first word to its bot's last order: no secret is found anywhere after."""

import base64
import io
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from time import monotonic
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings as project
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.keys import Credentials
from accounts.models import Environment, ExchangeAccount, User
from bots.engine import claims
from bots.engine.listening import Listener
from bots.engine.turn import run_turn
from bots.models import Bot
from bots.services import bot_create, bot_start
from orders.gateways.base import Exchanges, GatewayError, Holding, Permissions
from orders.gateways.exchange.clients import ProcessClients
from orders.gateways.exchange.prices import ExchangePrices
from orders.gateways.exchange.streams.listening import ExchangeStreams, Timing
from orders.gateways.installed import installed
from orders.models import Order
from tests.engine.exchanges import at_once
from tests.exchange import Exchange
from tests.gateways.exchange.conftest import NAME, ONE_BUY
from tests.web.canaries import Watch, forms_of, watched
from tests.web.conftest import confirm

KEY, SECOND_KEY = "canary-key-7Qx1vNb4Tz", "canary-key-2Lw8pRk6Ys"
SECRET, SECOND_SECRET = "canary/secret+7Qx1 vNb4=", "canary/secret+2Lw8 pRk6="
PASSPHRASE = "canary passphrase+/9Zd"
NEW_SEAL = "bmV3LW9uZS1vbmx5LWZvci10ZXN0cy4uLi4uLi4uLi4="
SIGNATURE = re.compile(r"signature\W{1,6}[0-9a-fA-F]{64}")
TURNS = 6
WAIT_S, REFUSED_S = 10.0, 0.5
PAGES = ("/", "/exchanges/", "/activity/", "/orders/", "/orders/trades/", "/bots/kill/")


class Broken:
    """Its questions fail in a way that nobody thought of."""

    def permissions(self, credentials: Credentials, environment: str) -> Permissions:
        raise RuntimeError(f"cannot ask with {credentials!r}")

    def holdings(self, account: ExchangeAccount) -> Mapping[str, Holding]:
        raise RuntimeError(f"cannot ask for {account!r}")


def broken() -> Exchanges:
    return Exchanges(venues={NAME: Broken(), "okx": Broken()})


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


@pytest.fixture(scope="module")
def served() -> Iterator[Exchange]:
    with Exchange.running() as exchange:
        yield exchange


@pytest.fixture
def stage(transactional_db: None, served: Exchange, settings: Settings) -> Iterator[Stage]:
    served.reset()
    cache.clear()
    for key, secret in ((KEY, SECRET), (SECOND_KEY, SECOND_SECRET)):
        served.ledger.open_account(key, secret, USDT=100_000, BTC=2)
    settings.EXCHANGES = "orders.gateways.exchange.installed.real_exchanges"
    settings.EXCHANGE_OVERRIDES = {NAME: {**served.overrides(), "enableRateLimit": False, "timeout": 1_000}}
    user = User.objects.create_superuser("alice@example.org", "correct horse")
    client = Client(raise_request_exception=False)
    client.force_login(user)
    confirm(client)
    with watched() as watch:
        yield Stage(served, user, client, watch)


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


def test_trading_leaves_no_secret(stage: Stage) -> None:
    added(stage)
    bot = stage.bot("Buyer")
    stage.turns()
    assert Order.objects.filter(bot=bot, status="filled").exists()
    stage.exchange.ledger.move("BTCUSDT", 60_000)
    stage.turns()
    account = stage.account()
    own = [f"/exchanges/{account.pk}/{name}" for name in ("", "balance/", "key/")]
    stage.get(*PAGES, *own, f"/bots/{bot.pk}/", f"/bots/{bot.pk}/edit/")
    for name in ("test", "compare"):
        stage.post(f"/exchanges/{account.pk}/{name}")
    assert Order.objects.filter(bot=bot, side="sell", status="filled").exists()
    clean(stage)


def test_streams_leave_no_secret(stage: Stage) -> None:
    """A stream of the account's orders that opens, tells of a fill, is cut, opens again, and is refused."""
    added(stage)
    bot = stage.bot("Buyer")
    stage.turns()
    resting = Order.objects.get(bot=bot, status="open")
    hub = stage.exchange.hub
    with listening() as listener:
        until(listener, lambda: any(line.users for line in tuple(hub.lines)))
        stage.exchange.ledger.move("BTCUSDT", 60_000)
        until(listener, lambda: Order.objects.get(pk=resting.pk).status == "filled")
        first = {line for line in tuple(hub.lines) if line.users}
        stage.bot("Second")
        stage.turns()
        cut(stage)
        until(listener, lambda: {line for line in tuple(hub.lines) if line.users} - first)
        stage.exchange.ledger.accounts[KEY].revoked = True
        cut(stage)
        ends = monotonic() + REFUSED_S
        until(listener, lambda: monotonic() > ends)
    clean(stage)


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


def until(listener: Listener, holds: Callable[[], object]) -> None:
    ends = monotonic() + WAIT_S
    while not holds():
        assert monotonic() < ends, "it did not come in time"
        listener.inbox.came.wait(min(listener.beat(), 0.02))


FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("status", {"status": 503, "done": False}),
    ("status", {"status": 504, "done": True}),
    ("drop_request", {}),
    ("drop_answer", {}),
    ("code", {"code": -1022}),
    ("code", {"code": -1000, "message": f"Nobody knows {KEY} with {SECRET}."}),
    ("body", {"text": "<html>busy</html>"}),
)


@pytest.mark.parametrize("path", ["/api/v3/order", "/api/v3/account", "/api/v3/myTrades"])
def test_answers_that_go_astray_leave_no_secret(stage: Stage, path: str) -> None:
    added(stage)
    stage.bot("Buyer")
    for number, (effect, fields) in enumerate(FAULTS):
        stage.exchange.faults.add(effect, path=path, after=number, **fields)
    stage.turns()
    for name in ("test", "compare"):
        stage.post(f"/exchanges/{stage.account().pk}/{name}")
    stage.get("/", "/activity/", "/orders/")
    assert any(fault.struck for fault in stage.exchange.faults.plan), "no answer went astray"
    clean(stage)


def test_keys_that_are_refused_leave_no_secret(stage: Stage) -> None:
    added(stage)
    stage.bot("Buyer")
    stage.exchange.ledger.accounts[KEY].revoked = True
    stage.turns()
    stage.asked(KEY, SECRET)
    stage.asked(SECOND_KEY, f"{SECOND_SECRET}, but wrong")
    account = stage.account()
    stage.get(f"/exchanges/{account.pk}/", f"/exchanges/{account.pk}/balance/", "/activity/")
    stage.post(f"/exchanges/{account.pk}/test")
    fields = {"environment": "live", "label": "Other", "key": KEY, "secret": SECRET}
    assert stage.post(f"/exchanges/new/{NAME}/", **fields) == 200
    clean(stage)


def test_replaced_and_sealed_anew_a_key_leaves_no_secret(stage: Stage, settings: Settings) -> None:
    added(stage)
    account = stage.account()
    assert stage.post(f"/exchanges/{account.pk}/key/", key=SECOND_KEY, secret=SECOND_SECRET) == 302
    settings.ENCRYPTION_KEYS = [NEW_SEAL, *settings.ENCRYPTION_KEYS]
    stage.command("rotate_keys")
    stage.command("exchange_account", "list")
    stage.command("exchange_account", "test", str(account.pk))
    typed = json.dumps({"key": KEY, "secret": SECRET})
    stage.command("exchange_account", "replace-key", str(account.pk), stdin=typed)
    stage.command("check_invariants")
    stage.exchange.ledger.accounts[KEY].rights["enableWithdrawals"] = True
    stage.post(f"/exchanges/{account.pk}/test")
    clean(stage)


def test_operators_see_no_secret(stage: Stage) -> None:
    added(stage)
    stage.turns()
    listed = f"/{project.ADMIN_PATH}accounts/exchangeaccount/"
    stage.get(f"/{project.ADMIN_PATH}", listed, f"{listed}{stage.account().pk}/change/")
    for action in ("test_chosen", "suspend_chosen"):
        stage.post(listed, action=action, _selected_action=str(stage.account().pk))
    clean(stage)


@pytest.mark.parametrize("exchange", [NAME, "okx"])
def test_failures_that_nobody_thought_of_leave_no_secret(
    stage: Stage, settings: Settings, exchange: str
) -> None:
    """The visitor's page, the log, and the report that an operator may have sent to themselves."""
    added(stage)
    settings.EXCHANGES = "tests.web.test_canaries.broken"
    account = stage.account()
    fields = {"environment": "live", "label": "Other", "key": SECOND_KEY, "secret": SECOND_SECRET}
    assert stage.post(f"/exchanges/new/{exchange}/", password=PASSPHRASE, **fields) == 500
    assert stage.post(f"/exchanges/{account.pk}/key/", key=SECOND_KEY, secret=SECOND_SECRET) == 500
    assert stage.client.get(f"/exchanges/{account.pk}/balance/").status_code == 500
    assert len(stage.watch.reports) == 6
    clean(stage)


@pytest.mark.parametrize("secret", [SECRET, "a/b+c d="])
def test_a_secret_is_found_in_each_of_its_forms(secret: str) -> None:
    for form in forms_of(secret):
        assert len(form) > 5
    text = json.dumps({"a": secret}).encode()
    for before in range(3):
        hidden = base64.b64encode(b"x" * before + text).decode()
        assert any(form in hidden for form in forms_of(secret))
