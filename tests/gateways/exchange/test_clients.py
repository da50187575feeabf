"""The clients of a process: one load of markets for all, one client a key, and a breaker all of them obey."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache

from accounts.keys import Credentials, seal
from accounts.models import Environment, ExchangeAccount
from orders.gateways.base import KeyRefused, RateLimited, Unreachable
from orders.gateways.exchange.adapters import ADAPTERS
from orders.gateways.exchange.breaker import SharedBreaker
from orders.gateways.exchange.clients import MARKETS_FRESH_S, ProcessClients
from tests.exchange import Exchange
from tests.gateways.exchange.conftest import KEYS
from tests.gateways.exchange.desk import client
from tests.gateways.exchange.public import NAME, clients_of, options_of
from tests.gateways.exchange.wire import Wire

INFO, BALANCE = "/api/v3/exchangeInfo", "/api/v3/account"
NOW_S = 1_700_000_000.0


@pytest.fixture(scope="module")
def served() -> Iterator[Exchange]:
    with Exchange.running() as exchange:
        yield exchange


@pytest.fixture
def clients(served: Exchange) -> ProcessClients:
    return clients_of(served, tuple(KEYS))


def account_of(key: str, secret: str, exchange: str = NAME) -> ExchangeAccount:
    """One that is in no database: a key sealed for its owner."""
    account = ExchangeAccount(
        pk=uuid4(), user_id=uuid4(), exchange=exchange, label="Mine", environment=Environment.LIVE
    )
    account.sealed_key = sealed(account, key, secret)
    return account


def sealed(account: ExchangeAccount, key: str, secret: str) -> str:
    return seal(Credentials(key, secret), user_id=account.user_id, account_id=account.pk, keys=KEYS)


def alices(served: Exchange) -> ExchangeAccount:
    return account_of(served.alice.key, served.alice.secret)


def balance(clients: ProcessClients, account: ExchangeAccount) -> Any:
    return clients.of(account).ask(lambda ccxt: ccxt.fetch_balance())["total"]["USDT"]


def test_markets_are_loaded_once_for_all_accounts(clients: ProcessClients, served: Exchange) -> None:
    served.ledger.open_account("bob-key", "bob-secret", USDT=7)
    both = [alices(served), account_of("bob-key", "bob-secret")]
    assert [float(balance(clients, account)) for account in both] == [100_000, 7]
    assert len(served.oracle.asked("GET", INFO)) == 1
    shared = [clients.of(account).ccxt.markets for account in both]
    assert shared[0] is shared[1] is clients.master(NAME).ccxt.markets


def test_an_account_keeps_its_client(clients: ProcessClients, served: Exchange) -> None:
    account = alices(served)
    assert clients.of(account) is clients.of(account)
    assert len(served.oracle.asked("GET", "/api/v3/time")) == 2, "the master's clock, and the account's"


def test_the_master_has_no_key(clients: ProcessClients, served: Exchange) -> None:
    clients.of(alices(served))
    assert not clients.master(NAME).ccxt.apiKey
    assert all(not seen.key for seen in served.oracle.asked("GET", INFO))


def test_a_replaced_key_makes_another_client(clients: ProcessClients, served: Exchange) -> None:
    account = alices(served)
    old = clients.of(account)
    served.alice.revoked = True
    served.ledger.open_account("alice-new", "new-secret", USDT=5)
    with pytest.raises(KeyRefused):
        balance(clients, account)
    account.sealed_key = sealed(account, "alice-new", "new-secret")
    assert clients.of(account) is not old
    assert float(balance(clients, account)) == 5


def test_a_key_sealed_for_another_account_is_refused(clients: ProcessClients, served: Exchange) -> None:
    """Whoever can write the database cannot trade with another's key."""
    account, thief = alices(served), account_of("thief-key", "thief-secret")
    clients.of(account)
    thief.sealed_key = account.sealed_key
    with pytest.raises(KeyRefused, match="sealed for another account"):
        clients.of(thief)
    same_owner = account_of("other-key", "other-secret")
    same_owner.user_id, same_owner.sealed_key = account.user_id, account.sealed_key
    with pytest.raises(KeyRefused, match="sealed for another account"):
        clients.of(same_owner)


@pytest.mark.parametrize("text", ["", "not-sealed-at-all"])
def test_what_is_no_sealed_key_is_refused(clients: ProcessClients, served: Exchange, text: str) -> None:
    account = alices(served)
    account.sealed_key = text
    with pytest.raises(KeyRefused):
        clients.of(account)
    assert served.oracle.asked("GET", BALANCE) == []


def test_a_key_that_no_longer_opens_is_refused(served: Exchange) -> None:
    account = alices(served)
    with pytest.raises(KeyRefused, match="ENCRYPTION_KEYS"):
        clients_of(served, ("b25seS1mb3ItdGVzdHMtYW5vdGhlci1vbmUuLi4uLi4=",)).of(account)


@pytest.mark.parametrize("exchange", ADAPTERS)
def test_no_option_makes_ccxt_ask_twice(exchange: str) -> None:
    wire = Wire((500, "down"))
    asked = client(exchange, wire, options={"maxRetriesOnFailure": 3}, maxRetriesOnFailure=3)
    with pytest.raises(Unreachable):
        asked.ask(lambda ccxt: ccxt.fetch_balance())
    assert len(wire.requests) == 1


