"""Exchanges for paper alone: the table is what ccxt tells; markets and prices of all kinds are read."""

import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.core.management import call_command

from accounts.keys import Credentials
from accounts.models import Environment
from accounts.services.asked import Wanted, checked_place
from bots.services import ServiceRefused
from orders.gateways.base import Unreachable
from orders.gateways.exchange.adapters import ADAPTERS, SOURCES
from orders.gateways.exchange.client import Client
from orders.gateways.exchange.installed import real_exchanges
from orders.gateways.exchange.listing import listed
from orders.gateways.exchange.markets import load_markets
from orders.gateways.exchange.prices import ExchangePrices
from orders.gateways.exchange.steps import DECIMAL_PLACES, SIGNIFICANT_DIGITS, steps_of
from orders.gateways.offers import OFFERS
from orders.gateways.others import OTHERS
from orders.matching import Quote
from orders.models import Market
from orders.rules import FeeIn
from tests.gateways.exchange.recorded import (
    BITBANK,
    BITFINEX,
    FROM_MS,
    GATE,
    MINUTE_MS,
    RECORDINGS,
    UPBIT,
    Player,
    Recording,
    clients_of,
)

D = Decimal
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def name_of(recording: Recording) -> str:
    return recording.exchange


def test_the_table_is_what_ccxt_tells() -> None:
    """After an upgrade of ccxt: `manage.py list_exchanges --write`, and a look at what has changed."""
    offered, missing = listed()
    assert {other.exchange: other for other in offered} == OTHERS
    assert missing["alpaca"] == "its markets need a key"
    assert missing["luno"] == "its candles need a key"
    assert missing["binanceusdm"] == "no spot markets"
    assert missing["bitflyer"] == "no candles of a minute"
    assert not missing.keys() & ADAPTERS.keys()


def test_the_command_says_when_the_table_is_old() -> None:
    out = io.StringIO()
    call_command("list_exchanges", stdout=out)
    assert "gate: Gate, USDT" in out.getvalue().splitlines()
    assert "alpaca: its markets need a key" in out.getvalue().splitlines()


def test_each_is_offered_on_paper_and_nowhere_else() -> None:
    assert OFFERS.keys() == SOURCES.keys()
    reached = real_exchanges()
    assert len(OTHERS) > 50
    for name in OTHERS:
        offer = OFFERS[name]
        assert (offer.paper_only, offer.proven, offer.environments) == (True, False, ())
        assert [place for place in reached.gateways if place[0] == name] == [(name, Environment.PAPER)]
        assert name in reached.prices
        assert name in reached.markets
        assert name not in reached.venues
    assert not any(OFFERS[name].paper_only for name in ADAPTERS)


@pytest.mark.parametrize("environment", ["live", "sandbox"])
def test_no_key_of_such_an_exchange_is_taken(environment: str) -> None:
    wanted = Wanted("gate", environment, "Mine", Credentials("k" * 8, "s" * 8))
    with pytest.raises(ServiceRefused, match="Gate is offered on paper only: it is unproven live"):
        checked_place(wanted.exchange, wanted.environment, real_exchanges())


def test_each_may_be_asked_at_hosts_of_its_own_alone() -> None:
    for other in OTHERS.values():
        assert other.hosts
        assert all(host and "{" not in host and "/" not in host for host in other.hosts), other
        assert 0 < other.page <= 1000
        assert 0 < other.fee < D("0.05")


@pytest.mark.django_db
@pytest.mark.parametrize("recording", RECORDINGS, ids=name_of)
def test_its_markets_are_read(recording: Recording) -> None:
    player = Player(recording.bodies)
    clients = clients_of(recording.exchange, player)
    assert recording.ticker in load_markets(clients.master(recording.exchange), now=NOW).new
    check_requests(player, recording.exchange)


def check_requests(player: Player, exchange: str) -> None:
    assert {request.method for request in player.requests} == {"GET"}
    assert {request.host for request in player.requests} <= set(OTHERS[exchange].hosts)


