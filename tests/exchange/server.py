"""The venue on a port: HTTP in, `Asked` to the venue, `Answer` out."""

import asyncio
import ssl
from urllib.parse import parse_qsl

from aiohttp import web

from tests.exchange import answers, security
from tests.exchange.answers import answer_of
from tests.exchange.overrides import STREAMS
from tests.exchange.rejections import Rejection
from tests.exchange.sockets import MarketSockets
from tests.exchange.turn import Asked
from tests.exchange.venue import Venue
from tests.exchange.ws_api import UserSockets

HOST = "127.0.0.1"
SHUTDOWN_S = 0.2
PATHS = ("/api", "/sapi", "/fapi", "/dapi", "/eapi")


class Server:
    """Serves one venue. `tls` makes it https and wss."""

    def __init__(self, venue: Venue, *, tls: ssl.SSLContext | None = None) -> None:
        self.venue = venue
        self.stopping = asyncio.Event()
        self._tls = tls
        self._runners: list[web.AppRunner] = []

    async def start(self, port: int = 0) -> int:
        """Listens, and returns the port."""
        self.venue.hub.loop = asyncio.get_running_loop()
        app = web.Application()
        for path in PATHS:
            app.router.add_route("*", path + "/{rest:.*}", self.rest)
        market = MarketSockets(self.venue.hub)
        for prefix in ("", STREAMS):
            app.router.add_get(prefix + "/ws", market.raw)
            app.router.add_get(prefix + "/ws/{streams:.*}", market.raw)
            app.router.add_get(prefix + "/stream", market.combined)
        app.router.add_get("/ws-api/v3", UserSockets(self.venue, self.venue.hub).serve)
        return await self.listen(app, port, tls=self._tls)

    async def listen(self, app: web.Application, port: int, *, tls: ssl.SSLContext | None = None) -> int:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        site = web.TCPSite(runner, HOST, port, ssl_context=tls)
        await site.start()
        self._runners.append(runner)
        return int(runner.addresses[0][1])

    async def stop(self) -> None:
        self.stopping.set()
        for line in tuple(self.venue.hub.lines):
            line.outbox.put_nowait(None)
        await self.venue.close()
        for runner in self._runners:
            await runner.cleanup()

    async def rest(self, request: web.Request) -> web.StreamResponse:
        try:
            asked = await read(request)
        except Rejection as rejection:
            answer = answer_of(rejection.body(), rejection.status)
        else:
            answer = await self.venue.answer(asked)
        return await answers.send(request, answer, self.stopping)


async def read(request: web.Request) -> Asked:
    """Query string and form are one set of parameters; of a name in both, the query string's counts."""
    query, form = request.rel_url.raw_query_string, await request.text()
    params: dict[str, str] = {}
    for part in (query, form):
        pairs = parse_qsl(part, keep_blank_values=True)
        names = [name for name, _ in pairs]
        for name in names:
            if names.count(name) > 1:
                raise Rejection(-1101, f"Duplicate values for parameter '{name}' detected.")
        params = dict(pairs) | params
    signature = params.pop("signature", "")
    payload = security.unsigned(query) + security.unsigned(form)
    key = request.headers.get("X-MBX-APIKEY", "")
    return Asked(request.method, request.path, params, payload, signature, key)
