"""A live account from its key's first word to its bot's last order: no secret is found anywhere after."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.conf import settings as project
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from accounts.keys import Credentials
from accounts.models import ExchangeAccount, User
from orders.gateways.base import Exchanges, Holding, Permissions
from orders.models import Order
from tests.exchange import Exchange
from tests.exchange.routes import SUBSCRIBE
from tests.gateways.exchange.public import NAME
from tests.waiting import listened
from tests.web.canaries import forms_of, watched
from tests.web.canary_stage import (
    KEY,
    NEW_SEAL,
    PAGES,
    PASSPHRASE,
    SECOND_KEY,
    SECOND_SECRET,
    SECRET,
    Stage,
    added,
    clean,
    cut,
    listening,
)
from tests.web.conftest import confirm


class Broken:
    """Its questions fail in a way that nobody thought of."""

    def permissions(self, credentials: Credentials, environment: str) -> Permissions:
        raise RuntimeError(f"cannot ask with {credentials!r}")

    def holdings(self, account: ExchangeAccount) -> Mapping[str, Holding]:
        raise RuntimeError(f"cannot ask for {account!r}")


def broken() -> Exchanges:
    return Exchanges(venues={NAME: Broken(), "okx": Broken()})


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
        listened(listener, lambda: any(line.users for line in tuple(hub.lines)))
        stage.exchange.ledger.move("BTCUSDT", 60_000)
        listened(listener, lambda: Order.objects.get(pk=resting.pk).status == "filled")
        first = {line for line in tuple(hub.lines) if line.users}
        stage.bot("Second")
        stage.turns()
        cut(stage)
        listened(listener, lambda: {line for line in tuple(hub.lines) if line.users} - first)
        refusal = stage.exchange.faults.add("code", method="WS", path=SUBSCRIBE, times=None, **REFUSED)
        cut(stage)
        # By then it has dealt with the first.
        listened(listener, lambda: refusal.struck > 1)
    clean(stage)


REFUSED: dict[str, Any] = {"code": -2015, "message": f"Nobody knows {KEY} with {SECRET}."}
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
