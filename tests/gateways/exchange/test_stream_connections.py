"""The connections that prices come on: which are opened, to where, and when again."""

import asyncio
import logging
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from orders.gateways.base import Unreachable
from orders.gateways.exchange.client import Client
from orders.gateways.exchange.clients import ProcessClients
from orders.gateways.exchange.prices import ExchangePrices
from orders.gateways.exchange.streams.drops import Drops
from orders.gateways.exchange.streams.heard import NoStream, heard
from orders.gateways.exchange.streams.kept import Pace, kept
from orders.gateways.exchange.streams.listening import ExchangeStreams
from orders.gateways.streaming import Wanted
from tests.exchange import Exchange
from tests.gateways.exchange.ears import (
    BTC,
    ETH,
    LONG,
    QUICK,
    TICKER,
    TRADE,
    Recorder,
    Room,
    streaming,
)
from tests.gateways.exchange.public import NAME, options_of
from tests.waiting import until


def test_markets_that_stay_keep_their_connection(room: Room) -> None:
    room.hears(BTC)
    before = room.listened()
    room.hears(BTC, ETH)
    assert room.listened() == before
    room.follow(ETH)
    until(lambda: not room.listened())
    assert room.listened("ethusdt@ticker")


def test_a_market_that_is_listed_no_more_does_not_silence_the_others(room: Room) -> None:
    room.follow(BTC, "GONE/USDT")
    until(lambda: room.listened() and room.listened(TRADE))
    room.exchange.ledger.move("BTCUSDT", 50_100)
    until(lambda: room.ear.prices)


@pytest.mark.parametrize("named", [(), ("ws-api",)])
def test_where_an_operator_names_no_stream_none_is_opened(
    served: Exchange, clients: ProcessClients, named: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    addresses = options_of(served)["urls"]["api"]
    addresses["ws"] = {name: addresses["ws"][name] for name in named}
    with caplog.at_level(logging.INFO), streaming(served, clients, urls={"api": addresses}) as room:
        room.follow(BTC)
        until(lambda: "streams.none" in caplog.text)
        assert served.hub.lines == set()


def test_a_stream_goes_through_the_proxy_of_the_requests(served: Exchange, clients: ProcessClients) -> None:
    with streaming(served, clients, **options_of(served), httpProxy="http://127.0.0.1:9") as room:
        room.follow(BTC)
        until(lambda: room.ear.gaps)
        assert served.hub.lines == set()


def test_where_the_proxy_takes_no_streams_there_are_none(
    served: Exchange, clients: ProcessClients, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.INFO),
        streaming(served, clients, **options_of(served), socksProxy="socks5://127.0.0.1:9") as room,
    ):
        room.follow(BTC)
        until(lambda: "streams.none" in caplog.text)
        assert served.hub.lines == set()


class AwayAtFirst(ExchangePrices):
    """Nobody answers for some time."""

    def __init__(self, clients: ProcessClients, times: int) -> None:
        super().__init__(NAME, clients)
        self.left = times

    def master(self) -> Client:
        self.left -= 1
        if self.left >= 0:
            raise Unreachable("it is away")
        return super().master()


def test_an_exchange_that_is_away_at_the_start_is_tried_again(
    served: Exchange, clients: ProcessClients
) -> None:
    prices, ear = AwayAtFirst(clients, 3), Recorder()
    streams = ExchangeStreams({NAME: prices}, clients.of, {NAME: options_of(served)}, QUICK)
    listening = streams.begin(ear)
    try:
        listening.follow(Wanted({NAME: frozenset({BTC})}))
        until(lambda: any(TICKER in line.streams for line in tuple(served.hub.lines)))
    finally:
        listening.stop()
    assert prices.left < 0


def test_an_exchange_that_wants_to_be_left_alone_is_left_alone(
    served: Exchange, clients: ProcessClients
) -> None:
    clients.master(NAME).breaker.trip(1.5, time.time())
    with streaming(served, clients, LONG) as room:
        room.follow(BTC)
        time.sleep(0.7)
        assert served.hub.lines == set()
        room.hears(BTC)