@pytest.mark.parametrize("recording", RECORDINGS, ids=name_of)
def test_its_prices_and_candles_are_read(recording: Recording) -> None:
    player = Player(recording.bodies)
    prices = ExchangePrices(recording.exchange, clients_of(recording.exchange, player))
    quote = prices.ask([recording.ticker, "NO/SUCH"])[recording.ticker]
    assert quote.bid < quote.ask
    candles = prices.candles(ticker=recording.ticker, timeframe="1m", until=FROM_MS + 2 * MINUTE_MS, count=2)
    assert candles.at.tolist() == [FROM_MS, FROM_MS + MINUTE_MS]
    assert (candles.open.tolist(), candles.high.tolist()) == ([100, 101], [102, 103])
    assert (candles.low.tolist(), candles.close.tolist()) == ([99, 100], [101, 102])
    check_requests(player, recording.exchange)


def test_candles_that_an_exchange_lacks_are_made_of_shorter_ones() -> None:
    clients = clients_of("gate", Player(GATE.bodies))
    clients.master("gate").ccxt.timeframes = {"1m": "1m", "1d": "1d"}
    prices = ExchangePrices("gate", clients)
    candles = prices.candles(ticker="BTC/USDT", timeframe="3m", until=FROM_MS + 3 * MINUTE_MS, count=1)
    found = (candles.at, candles.open, candles.high, candles.low, candles.close, candles.volume)
    assert [column.tolist() for column in found] == [[FROM_MS], [100], [103], [99], [102], [11]]


def rules_of(recording: Recording) -> dict[str, Market]:
    clients = clients_of(recording.exchange, Player(recording.bodies))
    load_markets(clients.master(recording.exchange), now=NOW)
    return {market.ticker: market for market in Market.objects.filter(exchange=recording.exchange)}


@pytest.mark.django_db
def test_a_step_of_significant_digits_follows_the_price() -> None:
    markets = rules_of(BITFINEX)
    assert markets.keys() == {"BTC/USD", "DOGE/USD"}, "without a price there is no step"
    assert (markets["BTC/USD"].tick, markets["BTC/USD"].lot) == (D(1), D("0.00000001"))
    assert (markets["DOGE/USD"].tick, markets["DOGE/USD"].min_amount) == (D("0.00001"), D(22))


@pytest.mark.django_db
def test_steps_and_fees_told_as_such_are_taken_as_they_are() -> None:
    gate, bitbank = rules_of(GATE)["BTC/USDT"], rules_of(BITBANK)["BTC/JPY"]
    assert (gate.tick, gate.lot, gate.min_cost) == (D("0.1"), D("0.000001"), D(3))
    assert (gate.taker_fee, gate.fee_in) == (D("0.002"), FeeIn.RECEIVED)
    assert (bitbank.tick, bitbank.lot) == (D(1), D("0.0001"))
    assert (bitbank.maker_fee, bitbank.taker_fee) == (D("-0.0002"), D("0.0012"))


@pytest.mark.django_db
def test_a_fee_that_cannot_be_is_the_exchanges_usual_one() -> None:
    clients = clients_of("gate", Player(GATE.bodies))
    master = clients.master("gate")
    told = master.ccxt.markets["BTC/USDT"]
    wrong = {"A/USDT": 0.2, "B/USDT": [[0.0, 0.2]], "C/USDT": None, "D/USDT": "NaN"}
    markets = {name: {**told, "symbol": name, "taker": fee} for name, fee in wrong.items()}
    master.ccxt.markets = markets
    load_markets(master, now=NOW)
    fees = set(Market.objects.filter(exchange="gate").values_list("ticker", "taker_fee"))
    assert fees == {(name, OTHERS["gate"].fee) for name in wrong}


def master_of(recording: Recording) -> Client:
    return clients_of(recording.exchange, Player(recording.bodies)).master(recording.exchange)


