"""What a key may do, as each exchange tells it: Binance on the test exchange, the others in their words."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache

from accounts.keys import Credentials, seal
from accounts.models import Environment, ExchangeAccount, User
from orders.gateways.base import Holding, KeyRefused, Permissions, RateLimited, Unreachable
from orders.gateways.exchange.adapters import ADAPTERS
from orders.gateways.exchange.clients import ProcessClients
from orders.gateways.exchange.venue import ExchangeVenue
from tests.exchange import Exchange
from tests.gateways.exchange.conftest import KEYS
from tests.gateways.exchange.desk import client
from tests.gateways.exchange.public import NAME, clients_of
from tests.gateways.exchange.wire import Wire

LIVE, SANDBOX = Environment.LIVE, Environment.SANDBOX
RIGHTS = "/sapi/v1/account/apiRestrictions"
SAFE = Permissions(trade=True, withdraw=False, transfer=False, ip_restricted=True)


@pytest.fixture(scope="module")
def served() -> Iterator[Exchange]:
    with Exchange.running() as exchange:
        yield exchange


@pytest.fixture
def clients(served: Exchange) -> ProcessClients:
    return clients_of(served, keys=tuple(KEYS))


@pytest.fixture
def venue(clients: ProcessClients) -> ExchangeVenue:
    return ExchangeVenue(NAME, clients)


@pytest.fixture
def key(served: Exchange) -> Credentials:
    return Credentials(served.alice.key, served.alice.secret)


def account_with(credentials: Credentials, environment: str = LIVE) -> ExchangeAccount:
    """An account with this key; no database knows it."""
    user, number = User(), uuid4()
    sealed = seal(credentials, user_id=user.pk, account_id=number, keys=KEYS)
    return ExchangeAccount(
        pk=number, user=user, exchange=NAME, environment=environment, label="Main", sealed_key=sealed
    )


@pytest.mark.parametrize(
    ("right", "granted", "expected"),
    [
        ("enableReading", True, SAFE),
        ("enableWithdrawals", True, Permissions(True, True, False, True)),
        ("enableInternalTransfer", True, Permissions(True, False, True, True)),
        ("permitsUniversalTransfer", True, Permissions(True, False, True, True)),
        ("enableSpotAndMarginTrading", False, Permissions(False, False, False, True)),
        ("ipRestrict", False, Permissions(True, False, False, False)),
        ("enableFutures", True, SAFE),
    ],
)
def test_binance_tells_each_right(
    venue: ExchangeVenue, served: Exchange, key: Credentials, right: str, granted: bool, expected: Permissions
) -> None:
    served.alice.rights[right] = granted
    assert venue.permissions(key, LIVE) == expected


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        ("enableWithdrawals", Permissions(True, None, False, True)),
        ("enableInternalTransfer", Permissions(True, False, None, True)),
        ("enableSpotAndMarginTrading", Permissions(None, False, False, True)),
    ],
)
def test_a_right_that_is_not_told_is_not_taken_for_one_that_is_off(
    venue: ExchangeVenue, served: Exchange, key: Credentials, right: str, expected: Permissions
) -> None:
    served.faults.add("rewrite", path=RIGHTS, remove=[right])
    assert venue.permissions(key, LIVE) == expected


def test_a_transfer_that_is_told_counts_though_the_other_is_not(
    venue: ExchangeVenue, served: Exchange, key: Credentials
) -> None:
    served.alice.rights["permitsUniversalTransfer"] = True
    served.faults.add("rewrite", path=RIGHTS, remove=["enableInternalTransfer"])
    assert venue.permissions(key, LIVE).transfer is True


@pytest.mark.parametrize("environment", [LIVE, SANDBOX])
def test_a_key_that_is_wrong_or_revoked_is_refused(
    venue: ExchangeVenue, served: Exchange, key: Credentials, environment: str
) -> None:
    strange = Credentials("nobodys-key", "nobodys-secret")
    for ask in (
        lambda: venue.permissions(strange, environment),
        lambda: venue.holdings(account_with(strange, environment)),
    ):
        with pytest.raises(KeyRefused) as refused:
            ask()
        assert "nobodys" not in str(refused.value)
    served.alice.revoked = True
    with pytest.raises(KeyRefused):
        venue.permissions(key, environment)


def test_a_silent_exchange_gives_no_rights_away(
    venue: ExchangeVenue, served: Exchange, key: Credentials
) -> None:
    served.faults.add("status", path=RIGHTS, times=None, status=502, done=False)
    with pytest.raises(Unreachable):
        venue.permissions(key, LIVE)
    served.faults.clear()
    served.faults.add("body", path=RIGHTS, text="{}")
    with pytest.raises(Unreachable):
        venue.permissions(key, LIVE)
    served.faults.add("limited", path=RIGHTS, retry_after=9)
    with pytest.raises(RateLimited) as limited:
        venue.permissions(key, LIVE)
    assert limited.value.wait_s == 9


@pytest.mark.parametrize(("environment", "status"), [(SANDBOX, 404), (SANDBOX, 502), (LIVE, 404)])
def test_where_there_is_no_such_question_it_is_enough_that_the_key_is_one(
    venue: ExchangeVenue, served: Exchange, key: Credentials, environment: str, status: int
) -> None:
    served.faults.add("status", path=RIGHTS, times=None, status=status, done=False)
    assert venue.permissions(key, environment) == Permissions()
    served.alice.revoked = True
    with pytest.raises(KeyRefused):
        venue.permissions(key, environment)


def test_an_operators_own_addresses_may_lack_the_question(served: Exchange, key: Credentials) -> None:
    served.reset()
    cache.clear()
    api = served.overrides()["urls"]["api"]
    only_trading = {"urls": {"api": {name: api[name] for name in ("public", "private")}}}
    clients = ProcessClients(overrides={NAME: only_trading}, keys=KEYS)
    assert ExchangeVenue(NAME, clients).permissions(key, LIVE) == Permissions()


def test_holdings_are_exact_and_without_empty_ones(
    venue: ExchangeVenue, served: Exchange, key: Credentials
) -> None:
    served.ledger.deposit(served.alice.key, "BNB", Decimal("0.12345678"))
    served.alice.lock("USDT", Decimal("250.5"))
    held = venue.holdings(account_with(key))
    assert held["USDT"] == Holding(Decimal(100_000), Decimal("99749.5"))
    assert held["BNB"] == Holding(Decimal("0.12345678"), Decimal("0.12345678"))
    assert "DOGE" not in held
    assert all(holding.total for holding in held.values())


def bybit(**result: Any) -> dict[str, Any]:
    rights = {"Spot": ["SpotTrade"], "Wallet": [], "ContractTrade": []}
    told = {"readOnly": 0, "permissions": rights, "ips": ["203.0.113.7"], "type": 1}
    return {"retCode": 0, "retMsg": "", "result": told | result}


def okx(**account: Any) -> dict[str, Any]:
    told = {"uid": "1", "perm": "read_only,trade", "ip": "203.0.113.7", "acctLv": "1"}
    return {"code": "0", "msg": "", "data": [told | account]}


def kraken(**key: Any) -> dict[str, Any]:
    rights = ["query-funds", "query-open-trades", "query-closed-trades", "modify-trades", "close-trades"]
    told = {"apiKeyName": "bots", "permissions": rights, "ipAllowlist": ["203.0.113.7"]}
    return {"error": [], "result": told | key}


def coinbase(**key: Any) -> dict[str, Any]:
    told = {"can_view": True, "can_trade": True, "can_transfer": False, "portfolio_uuid": "1"}
    return told | key


SPOT = {"Spot": ["SpotTrade"]}
TOLD: list[tuple[str, dict[str, Any], Permissions]] = [
    ("bybit", bybit(), SAFE),
    ("bybit", bybit(ips=["*"]), Permissions(True, False, False, False)),
    ("bybit", bybit(readOnly=1), Permissions(False, False, False, True)),
    ("bybit", bybit(permissions={"Wallet": []}), Permissions(False, False, False, True)),
    ("bybit", bybit(permissions=SPOT | {"Wallet": ["Withdraw"]}), Permissions(True, True, False, True)),
    (
        "bybit",
        bybit(permissions=SPOT | {"Wallet": ["AccountTransfer", "SubMemberTransfer"]}),
        Permissions(True, False, True, True),
    ),
    ("bybit", bybit(permissions=None), Permissions()),
    ("bybit", bybit(permissions=SPOT), Permissions()),
    ("okx", okx(), SAFE),
    ("okx", okx(perm="read_only"), Permissions(False, False, False, True)),
    ("okx", okx(perm="read_only, trade, withdraw"), Permissions(True, True, True, True)),
    ("okx", okx(ip=""), Permissions(True, False, False, False)),
    ("okx", okx(perm=None), Permissions()),
    ("kraken", kraken(), SAFE),
    (
        "kraken",
        kraken(permissions=["query-funds", "query-ledger"]),
        Permissions(False, False, False, True),
    ),
    (
        "kraken",
        kraken(permissions=["modify-trades", "withdraw-funds"]),
        Permissions(True, True, False, True),
    ),
    ("kraken", kraken(ipAllowlist=[]), Permissions(True, False, False, False)),
    ("kraken", kraken(permissions=None), Permissions()),
    ("coinbase", coinbase(), Permissions(True, False, False, None)),
    ("coinbase", coinbase(can_transfer=True), Permissions(True, True, True, None)),
    ("coinbase", coinbase(can_trade=False), Permissions(False, False, False, None)),
    ("coinbase", coinbase(can_transfer=None), Permissions(True, None, None, None)),
]


@pytest.mark.parametrize(("exchange", "told", "expected"), TOLD)
def test_each_exchanges_words_are_understood(
    exchange: str, told: dict[str, Any], expected: Permissions
) -> None:
    wire = Wire((200, told))
    made = client(exchange, wire)
    assert made.ask(ADAPTERS[exchange].permissions) == expected
    assert len(wire.requests) == 1


REFUSALS: list[tuple[str, int, Any]] = [
    ("bybit", 200, {"retCode": 10003, "retMsg": "API key is invalid.", "result": {}}),
    ("bybit", 401, {"retCode": 10010, "retMsg": "Unmatched IP, please check your API key's bound IP."}),
    ("okx", 401, {"code": "50119", "msg": "API key doesn't exist", "data": []}),
    ("kraken", 200, {"error": ["EAPI:Invalid key"]}),
    ("coinbase", 401, {"error": "Unauthorized", "message": "no"}),
]


@pytest.mark.parametrize(("exchange", "status", "body"), REFUSALS)
def test_each_exchanges_refusal_of_a_key_is_one(exchange: str, status: int, body: Any) -> None:
    made = client(exchange, Wire((status, body)))
    with pytest.raises(KeyRefused):
        made.ask(ADAPTERS[exchange].permissions)


@pytest.mark.parametrize("exchange", ["binance", "bybit", "okx", "kraken", "coinbase"])
@pytest.mark.parametrize("answer", [(200, "{}"), (200, "null"), (200, "[]"), (200, "<html>"), (500, "down")])
def test_a_broken_answer_gives_no_rights_away(exchange: str, answer: tuple[int, Any]) -> None:
    made = client(exchange, Wire(answer))
    with pytest.raises(Unreachable):
        made.ask(ADAPTERS[exchange].permissions)