def test_stopping_waits_for_nobody(served: Exchange, clients: ProcessClients) -> None:
    with streaming(served, clients, LONG) as room:
        room.hears(BTC)
        began = time.monotonic()
        room.listening.stop()
        assert time.monotonic() - began < 3
        until(lambda: not served.hub.lines)
        room.listening.follow(Wanted({NAME: frozenset({BTC})}))
        assert room.listening.heard_s(served.alice.key) is None  # type: ignore[arg-type]


def test_a_connection_is_opened_again_ever_later_and_never_at_the_same_moment() -> None:
    pace = Pace(1.0, 60.0)
    waits = [pace.next_s() for _ in range(12)]
    for number, wait in enumerate(waits):
        whole = min(2.0**number, 60.0)
        assert whole / 2 <= wait <= whole
    assert len(set(waits)) == len(waits)
    pace.steady()
    assert pace.next_s() <= 1.0


class Closed:
    """What is left of a socket."""

    def __init__(self) -> None:
        self.clients: dict[str, object] = {}

    async def close_ws_clients(self) -> None: ...

    async def close(self) -> None: ...


@dataclass
class Standing:
    """A connection that stands for some time and fails; there is none after that."""

    client: Client
    stands_s: float
    pro: Closed = field(default_factory=Closed)
    opened: int = 0
    name: str = "a stream"

    def rest(self) -> Client:
        return self.client

    def heard(self, rest: Client) -> Any:
        self.opened += 1
        if self.opened > 1:
            raise NoStream
        return self.pro

    async def listen(self, pro: Any, rest: Client) -> None:
        await asyncio.sleep(self.stands_s)
        raise ConnectionResetError

    def lost(self) -> None: ...


@pytest.mark.parametrize(("stands_s", "failures"), [(0.0, 8), (0.35, 1)])
def test_a_connection_that_stood_for_long_is_soon_opened_again(
    clients: ProcessClients, stands_s: float, failures: int
) -> None:
    """Longer than the longest wait: though it told nothing, it is none that fails again and again."""
    pace = Pace(first_s=0.001, most_s=0.3, failures=7)
    asyncio.run(kept(Standing(clients.master(NAME), stands_s), pace))
    assert pace.failures == failures


class Slow(Closed):
    """It takes a moment to close."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.closed = asyncio.Event(), False

    async def close_ws_clients(self) -> None:
        self.begun.set()
        await asyncio.sleep(0.01)

    async def close(self) -> None:
        self.closed = True


def test_who_is_let_go_while_it_closes_closes_to_the_end(clients: ProcessClients) -> None:
    pro = Slow()

    async def let_go() -> None:
        task = asyncio.ensure_future(kept(Standing(clients.master(NAME), 0.0, pro), Pace()))
        await asyncio.wait_for(pro.begun.wait(), 5)
        task.cancel()
        await asyncio.wait({task}, timeout=5)

    asyncio.run(let_go())
    assert pro.closed


def test_what_is_asked_in_between_is_asked_by_the_client_that_asks(
    served: Exchange, clients: ProcessClients
) -> None:
    async def asked() -> int:
        pro = heard(clients.master(NAME), options_of(served), Drops(NAME), lambda: None)
        before = len(served.oracle.asked("GET", "/api/v3/time"))
        await pro.fetch_time()
        assert pro.session is None, "nothing has left by a way of its own"
        return len(served.oracle.asked("GET", "/api/v3/time")) - before

    assert asyncio.run(asked()) == 1


class Elsewhere(BaseHTTPRequestHandler):
    """Sends everybody on."""

    there = ""

    def do_GET(self) -> None:
        self.send_response(302)
        self.send_header("Location", self.there)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing is told."""


def test_a_stream_follows_no_redirect(served: Exchange, caplog: pytest.LogCaptureFixture) -> None:
    served.reset()
    handler = type("There", (Elsewhere,), {"there": f"{served.url}/ws/btcusdt@ticker"})
    server = HTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    options = options_of(served)
    options["urls"]["api"]["ws"]["spot"] = f"ws://127.0.0.1:{server.server_port}/stream/ws"
    named = ProcessClients(overrides={NAME: options}, keys=())
    try:
        with streaming(served, named, LONG, **options) as room:
            room.follow(BTC)
            until(lambda: caplog.text.count("streams.lost") >= 2)
            assert served.hub.lines == set()
    finally:
        server.shutdown()
        server.server_close()