def test_places_are_a_step_too() -> None:
    master = master_of(GATE)
    master.ccxt.precisionMode = DECIMAL_PLACES
    steps = steps_of(master)
    told = {"symbol": "BTC/USDT", "precision": {"price": 2, "amount": 0}}
    assert (steps.tick(told), steps.lot(told)) == (D("0.01"), D(1))
    for places in (None, "0.1", -1, 19):
        with pytest.raises(Unreachable):
            steps.tick({**told, "precision": {"price": places}})


@pytest.mark.parametrize(
    ("last", "tick"),
    [("99999", "1"), ("100000", "10"), ("1", "0.0001"), ("0.99999", "0.00001"), ("0.000001234", "1e-10")],
)
def test_five_digits_are_another_step_at_each_power_of_ten(last: str, tick: str) -> None:
    master = master_of(GATE)
    master.ccxt.precisionMode = SIGNIFICANT_DIGITS
    master.ccxt.fetch_tickers = lambda: {"BTC/USDT": {"last": last}}
    told = {"symbol": "BTC/USDT", "precision": {"price": 5, "amount": 8}}
    assert steps_of(master).tick(told) == D(tick)


def test_ways_of_telling_steps_that_nobody_knows_are_refused() -> None:
    master = master_of(GATE)
    master.ccxt.precisionMode = 7
    with pytest.raises(Unreachable, match="in a way that is not known"):
        steps_of(master)


def test_our_numbers_for_precision_are_those_of_ccxt() -> None:
    ccxt = pytest.importorskip("ccxt")
    assert (ccxt.DECIMAL_PLACES, ccxt.SIGNIFICANT_DIGITS) == (DECIMAL_PLACES, SIGNIFICANT_DIGITS)


def asked(recording: Recording, **changed: object) -> tuple[dict[str, Quote], list[str]]:
    """The quotes, and the paths that were asked for them."""
    player = Player({**recording.bodies, **changed})
    clients = clients_of(recording.exchange, player)
    clients.master(recording.exchange)
    before = len(player.requests)
    quotes = ExchangePrices(recording.exchange, clients).ask([recording.ticker])
    return quotes, player.paths()[before:]


def test_the_order_book_tells_what_a_ticker_does_not() -> None:
    quotes, paths = asked(UPBIT)
    quote = quotes["BTC/KRW"]
    assert (quote.bid, quote.ask, quote.last) == (D(5_162_000), D(5_164_000), D(5_163_000))
    assert paths == ["/v1/ticker", "/v1/orderbook"]


def test_an_order_book_with_one_side_is_no_price() -> None:
    units = [{"ask_price": 5164000, "bid_price": None, "ask_size": 1, "bid_size": None}]
    book = [{"market": "KRW-BTC", "timestamp": FROM_MS, "orderbook_units": units}]
    assert asked(UPBIT, **{"/v1/orderbook": book})[0] == {}


def test_where_prices_are_told_one_by_one_each_is_asked_for() -> None:
    quotes, paths = asked(BITBANK)
    assert (quotes["BTC/JPY"].bid, quotes["BTC/JPY"].ask) == (D(9_499_999), D(9_500_001))
    assert paths == ["/btc_jpy/ticker"]


def test_where_a_ticker_tells_all_no_book_is_asked_for() -> None:
    assert asked(GATE)[1] == ["/api/v4/spot/tickers"]


@pytest.mark.parametrize("body", ["<html>busy</html>", "", {}, []])
def test_an_answer_that_is_none_is_no_price(body: object) -> None:
    with pytest.raises(Unreachable):
        asked(GATE, **{"/api/v4/spot/tickers": body})


@pytest.mark.django_db
def test_an_exchange_that_lists_nothing_is_not_believed() -> None:
    player = Player({**GATE.bodies, "/api/v4/spot/currency_pairs": []})
    with pytest.raises(Unreachable):
        load_markets(clients_of("gate", player).master("gate"), now=NOW)
    assert not Market.objects.filter(exchange="gate").exists()
