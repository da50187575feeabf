"""The websocket API: the REST requests as messages, and the user's own stream."""

import asyncio
import itertools
import json
from typing import Any

from aiohttp import WSMsgType, web

from tests.exchange.answers import Answer, Ending
from tests.exchange.hub import Event, Hub, Line
from tests.exchange.routes import API, SUBSCRIBE
from tests.exchange.sockets import close_socket, open_socket, pump
from tests.exchange.turn import Asked
from tests.exchange.venue import Venue

REST = {
    "ping": ("GET", "ping"),
    "time": ("GET", "time"),
    "exchangeInfo": ("GET", "exchangeInfo"),
    "depth": ("GET", "depth"),
    "trades.recent": ("GET", "trades"),
    "trades.historical": ("GET", "historicalTrades"),
    "trades.aggregate": ("GET", "aggTrades"),
    "klines": ("GET", "klines"),
    "uiKlines": ("GET", "uiKlines"),
    "avgPrice": ("GET", "avgPrice"),
    "ticker": ("GET", "ticker"),
    "ticker.24hr": ("GET", "ticker/24hr"),
    "ticker.price": ("GET", "ticker/price"),
    "ticker.book": ("GET", "ticker/bookTicker"),
    "order.place": ("POST", "order"),
    "order.test": ("POST", "order/test"),
    "order.status": ("GET", "order"),
    "order.cancel": ("DELETE", "order"),
    "openOrders.status": ("GET", "openOrders"),
    "openOrders.cancelAll": ("DELETE", "openOrders"),
    "allOrders": ("GET", "allOrders"),
    "myTrades": ("GET", "myTrades"),
    "account.status": ("GET", "account"),
    "account.commission": ("GET", "account/commission"),
}
UNSUBSCRIBE = "userDataStream.unsubscribe"
SUBSCRIPTIONS = "session.subscriptions"


class UserSockets:
    def __init__(self, venue: Venue, hub: Hub) -> None:
        self.venue, self.hub = venue, hub
        self._numbers = itertools.count()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        line = Line()
        socket = await open_socket(request, line, self.hub)
        sender = asyncio.create_task(pump(socket, line))
        answering: set[asyncio.Task[None]] = set()
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                task = asyncio.create_task(self._answer(line, message.data))
                answering.add(task)
                task.add_done_callback(answering.discard)
        for task in answering:
            task.cancel()
        await close_socket(socket, line, self.hub, sender)
        return socket

    async def _answer(self, line: Line, text: str) -> None:
        try:
            message = json.loads(text)
            number, method = message.get("id"), message["method"]
            sent = message.get("params") or {}
        except (ValueError, KeyError, AttributeError):
            self._tell(line, None, 400, {"error": {"code": -1135, "msg": "Invalid JSON Request"}})
            return
        if method in (UNSUBSCRIBE, SUBSCRIPTIONS):
            self._tell(line, number, 200, {"result": self._manage(line, method, sent)})
            return
        if method != SUBSCRIBE and method not in REST:
            self._tell(line, number, 400, {"error": {"code": -1000, "msg": "Unknown method."}})
            return
        answer = await self.venue.answer(asked(method, sent))
        if answer.ending is Ending.HANG:
            return
        if answer.ending is not Ending.WHOLE:
            line.outbox.put_nowait(None)
            return
        self._pass_on(line, number, method, str(sent.get("apiKey", "")), answer)

    def _pass_on(self, line: Line, number: Any, method: str, key: str, answer: Answer) -> None:
        try:
            body = answer.body
        except ValueError:
            line.outbox.put_nowait(answer.text)
            return
        if answer.status != 200:
            self._tell(line, number, answer.status, {"error": body})
            return
        if method == SUBSCRIBE and body == {}:
            subscription = next(self._numbers)
            line.users[subscription] = key
            body = {"subscriptionId": subscription}
        self._tell(line, number, 200, {"result": body})

    def _manage(self, line: Line, method: str, sent: dict[str, Any]) -> Any:
        if method == SUBSCRIPTIONS:
            return [{"subscriptionId": subscription} for subscription in line.users]
        ended = [sent["subscriptionId"]] if "subscriptionId" in sent else list(line.users)
        for subscription in ended:
            key = line.users.get(subscription)
            if key is not None:
                event = Event(key, {"e": "eventStreamTerminated", "E": self.venue.now()}, personal=True)
                for told in line.texts(event):
                    line.outbox.put_nowait(told)
                del line.users[subscription]
        return {}

    def _tell(self, line: Line, number: Any, status: int, told: dict[str, Any]) -> None:
        weight = self.venue.limits.told()[0] | {"count": self.venue.limits.used()}
        line.outbox.put_nowait(json.dumps({"id": number, "status": status, **told, "rateLimits": [weight]}))


def asked(method: str, sent: dict[str, Any]) -> Asked:
    """The message as the REST request it stands for; its signature covers the sorted parameters."""
    params = {name: _text(value) for name, value in sent.items()}
    signature, key = params.pop("signature", ""), params.get("apiKey", "")
    payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
    verb, path = ("WS", SUBSCRIBE) if method == SUBSCRIBE else REST[method]
    return Asked(verb, path if verb == "WS" else API + path, params, payload, signature, key, strict=False)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, list) else str(value)
