"""Sockets for tests: signed in by a real session, spoken to over the real channel layer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from channels.testing import WebsocketCommunicator
from django.test import Client

from accounts.models import User
from tradingbot.asgi import application

SOON_S = 2.0
QUIET_S = 0.1
ORIGIN = (b"origin", b"http://localhost")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def socket_of(client: Client, app: Any = application, origin: tuple[bytes, bytes] = ORIGIN) -> Any:
    """The socket a page of this browser would open."""
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    headers = [(b"cookie", cookies.encode()), (b"host", b"localhost"), origin]
    return WebsocketCommunicator(app, "/live/", headers=headers)


@asynccontextmanager
async def open_socket(client: Client, app: Any = application) -> AsyncIterator[Any]:
    """A connected socket that has heard the number it is told first."""
    socket = socket_of(client, app)
    connected, _ = await socket.connect(timeout=SOON_S)
    assert connected
    socket.greeting = await socket.receive_from(timeout=SOON_S)
    try:
        yield socket
    finally:
        await socket.disconnect(timeout=SOON_S)


async def hears_nothing(socket: Any) -> bool:
    quiet: bool = await socket.receive_nothing(timeout=QUIET_S, interval=0.02)
    return quiet
