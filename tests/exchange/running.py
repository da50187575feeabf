"""The exchange in a thread, for tests in the same process."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from tests.exchange.accounts import Account
from tests.exchange.doorway import Doorway
from tests.exchange.overrides import overrides
from tests.exchange.server import HOST, Server
from tests.exchange.venue import Venue

START_TIMEOUT_S = 10


class Exchange(Venue):
    """A venue that is being served at `url`; with TLS also behind the proxy `doorway`."""

    url: str = ""
    doorway: str = ""

    @classmethod
    @contextmanager
    def running(cls, *, tls: ssl.SSLContext | None = None, **options: Any) -> Iterator[Self]:
        """Serves a new exchange on a free port until the block ends; `options` are the venue's.

        With `tls` (see `certificates.py`) ccxt may use Binance's own addresses and `doorway` as its proxy.
        """
        exchange = cls(**options)
        thread = Running(exchange, tls)
        thread.start()
        thread.wait()
        exchange.url = f"{'https' if tls else 'http'}://{HOST}:{thread.port}"
        exchange.doorway = f"http://{HOST}:{thread.doorway_port}" if tls else ""
        try:
            yield exchange
        finally:
            thread.stop()

    def overrides(self) -> dict[str, Any]:
        """Constructor options that send ccxt's binance here instead of to Binance."""
        return overrides(self.url)

    def config(self, account: Account | None = None) -> dict[str, Any]:
        """The overrides and the keys of an account, Alice's by default."""
        account = account or self.alice
        return {**self.overrides(), "apiKey": account.key, "secret": account.secret, "enableRateLimit": False}


class Running(threading.Thread):
    """The thread of the server's event loop."""

    def __init__(self, venue: Venue, tls: ssl.SSLContext | None) -> None:
        super().__init__(name="test exchange", daemon=True)
        self.port = self.doorway_port = 0
        self._venue, self._tls = venue, tls
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = Server(self._venue, tls=self._tls)
        self.port = await server.start()
        doorway = Doorway(HOST, self.port)
        if self._tls is not None:
            self.doorway_port = await doorway.start()
        self._ready.set()
        await self._stopping.wait()
        await doorway.stop()
        await server.stop()

    def wait(self) -> None:
        if not self._ready.wait(START_TIMEOUT_S):
            raise TimeoutError("the test exchange did not start")

    def stop(self) -> None:
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        self.join(START_TIMEOUT_S)
        if self.is_alive():
            raise TimeoutError(f"the test exchange did not stop within {START_TIMEOUT_S} s")
