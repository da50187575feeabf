"""What the sockets themselves say: subscriptions, the user stream, and the faults that befall events."""

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from tests.exchange import Exchange
from tests.exchange.orders import Wish
from tests.exchange.routes import SUBSCRIBE
from tests.exchange.ws_api import UNSUBSCRIBE

D = Decimal
WAIT_S = 5


@asynccontextmanager
async def connected(exchange: Exchange, path: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    address = exchange.url.replace("http", "ws") + path
    async with aiohttp.ClientSession() as session, session.ws_connect(address) as socket:
        yield socket


def test_a_user_stream_ends_when_it_is_unsubscribed(exchange: Exchange, loop: asyncio.Runner) -> None:
    params = {"apiKey": exchange.alice.key, "timestamp": exchange.now()}
    payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
    signature = hmac.new(exchange.alice.secret.encode(), payload.encode(), "sha256").hexdigest()

    async def story() -> None:
        async with connected(exchange, "/ws-api/v3") as socket:
            await socket.send_json(
                {"id": "a", "method": SUBSCRIBE, "params": {**params, "signature": signature}}
            )
            begun = await socket.receive_json(timeout=WAIT_S)
            number = begun["result"]["subscriptionId"]
            exchange.ledger.place(
                exchange.alice.key, Wish("BTCUSDT", "BUY", "LIMIT", "one", D("0.01"), D(49_000))
            )
            born, money = [await socket.receive_json(timeout=WAIT_S) for _ in range(2)]
            await socket.send_json({"id": "b", "method": UNSUBSCRIBE, "params": {}})
            ended = await socket.receive_json(timeout=WAIT_S)
        assert (begun["id"], begun["status"]) == ("a", 200)
        assert {each["subscriptionId"] for each in (born, money, ended)} == {number}
        assert [each["event"]["e"] for each in (born, money, ended)] == [
            "executionReport",
            "outboundAccountPosition",
            "eventStreamTerminated",
        ]

    loop.run(story())


def test_combined_streams_name_the_stream(exchange: Exchange, loop: asyncio.Runner) -> None:
    async def story() -> None:
        async with connected(exchange, "/stream?streams=btcusdt@bookTicker/btcusdt@miniTicker") as socket:
            exchange.ledger.move("BTCUSDT", 51_000)
            told = [await socket.receive_json(timeout=WAIT_S) for _ in range(2)]
        assert {each["stream"] for each in told} == {"btcusdt@bookTicker", "btcusdt@miniTicker"}
        assert told[0]["data"]["a"] == "51000.00000000"

    loop.run(story())


def test_subscriptions_come_and_go(exchange: Exchange, loop: asyncio.Runner) -> None:
    async def story() -> None:
        async with connected(exchange, "/ws") as socket:
            heard = []
            for message in (
                {"method": "SUBSCRIBE", "params": ["btcusdt@trade", "ethusdt@trade"], "id": 1},
                {"method": "UNSUBSCRIBE", "params": ["ethusdt@trade"], "id": 2},
                {"method": "LIST_SUBSCRIPTIONS", "id": 3},
                {"method": "SING", "id": 4},
            ):
                await socket.send_json(message)
                heard.append(await socket.receive_json(timeout=WAIT_S))
        assert heard[:3] == [
            {"result": None, "id": 1},
            {"result": None, "id": 2},
            {"result": ["btcusdt@trade"], "id": 3},
        ]
        assert heard[3]["error"]["code"] == 2

    loop.run(story())


def test_a_client_that_talks_too_much_is_cut_off(exchange: Exchange, loop: asyncio.Runner) -> None:
    async def story() -> None:
        async with connected(exchange, "/ws") as socket:
            for number in range(6):
                await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
            heard = [message async for message in socket]
        assert len(heard) <= 5

    loop.run(story())


@pytest.mark.parametrize(
    ("effect", "options", "heard"),
    [
        ("drop", {"times": 2}, ["3", "4"]),
        ("duplicate", {"copies": 3}, ["1", "1", "1", "2", "3", "4"]),
        ("shuffle", {"times": 3}, ["3", "2", "1", "4"]),
        ("hold", {"seconds": 0.05}, ["2", "3", "4", "1"]),
        ("rewrite", {"method": "EVENT", "fields": {"p": "NaN"}}, ["NaN", "2", "3", "4"]),
        ("drop", {"where": {"p": "2.00000000"}}, ["1", "3", "4"]),
    ],
)
def test_events_may_be_lost_doubled_mixed_up_late_or_wrong(
    exchange: Exchange, loop: asyncio.Runner, effect: str, options: dict[str, Any], heard: list[str]
) -> None:
    async def story() -> list[str]:
        async with connected(exchange, "/ws/btcusdt@trade") as socket:
            exchange.faults.add(effect, path="trade", **options)
            for price in range(1, 5):
                exchange.ledger.move("BTCUSDT", price)
            told = [await socket.receive_json(timeout=WAIT_S) for _ in heard]
            return [event["p"].removesuffix(".00000000") for event in told]

    assert loop.run(story()) == heard


def test_a_stream_may_be_silent_while_its_pings_are_answered(
    exchange: Exchange, loop: asyncio.Runner
) -> None:
    async def story() -> None:
        async with connected(exchange, "/ws/btcusdt@trade") as socket:
            exchange.faults.add("drop", times=None)
            exchange.ledger.move("BTCUSDT", 51_000)
            await socket.ping()
            with pytest.raises(TimeoutError):
                await socket.receive(timeout=0.05)
            assert not socket.closed

    loop.run(story())


def test_a_stream_may_be_cut_off(exchange: Exchange, loop: asyncio.Runner) -> None:
    async def story() -> None:
        async with connected(exchange, "/ws/btcusdt@trade") as socket:
            exchange.faults.add("disconnect", path="trade")
            exchange.ledger.move("BTCUSDT", 51_000)
            assert (await socket.receive(timeout=WAIT_S)).type is aiohttp.WSMsgType.CLOSE

    loop.run(story())


def test_a_held_event_comes_with_the_release(exchange: Exchange, loop: asyncio.Runner) -> None:
    async def story() -> None:
        async with connected(exchange, "/ws/btcusdt@trade") as socket:
            exchange.faults.add("hold", path="trade")
            exchange.ledger.move("BTCUSDT", 51_000)
            exchange.faults.release()
            assert (await socket.receive_json(timeout=WAIT_S))["p"] == "51000.00000000"

    loop.run(story())
