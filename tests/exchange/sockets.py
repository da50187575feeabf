"""The market streams: `/ws`, `/ws/<stream>/…` and `/stream?streams=…`, with SUBSCRIBE and its kin."""

import asyncio
import json
from collections import deque
from contextlib import suppress
from typing import Any

from aiohttp import WSMsgType, web

from tests.exchange.hub import Hub, Line

PING_S = 20
STREAMS_MAX = 1_024
MESSAGES_PER_SECOND_MAX = 5
METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")


class BadMessage(Exception):
    """Answered with an error that names its code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.body = {"code": code, "msg": message}


async def open_socket(request: web.Request, line: Line, hub: Hub) -> web.WebSocketResponse:
    """Accepts a connection; its line hears from before the client knows that it is open."""
    socket = web.WebSocketResponse(heartbeat=PING_S)
    hub.lines.add(line)
    await socket.prepare(request)
    return socket


async def pump(socket: web.WebSocketResponse, line: Line) -> None:
    """Sends what the line is told, until it is told None or the client is gone."""
    with suppress(ConnectionError):
        while (told := await line.outbox.get()) is not None:
            await socket.send_str(told)
        await socket.close()


async def close_socket(
    socket: web.WebSocketResponse, line: Line, hub: Hub, sender: asyncio.Task[None]
) -> None:
    hub.lines.discard(line)
    sender.cancel()
    with suppress(asyncio.CancelledError):
        await sender
    await socket.close()


class MarketSockets:
    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    async def raw(self, request: web.Request) -> web.WebSocketResponse:
        line = Line(streams={name for name in request.match_info.get("streams", "").split("/") if name})
        return await self._serve(request, line)

    async def combined(self, request: web.Request) -> web.WebSocketResponse:
        named = request.query.get("streams", "")
        line = Line(streams={name for name in named.split("/") if name}, combined=True)
        return await self._serve(request, line)

    async def _serve(self, request: web.Request, line: Line) -> web.WebSocketResponse:
        socket = await open_socket(request, line, self.hub)
        sender = asyncio.create_task(pump(socket, line))
        heard: deque[float] = deque(maxlen=MESSAGES_PER_SECOND_MAX)
        clock = asyncio.get_running_loop().time
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            if len(heard) == MESSAGES_PER_SECOND_MAX and clock() - heard[0] < 1:
                break
            heard.append(clock())
            line.outbox.put_nowait(json.dumps(answered(line, message.data)))
        await close_socket(socket, line, self.hub, sender)
        return socket


def answered(line: Line, text: str) -> dict[str, Any]:
    """Does what a message asks of its line, and returns the answer to it."""
    number = None
    try:
        try:
            message = json.loads(text)
        except ValueError:
            raise BadMessage(3, "Invalid JSON: expected value at line 1 column 1") from None
        if not isinstance(message, dict) or message.get("method") not in METHODS:
            raise BadMessage(2, f"Invalid request: unknown variant, expected one of {', '.join(METHODS)}")
        number = message.get("id")
        return {"result": _do(line, message["method"], message.get("params")), "id": number}
    except BadMessage as bad:
        return {"error": bad.body, "id": number}


def _do(line: Line, method: str, params: Any) -> Any:
    if method == "LIST_SUBSCRIPTIONS":
        return sorted(line.streams)
    if method == "GET_PROPERTY":
        return line.combined
    if not isinstance(params, list):
        raise BadMessage(2, "Invalid request: missing field `params`")
    if method == "SET_PROPERTY":
        line.combined = bool(params[-1])
        return None
    if not all(isinstance(name, str) for name in params):
        raise BadMessage(2, "Invalid request: request ID must be an unsigned integer")
    if method == "SUBSCRIBE":
        if len(line.streams | set(params)) > STREAMS_MAX:
            raise BadMessage(2, f"Invalid request: more than {STREAMS_MAX} streams")
        line.streams |= set(params)
    else:
        line.streams -= set(params)
    return None
