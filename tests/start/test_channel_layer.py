"""In one process, what a worker thread sends reaches a socket on the server's loop without delay."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.exceptions import ChannelFull

from tradingbot.channel_layer import ThreadSafeChannelLayer

SOON_S = 0.3  # the layer it derives from needs 0.9 s when the loop is otherwise idle


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The loop of the web server, running in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


def listening(layer: ThreadSafeChannelLayer, loop: asyncio.AbstractEventLoop, channel: str) -> "Future[Any]":
    """A socket that has joined the group `prices` and waits for its next message."""
    asyncio.run_coroutine_threadsafe(layer.group_add("prices", channel), loop).result(5)
    return asyncio.run_coroutine_threadsafe(layer.receive(channel), loop)


def test_a_worker_thread_reaches_a_waiting_socket_at_once(loop: asyncio.AbstractEventLoop) -> None:
    layer = ThreadSafeChannelLayer()
    received = listening(layer, loop, "specific.inmemory!alice")
    time.sleep(0.05)  # lets the loop go to sleep in its selector, which is when the delay would show
    began = time.monotonic()
    async_to_sync(layer.group_send)("prices", {"type": "tick", "price": "1.5"})
    assert received.result(5) == {"type": "tick", "price": "1.5"}
    assert time.monotonic() - began < SOON_S


def test_each_socket_of_a_group_hears_it_and_others_do_not(loop: asyncio.AbstractEventLoop) -> None:
    layer = ThreadSafeChannelLayer()
    alice, bob = (listening(layer, loop, f"specific.inmemory!{name}") for name in ("alice", "bob"))
    stranger = asyncio.run_coroutine_threadsafe(layer.receive("specific.inmemory!stranger"), loop)
    async_to_sync(layer.group_send)("prices", {"type": "tick"})
    assert alice.result(5) == bob.result(5) == {"type": "tick"}
    assert not stranger.done()
    async_to_sync(layer.send)("specific.inmemory!stranger", {"type": "bye"})
    assert stranger.result(5) == {"type": "bye"}


def test_many_threads_lose_nothing(loop: asyncio.AbstractEventLoop) -> None:
    layer = ThreadSafeChannelLayer(capacity=1000)
    channel = "specific.inmemory!alice"
    first = listening(layer, loop, channel)

    def send(sender: int) -> None:
        for number in range(20):
            async_to_sync(layer.send)(channel, {"type": "n", "n": sender * 20 + number})

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    received = [first.result(5)]
    received += [asyncio.run_coroutine_threadsafe(layer.receive(channel), loop).result(5) for _ in range(99)]
    assert sorted(message["n"] for message in received) == list(range(100))


def test_a_full_channel_says_so_to_the_sender(loop: asyncio.AbstractEventLoop) -> None:
    layer = ThreadSafeChannelLayer(capacity=1)
    asyncio.run_coroutine_threadsafe(layer.group_add("prices", "specific.inmemory!alice"), loop).result(5)
    async_to_sync(layer.send)("specific.inmemory!alice", {"type": "one"})
    with pytest.raises(ChannelFull):
        async_to_sync(layer.send)("specific.inmemory!alice", {"type": "two"})


def test_a_loop_that_has_ended_is_forgotten() -> None:
    layer = ThreadSafeChannelLayer()

    async def conversation() -> Any:
        await layer.group_add("prices", "specific.inmemory!alice")
        await layer.group_send("prices", {"type": "tick"})
        return await layer.receive("specific.inmemory!alice")

    assert asyncio.run(conversation()) == {"type": "tick"}
    assert asyncio.run(conversation()) == {"type": "tick"}


def test_nobody_waits_for_a_server_that_has_stopped(loop: asyncio.AbstractEventLoop) -> None:
    layer = ThreadSafeChannelLayer()
    asyncio.run_coroutine_threadsafe(layer.group_add("prices", "specific.inmemory!alice"), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    end = time.monotonic() + 5
    while loop.is_running() and time.monotonic() < end:
        time.sleep(0.01)
    began = time.monotonic()
    async_to_sync(layer.group_send)("prices", {"type": "tick"})
    assert time.monotonic() - began < SOON_S
