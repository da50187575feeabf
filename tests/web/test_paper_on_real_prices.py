"""Paper trading at a real exchange's prices, from adding the account to a fill on the pages.

The exchange is the test exchange, put in place of Binance by an operator's own overrides: all between the
pages and the wire is what is installed.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.cache import cache
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from accounts.models import ExchangeAccount
from accounts.services import account_delete, paper_account_add
from bots.engine.listening import Listener
from bots.models import Bot, BotStatus
from orders.gateways.base import Unreachable
from orders.gateways.installed import installed
from orders.matching import Quote
from orders.models import Market, Order, Trade
from orders.states import OrderStatus
from tests.accounts import desk
from tests.engine.exchanges import at_once
from tests.exchange import Exchange
from tests.web.conftest import Person, turn
from tests.web.test_forms_of_bots import shown

NEW = "/exchanges/new/binance/paper/"
LABEL = "Binance, on paper"
KEY_OF_BTC = "price:binance:BTC-USDT"
PATIENCE_S = 2.0


@pytest.fixture(scope="module")
def served() -> Iterator[Exchange]:
    with Exchange.running() as exchange:
        yield exchange


@pytest.fixture
def binance(served: Exchange, settings: Any) -> Exchange:
    served.reset()
    cache.clear()
    settings.EXCHANGE_OVERRIDES = {
        "binance": {**served.overrides(), "enableRateLimit": False, "timeout": 3_000}
    }
    settings.EXCHANGES = "orders.gateways.exchange.installed.real_exchanges"
    return served


def silent(exchange: Exchange, ending: str = "close") -> None:
    exchange.faults.add("drop_request", times=None, ending=ending)


def on_binance(person: Person, label: str = LABEL) -> ExchangeAccount:
    return paper_account_add(
        user=person.user, exchange="binance", label=label, exchanges=installed(), now=timezone.now()
    )


def form_of(person: Person, bot_type: str = "grid", **query: Any) -> str:
    return person.client.get(reverse("bots:new", args=[bot_type]), query).content.decode()


def made(person: Person, account: ExchangeAccount, **changes: str) -> Bot:
    """A bot as the form makes it; running if it was told to start."""
    fields = shown(form_of(person, account=account.pk)) | changes
    answer = person.client.post(reverse("bots:new", args=["grid"]), fields)
    assert answer.status_code == 302, answer.content.decode()
    return Bot.objects.get(user=person.user, account=account)


def listened() -> list[UUID]:
    """One look of whoever listens to the exchanges; returns the bots that were rung."""
    cache.delete("listens:binance")
    rung: list[UUID] = []
    listener = Listener(installed(), rung.extend, lambda *_: None, timezone.now, ask=at_once)
    listener.beat()
    listener.stop()
    return rung


def aged(seconds: float) -> None:
    """The last price known is so much older."""
    known = cache.get(KEY_OF_BTC)
    cache.set(KEY_OF_BTC, Quote(known.bid, known.ask, known.last, known.at - int(seconds * 1000)))


def pages_of(bot: Bot) -> list[str]:
    parts = [reverse("bots:part", args=[bot.pk, name]) for name in ("card", "head", "figures", "record")]
    own = [reverse(f"bots:{name}", args=[bot.pk]) for name in ("page", "edit", "chart")]
    own.append(reverse("backtests:of_bot", args=[bot.pk]))
    return ["/", "/orders/", "/orders/trades/", "/exchanges/", *own, *parts, f"/exchanges/{bot.account_id}/"]


def test_from_the_account_to_a_fill(alice: Person, binance: Exchange) -> None:
    assert NEW in alice.client.get("/exchanges/new/").content.decode()
    told = alice.client.post(NEW, {"label": LABEL}, follow=True).content.decode()
    assert "was added. Your bots may trade there, on paper." in told
    assert "Paper money, Binance’s prices." in told
    account = ExchangeAccount.objects.get(exchange="binance")
    assert "10,000" in alice.client.get(f"/exchanges/{account.pk}/balance/").content.decode()

    bot = made(alice, account, start="yes", name="At real prices")
    assert (bot.status, bot.exchange, bot.mode) == (BotStatus.ACTIVE, "binance", "paper")
    turn(bot)
    resting = list(Order.objects.filter(bot=bot, status=OrderStatus.OPEN, side="buy").order_by("-price"))
    assert resting, "the grid's buys rest below the price"
    nearest = resting[0]

    assert nearest.price is not None
    binance.ledger.move("BTCUSDT", nearest.price)
    listened()
    nearest.refresh_from_db()
    assert nearest.status == OrderStatus.OPEN, "touched is not gone through"
    binance.ledger.move("BTCUSDT", nearest.price - 1)
    assert bot.pk in listened()
    nearest.refresh_from_db()
    assert nearest.status == OrderStatus.FILLED
    trade = Trade.objects.get(order=nearest)
    turn(bot)

    text = alice.client.get(reverse("bots:page", args=[bot.pk])).content.decode()
    assert f"{trade.price:,.2f}" in text
    assert re.search(r'BTC/USDT of <a [^>]*href="/exchanges/[^"]+/">Binance</a>', text)
    assert "price is " not in text
    assert "At real prices" in alice.client.get("/orders/trades/").content.decode()
    chart = alice.client.get(reverse("bots:chart", args=[bot.pk])).json()
    assert chart["candles"]
    assert chart["orders"]
    assert binance.oracle.creates == [], "nothing was ever sent there"


def test_the_form_offers_the_accounts_markets_for_its_money(alice: Person, binance: Exchange) -> None:
    assert 'name="account"' not in form_of(alice), "there is no choice yet"
    account = on_binance(alice)
    page = form_of(alice)
    assert f"{LABEL} (Binance)" in page
    assert "at the built-in simulated exchange." in page
    assert shown(page)["account"] == str(alice.account.pk)
    page = form_of(alice, account=account.pk)
    assert shown(page)["account"] == str(account.pk)
    assert shown(page)["ticker"] == "BTC/USDT"
    assert "Traded on paper, at Binance." in page
    assert "ETH/USDT" in page
    assert "ETH/BTC" not in page, "the account has no BTC"
    assert "PEPE/USDT" not in page


def test_another_account_is_suggested_for_without_javascript_and_nothing_is_lost(
    alice: Person, binance: Exchange
) -> None:
    account = on_binance(alice)
    fields = shown(form_of(alice)) | {"account": str(account.pk), "lines": "7", "name": "Mine"}
    after = shown(alice.client.post(reverse("bots:suggest", args=["grid"]), fields).content.decode())
    assert (after["account"], after["lines"], after["name"]) == (str(account.pk), "7", "Mine")
    assert 40_000 < float(after["lower_price"]) < 50_000
    page = alice.client.post(reverse("bots:check", args=["grid"]), after).content.decode()
    assert "It may start." in page
    part = alice.client.post(
        reverse("bots:suggest", args=["grid"]), fields, headers={"HX-Request": "true"}
    ).content.decode()
    assert part.lstrip().startswith('<div id="bot-form"')


def test_a_market_of_another_account_is_refused(alice: Person, binance: Exchange) -> None:
    account = on_binance(alice)
    fields = shown(form_of(alice)) | {"account": str(account.pk), "ticker": "PEPE/USDT"}
    page = alice.client.post(reverse("bots:new", args=["grid"]), fields).content.decode()
    assert "Market: PEPE/USDT is not traded at Binance" in page
    assert not Bot.objects.exists()


@pytest.mark.parametrize("name", ["new", "check", "suggest"])
def test_an_account_that_is_not_ones_own_is_refused_at_its_field(
    alice: Person, bob: Person, binance: Exchange, name: str
) -> None:
    anothers = on_binance(alice, "Moonraker")
    hidden = on_binance(bob, "Sunken")
    account_delete(account=hidden, now=timezone.now())
    broken = desk.account(bob.user, label="Real money")
    ExchangeAccount.objects.filter(pk=broken.pk).update(state="broken")
    plain = shown(form_of(bob))
    wanted = [anothers.pk, hidden.pk, broken.pk, uuid4(), "no-id", "0", "' OR 1=1", "\x00", "ä" * 300]
    for account in wanted:
        fields = plain | {"account": str(account), "lines": "7"}
        page = bob.client.post(reverse(f"bots:{name}", args=["grid"]), fields).content.decode()
        assert "Account: that is none of yours to make a bot on; choose another." in page, account
        assert "Moonraker" not in page
        assert "Sunken" not in page
        assert 'name="lines" value="7"' in page
        assert "<form" in form_of(bob, account=str(account))
    assert not Bot.objects.exists()


def test_an_exchange_that_cannot_be_reached_is_not_added(alice: Person, binance: Exchange) -> None:
    silent(binance)
    page = alice.client.post(NEW, {"label": LABEL}).content.decode()
    assert "Binance could not be reached, so nothing was saved. Try again in a minute." in page
    assert LABEL in page
    assert not ExchangeAccount.objects.filter(exchange="binance").exists()
    assert not Market.objects.filter(exchange="binance").exists()


def test_pages_of_an_exchange_that_is_silent_show_an_old_price_as_old(
    alice: Person, binance: Exchange
) -> None:
    bot = made(alice, on_binance(alice), start="yes")
    turn(bot)
    silent(binance)
    aged(42)
    for page in pages_of(bot):
        assert alice.client.get(page).status_code == 200, page
    for name in ("page", "edit"):
        text = alice.client.get(reverse(f"bots:{name}", args=[bot.pk])).content.decode()
        assert re.search(r"price is (4[2-9]|5\d) s old", text), name
    aged(560)
    assert "price is 10 min old" in alice.client.get("/").content.decode()
    assert alice.client.get(reverse("bots:chart", args=[bot.pk])).json()["orders"]


def test_no_page_waits_long_for_an_exchange_that_hangs(alice: Person, binance: Exchange) -> None:
    bot = made(alice, on_binance(alice))
    cache.clear()
    silent(binance, "hang")
    for page in [*pages_of(bot), reverse("bots:new", args=["grid"])]:
        began = monotonic()
        assert alice.client.get(page).status_code == 200, page
        assert monotonic() - began < PATIENCE_S + 0.5, page
    page_text = alice.client.get(reverse("bots:page", args=[bot.pk])).content.decode()
    assert "no price yet" in page_text
    edit = alice.client.get(reverse("bots:edit", args=[bot.pk])).content.decode()
    assert "has no price yet: Binance has not answered" in edit
    start = alice.client.post(reverse("bots:start", args=[bot.pk]), follow=True).content.decode()
    assert "BTC/USDT has no price on binance right now; try again." in start
    fields = shown(edit)
    assert "no price" in alice.client.post(reverse("bots:check_edit", args=[bot.pk]), fields).content.decode()
    assert alice.client.post(reverse("bots:edit", args=[bot.pk]), fields).status_code == 302
    assert alice.client.post(reverse("bots:delete", args=[bot.pk])).status_code == 302
    binance.faults.clear()


def test_an_exchange_that_is_installed_no_more_breaks_no_page(
    alice: Person, binance: Exchange, settings: Any
) -> None:
    bot = made(alice, on_binance(alice))
    settings.EXCHANGES = ""
    for page in pages_of(bot):
        assert alice.client.get(page).status_code == 200, page
    assert 'name="account"' not in form_of(alice)


def test_a_preview_without_candles_says_how_to_get_some(alice: Person, binance: Exchange) -> None:
    fields = shown(form_of(alice, account=on_binance(alice).pk))
    page = alice.client.post(reverse("bots:preview", args=["grid"]), fields).content.decode()
    assert "manage.py download_candles --exchange binance --ticker BTC/USDT" in page


def test_a_bot_whose_candles_do_not_come_only_waits(alice: Person, binance: Exchange) -> None:
    fields = shown(form_of(alice, "momentum", account=on_binance(alice).pk)) | {"start": "yes"}
    assert alice.client.post(reverse("bots:new", args=["momentum"]), fields).status_code == 302
    bot = Bot.objects.get()
    turn(bot)
    binance.faults.add("drop_request", path="/api/v3/klines", times=None)
    due = timezone.now() - timedelta(minutes=1)
    Bot.objects.filter(pk=bot.pk).update(candle_due_at=due, events=F("events") + 1)
    turn(bot)
    bot.refresh_from_db()
    assert (bot.status, bot.failures, bot.candle_due_at) == (BotStatus.ACTIVE, 0, due)
    assert bot.pk in listened(), "each price rings it again"


def test_a_paper_order_is_not_ended_while_there_is_no_price_at_all(alice: Person, binance: Exchange) -> None:
    bot = made(alice, on_binance(alice), start="yes")
    turn(bot)
    order = Order.objects.filter(bot=bot, status=OrderStatus.OPEN).select_related("market").first()
    assert order is not None
    cache.clear()
    silent(binance)
    gateway = installed().gateway("binance", "paper")
    for ask in (gateway.create, gateway.cancel):
        with pytest.raises(Unreachable, match="BTC/USDT has no price on binance right now"):
            ask(order)
