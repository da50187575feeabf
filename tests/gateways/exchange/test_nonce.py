"""Where an exchange wants the requests of a key in order, one at a time leaves, whoever sends it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache

from accounts.models import Environment
from orders.gateways.base import RateLimited
from orders.gateways.exchange.client import Client
from orders.gateways.exchange.clients import ProcessClients
from orders.gateways.exchange.nonce import Turns
from tests.gateways.exchange.conftest import KEYS
from tests.gateways.exchange.desk import credentials
from tests.gateways.exchange.wire import Wire


def on_one_key(exchange: str, wire: Wire, ahead_ms: int, who: str) -> Client:
    """A client of another process, whose clock is ahead by so much."""
    clients = ProcessClients(overrides={exchange: {"session": wire.session()}}, keys=KEYS)
    opened = clients._client(exchange, Environment.LIVE, credentials(exchange), who)
    opened.ccxt.offset_ms = ahead_ms
    return opened


def balances(asked: Client) -> None:
    for _ in range(4):
        asked.ask(lambda ccxt: ccxt.privatePostBalance())


def test_requests_of_one_key_arrive_in_order_whoever_sends_them() -> None:
    """Kraken refuses a number that is not above the last; here clocks differ by more than a request takes."""
    cache.clear()
    wire = Wire((200, {"error": [], "result": {}}))
    asking = [
        on_one_key("kraken", wire, ahead_ms, who) for ahead_ms, who in ((0, "a"), (500, "b"), (-500, "c"))
    ]
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(balances, asking))
    arrived = [int(sent.fields["nonce"]) for sent in wire.requests]
    assert len(arrived) == 12
    assert arrived == sorted(set(arrived))


def test_a_turn_that_does_not_end_is_not_waited_for_long() -> None:
    cache.clear()
    wire = Wire((200, {"error": [], "result": {}}))
    asking = on_one_key("kraken", wire, 0, "a")
    turns, other = Turns("kraken:a-key"), Turns("kraken:a-key", wait_s=0)
    with turns.one(asking.ccxt), pytest.raises(RateLimited, match="another process"), other.one(asking.ccxt):
        raise AssertionError("two at once")
    with other.one(asking.ccxt):
        balances(asking)
    assert len(wire.requests) == 4


class Numbered:
    """A client that has sent nothing yet, and counts what it sends."""

    last_nonce = 0


def test_who_was_late_does_not_take_the_numbers_back() -> None:
    """Its turn was over while it asked; another has sent higher numbers, which the exchange remembers."""
    cache.clear()
    late, quick, next_one = Numbered(), Numbered(), Numbered()
    turns = Turns("kraken:a-key")
    with turns.one(late):
        late.last_nonce = 5
        cache.delete("turn:kraken:a-key")
        with turns.one(quick):
            quick.last_nonce = 9
    with turns.one(next_one):
        assert next_one.last_nonce == 9


def test_a_turn_is_taken_where_numbers_must_rise_and_nowhere_else() -> None:
    wire = Wire((200, {}))
    assert on_one_key("kraken", wire, 0, "a").ccxt.turn is not None
    assert on_one_key("binance", wire, 0, "a").ccxt.turn is None
