"""A proxy that leads to the test exchange whoever asks for Binance's hosts, and nobody anywhere else.

With it ccxt needs no other addresses: it speaks to `https://api.binance.com` and takes what it hears as said
by that host, error tables and all.
"""

import asyncio
from contextlib import suppress

SUFFIX = b".binance.com"
CHUNK = 65_536


class Doorway:
    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._serve, self._host)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._open):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            verb, target, *_ = head.split()
            if verb == b"CONNECT" and target.rpartition(b":")[0].endswith(SUFFIX):
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await self._join(reader, writer)
            else:
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        writer.close()
        self._open.discard(writer)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, ahead = await asyncio.open_connection(self._host, self._port)
        self._open.add(ahead)
        await asyncio.gather(_pass_on(reader, ahead), _pass_on(behind, writer))
        self._open.discard(ahead)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()
