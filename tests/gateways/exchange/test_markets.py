"""An exchange's markets as rows, on the test exchange: exact rules, new versions, and what is gone."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from orders.gateways.base import Unreachable
from orders.gateways.exchange.clients import ProcessClients
from orders.gateways.exchange.markets import Loaded, load_markets
from orders.models import Market
from orders.queries import markets_of
from orders.rules import FeeIn
from tests.exchange import Exchange
from tests.gateways.exchange.public import NAME, clients_of, options_of

pytestmark = pytest.mark.django_db

D = Decimal
NOW = datetime(2026, 1, 1, tzinfo=UTC)
INFO = "/api/v3/exchangeInfo"
ALL = ("BNB/USDT", "BTC/USDT", "ETH/BTC", "ETH/USDT", "SOL/USDT")


@pytest.fixture(scope="module")
def served() -> Iterator[Exchange]:
    with Exchange.running() as exchange:
        yield exchange


@pytest.fixture
def clients(served: Exchange) -> ProcessClients:
    return clients_of(served)


def load(clients: ProcessClients) -> Loaded:
    return load_markets(clients.anew(NAME), now=NOW)


def versions(ticker: str) -> list[tuple[int, bool]]:
    rows = Market.objects.filter(exchange=NAME, ticker=ticker).order_by("version")
    return [(row.version, row.active) for row in rows]


def test_the_first_load_brings_every_spot_market_with_exact_rules(clients: ProcessClients) -> None:
    assert load(clients) == Loaded(new=ALL, changed=(), back=(), gone=(), active=5)
    market = Market.objects.get(exchange=NAME, ticker="BTC/USDT")
    rules = market.rules()
    assert (rules.tick, rules.lot) == (D("0.01"), D("0.00001"))
    assert (rules.min_amount, rules.min_cost) == (D("0.00001"), D(5))
    assert (rules.maker_fee, rules.taker_fee, rules.fee_in) == (D("0.001"), D("0.001"), FeeIn.RECEIVED)
    assert (market.version, market.active, market.loaded_at) == (1, True, NOW)
    assert Market.objects.get(exchange=NAME, ticker="ETH/BTC").tick == D("0.00001")


def test_a_market_tells_whether_it_takes_stops_and_what_it_tells_is_one_of_its_rules(
    clients: ProcessClients, served: Exchange
) -> None:
    load(clients)
    rests = Market.objects.filter(exchange=NAME, rests_stops=True).order_by("ticker")
    assert [market.ticker for market in rests] == [name for name in ALL if name != "ETH/BTC"]
    served.ledger.change_symbol("BTCUSDT", takes_stops=False)
    assert load(clients).changed == ("BTC/USDT",)
    assert not Market.objects.get(exchange=NAME, ticker="BTC/USDT", version=2).rules().rests_stops


def test_a_second_load_writes_nothing(clients: ProcessClients) -> None:
    load(clients)
    assert load(clients) == Loaded(new=(), changed=(), back=(), gone=(), active=5)
    assert Market.objects.filter(exchange=NAME).count() == 5


def test_changed_rules_are_a_new_version_and_the_old_one_stays(
    clients: ProcessClients, served: Exchange
) -> None:
    load(clients)
    served.ledger.change_symbol("BTCUSDT", tick=D("0.1"), min_notional=D(10))
    assert load(clients).changed == ("BTC/USDT",)
    old, new = Market.objects.filter(exchange=NAME, ticker="BTC/USDT").order_by("version")
    assert (old.tick, old.min_cost) == (D("0.01"), D(5))
    assert (new.version, new.tick, new.min_cost) == (2, D("0.1"), D(10))
    assert {market.ticker: market.version for market in markets_of(NAME)}["BTC/USDT"] == 2
    assert load(clients).written == 0


def test_a_halted_market_is_inactive_until_it_is_back(clients: ProcessClients, served: Exchange) -> None:
    load(clients)
    served.ledger.change_symbol("SOLUSDT", status="BREAK")
    halted = load(clients)
    assert (halted.gone, halted.active) == (("SOL/USDT",), 4)
    assert versions("SOL/USDT") == [(1, False)]
    assert "SOL/USDT" not in {market.ticker for market in markets_of(NAME)}
    served.ledger.change_symbol("SOLUSDT", status="TRADING")
    assert load(clients).back == ("SOL/USDT",)
    assert versions("SOL/USDT") == [(1, True)]


def test_a_market_that_is_halted_while_its_rules_change_is_not_open(
    clients: ProcessClients, served: Exchange
) -> None:
    load(clients)
    served.ledger.change_symbol("SOLUSDT", status="BREAK", tick=D("0.1"))
    load(clients)
    assert versions("SOL/USDT") == [(1, False), (2, False)]
    served.ledger.change_symbol("SOLUSDT", status="TRADING")
    assert load(clients).back == ("SOL/USDT",)
    assert versions("SOL/USDT")[-1] == (2, True)


def test_a_market_that_is_listed_no_more_is_inactive_and_its_rows_stay(
    clients: ProcessClients, served: Exchange
) -> None:
    load(clients)
    Market.objects.create(exchange=NAME, ticker="OLD/USDT", tick=D(1), lot=D(1), loaded_at=NOW)
    Market.objects.create(exchange="okx", ticker="OLD/USDT", tick=D(1), lot=D(1), loaded_at=NOW)
    assert load(clients).gone == ("OLD/USDT",)
    assert versions("OLD/USDT") == [(1, False)]
    assert Market.objects.get(exchange="okx").active, "another exchange's markets are its own"


def test_an_answer_without_markets_closes_none(clients: ProcessClients, served: Exchange) -> None:
    load(clients)
    served.faults.add("rewrite", path=INFO, fields={"symbols": []})
    with pytest.raises(Unreachable):
        load(clients)
    assert Market.objects.filter(exchange=NAME, active=True).count() == 5


@pytest.mark.parametrize("tick", ["0.00000000", "-0.01", "NaN", "1e30"])
def test_a_market_told_wrong_does_not_hide_the_others(
    clients: ProcessClients, served: Exchange, tick: str
) -> None:
    """Binance writes 0 where a filter is off. Without a tick nothing can be rounded."""
    master = clients.master(NAME)
    master.ccxt.markets = told(master.ccxt.markets, tick)
    assert load_markets(master, now=NOW).new == tuple(name for name in ALL if name != "ETH/BTC")


def told(markets: dict[str, Any], tick: str) -> dict[str, Any]:
    wrong = markets["ETH/BTC"]
    return markets | {"ETH/BTC": {**wrong, "precision": {**wrong["precision"], "price": tick}}}


@pytest.mark.parametrize("told_as_spot", [False, True])
def test_contracts_are_no_spot_markets(clients: ProcessClients, told_as_spot: bool) -> None:
    master = clients.master(NAME)
    spot = master.ccxt.markets["BTC/USDT"]
    swap = {**spot, "symbol": "BTC/USDT:USDT", "spot": told_as_spot}
    master.ccxt.markets = {"BTC/USDT": spot, "BTC/USDT:USDT": swap}
    assert load_markets(master, now=NOW).new == ("BTC/USDT",)


@pytest.fixture
def operated(served: Exchange, clients: ProcessClients, settings: Settings) -> Exchange:
    settings.EXCHANGE_OVERRIDES = {NAME: options_of(served)}
    return served


def said(exchange: str = NAME) -> list[str]:
    out = io.StringIO()
    call_command("load_markets", "--exchange", exchange, stdout=out)
    return out.getvalue().splitlines()


def test_the_command_says_what_has_become_of_the_markets(operated: Exchange) -> None:
    assert said() == [
        "binance: 5 markets can be traded.",
        "  5 new: BNB/USDT, BTC/USDT, ETH/BTC, ETH/USDT, SOL/USDT",
        "  0 with changed rules",
        "  0 back",
        "  0 gone or halted",
    ]
    operated.ledger.change_symbol("BTCUSDT", tick=D("0.1"))
    operated.ledger.change_symbol("SOLUSDT", status="BREAK")
    assert said()[2:] == ["  1 with changed rules: BTC/USDT", "  0 back", "  1 gone or halted: SOL/USDT"]


def test_the_command_names_the_exchanges_there_are(operated: Exchange) -> None:
    with pytest.raises(CommandError, match="--exchange: 'mtgox' is not known, use one of aster, ") as wrong:
        said("mtgox")
    assert wrong.value.returncode == 2


def test_an_exchange_that_is_down_changes_nothing(operated: Exchange) -> None:
    said()
    operated.faults.add("status", path=INFO, times=None, status=503, done=False)
    with pytest.raises(CommandError, match="The markets were not loaded: binance answered with status 503"):
        said()
    assert Market.objects.filter(exchange=NAME, active=True).count() == 5
