"""An answer, and how it goes out: whole, or broken on the wire."""

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from aiohttp import web

JSON = "application/json;charset=UTF-8"
# SO_LINGER with no time: closing sends a reset instead of an orderly end.
RESET = struct.pack("ii", 1, 0)


class Ending(Enum):
    """How the connection ends for the client."""

    WHOLE = "whole"
    CLOSE = "close"  # closed without an answer
    RESET = "reset"  # reset without an answer
    HANG = "hang"  # no answer while the client waits
    CUT = "cut"  # half of the promised body, then closed
    BROKEN = "broken"  # a chunk whose length is no number


@dataclass
class Answer:
    status: int
    text: str
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON
    ending: Ending = Ending.WHOLE

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def tells(self) -> bool:
        """Whether it is a good answer still, whatever another fault has made of it."""
        try:
            return self.status == 200 and self.body is not None
        except ValueError:
            return False


def answer_of(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(body, separators=(",", ":")), dict(headers or {}))


async def send(request: web.Request, answer: Answer, stopping: asyncio.Event) -> web.StreamResponse:
    """Writes the answer, or breaks the connection as its ending says."""
    whole = web.Response(
        status=answer.status,
        body=answer.text.encode(),
        headers={"Content-Type": answer.content_type, **answer.headers},
    )
    if answer.ending is Ending.WHOLE:
        return whole
    transport = request.transport
    if answer.ending is Ending.HANG:
        while not stopping.is_set() and transport is not None and not transport.is_closing():
            await asyncio.sleep(0.02)
    elif transport is not None:
        _break(transport, answer)
    return whole


def _break(transport: asyncio.Transport, answer: Answer) -> None:
    sent = answer.text.encode()
    head = f"HTTP/1.1 {answer.status} OK\r\nContent-Type: {answer.content_type}\r\n"
    if answer.ending is Ending.CUT:
        transport.write(f"{head}Content-Length: {len(sent)}\r\n\r\n".encode() + sent[: len(sent) // 2])
    elif answer.ending is Ending.BROKEN:
        transport.write(f"{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n".encode() + sent)
    elif answer.ending is Ending.RESET:
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    transport.close()