def test_a_shared_breaker_holds_for_all_of_its_name() -> None:
    cache.clear()
    SharedBreaker("binance:live:all").trip(30, NOW_S)
    again = SharedBreaker("binance:live:all")
    assert (again.wait_s(NOW_S), again.wait_s(NOW_S + 10), again.wait_s(NOW_S + 31)) == (30, 20, 0)
    assert SharedBreaker("binance:sandbox:all").wait_s(NOW_S) == 0
    again.trip(5, NOW_S)
    assert again.wait_s(NOW_S) == 30, "a shorter wait does not end a longer one"
    again.trip(60, NOW_S)
    assert SharedBreaker("binance:live:all").wait_s(NOW_S) == 60


def test_a_ban_of_the_address_stops_every_account_and_process(
    clients: ProcessClients, served: Exchange
) -> None:
    """Binance counts by address: what one is told, all obey."""
    served.ledger.open_account("bob-key", "bob-secret", USDT=7)
    alice, bob = alices(served), account_of("bob-key", "bob-secret")
    elsewhere = ProcessClients(overrides={NAME: options_of(served)}, keys=KEYS)
    for known in (clients, elsewhere):
        balance(known, alice)
        balance(known, bob)
    served.faults.add("limited", path=BALANCE, status=418, retry_after=120)
    with pytest.raises(RateLimited):
        balance(clients, alice)
    before = len(served.oracle.requests)
    for known, account in ((clients, alice), (clients, bob), (elsewhere, alice), (elsewhere, bob)):
        with pytest.raises(RateLimited) as limited:
            balance(known, account)
        assert 110 < limited.value.wait_s <= 120
    assert len(served.oracle.requests) == before, "nothing was sent"


BYBIT_MARKET = {
    "symbol": "BTCUSDT",
    "baseCoin": "BTC",
    "quoteCoin": "USDT",
    "status": "Trading",
    "lotSizeFilter": {"basePrecision": "0.000001", "minOrderQty": "0.00001", "minOrderAmt": "5"},
    "priceFilter": {"tickSize": "0.01"},
}


def on_bybit(wire: Wire) -> ProcessClients:
    options = {"enableRateLimit": False, "session": wire.session()}
    return ProcessClients(overrides={"bybit": options}, keys=KEYS)


def test_a_ban_of_one_account_stops_no_other_where_accounts_are_counted() -> None:
    cache.clear()
    told = {"list": [BYBIT_MARKET]}
    sound = (200, {"retCode": 0, "retMsg": "OK", "result": told, "time": int(time.time() * 1000)})
    wire = Wire(sound)
    clients, elsewhere = on_bybit(wire), on_bybit(wire)
    alice, bob = (account_of(f"{who}-key", "secret", exchange="bybit") for who in ("alice", "bob"))
    for known in (clients, elsewhere):
        for account in (alice, bob):
            known.of(account)
    wire.answers.clear()
    wire.answers.append((200, {"retCode": 10006, "retMsg": "Too many visits.", "result": {}}))
    with pytest.raises(RateLimited):
        clients.of(alice).ask(lambda ccxt: ccxt.privateGetV5UserQueryApi())
    wire.answers.clear()
    wire.answers.append(sound)
    for known in (clients, elsewhere):
        assert known.of(alice).breaker.wait_s(time.time()) > 50, "another process knows it, too"
        assert known.of(bob).breaker.wait_s(time.time()) == 0
        known.of(bob).ask(lambda ccxt: ccxt.privateGetV5UserQueryApi())


def test_threads_that_ask_at_once_share_an_accounts_client(clients: ProcessClients, served: Exchange) -> None:
    """One after the other: an exchange that counts requests would else see them out of order."""
    account = alices(served)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: clients.of(account), range(8)))
    assert len({id(one) for one in found}) == 1


def test_of_many_accounts_those_used_last_keep_their_client(served: Exchange) -> None:
    clients = clients_of(served, tuple(KEYS), accounts_max=2)
    first, second, third = (alices(served) for _ in range(3))
    kept = clients.of(first)
    clients.of(second)
    assert clients.of(first) is kept
    clients.of(third)
    assert clients.of(first) is kept, "the second was used longest ago"


def test_an_old_list_of_markets_is_better_than_an_empty_one(served: Exchange) -> None:
    now_s = [0.0]
    clients = ProcessClients(overrides={NAME: options_of(served)}, keys=KEYS, clock=lambda: now_s[0])
    known = clients.master(NAME)
    served.faults.add("rewrite", path="/api/v3/exchangeInfo", times=None, fields={"symbols": []})
    now_s[0] = 2 * MARKETS_FRESH_S
    assert clients.master(NAME) is known
    with pytest.raises(Unreachable, match="binance lists no market"):
        clients.anew(NAME)
    assert "BTC/USDT" in clients.master(NAME).ccxt.markets
    served.faults.clear()
    assert clients.anew(NAME) is clients.master(NAME) is not known
