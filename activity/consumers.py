"""The one socket of a page: it listens for its user and for the markets of the user's bots.

Nothing is taken from the client. Who listens is told by the session alone, and asked again every
minute: a socket does not outlive its session by more than that.
"""

import asyncio
import logging
from importlib import import_module
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.signals import user_logged_out
from django.core.cache import cache
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User
from activity.live import LAYER_DOWN, WATCHED_FOR_S, market_group, send_to, user_group, watch_key
from activity.queries import live_sequence, markets_followed

CHECK_EVERY_S = 60.0
HEARD_LENGTH_MAX = 4096
SIGNED_OUT = 4401
TOO_LONG = 1009
BROKEN = 1011

log = logging.getLogger(__name__)


def session_holds(session_key: str | None, user_id: UUID) -> bool:
    """Whether the session still exists and still signs in this active user."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    return get_user(request).pk == user_id


@receiver(user_logged_out, dispatch_uid="activity.consumers.end_sockets")
def end_sockets(request: HttpRequest | None, user: User | None, **_: Any) -> None:
    """Close at once what a minute's check would close."""
    key = request.session.session_key if request is not None and hasattr(request, "session") else None
    if user is None or key is None:
        return
    try:
        send_to(user_group(user.pk), [{"type": "live.end", "session": key}])
    except LAYER_DOWN as fault:
        log.warning("end_sockets.unheard", extra={"fault": str(fault)})


class LiveConsumer(AsyncWebsocketConsumer):
    user: User
    watch: asyncio.Task[None] | None = None

    def __init__(self, *, check_every_s: float = CHECK_EVERY_S) -> None:
        super().__init__()
        self.check_every_s = check_every_s
        self.bots: set[str] = set()
        self.joined: set[str] = set()

    async def connect(self) -> None:
        user = self.scope.get("user")
        if user is None or not user.is_authenticated:
            await self.close(code=SIGNED_OUT)
            return
        self.user = await database_sync_to_async(User.objects.get)(pk=user.pk)
        await self._join({user_group(self.user.pk)})
        await self._follow()
        await self.accept()
        # Told after joining: a delivery made in between is then either heard or seen as a gap.
        await self._tell_latest()
        self.watch = asyncio.create_task(self._watch())

    async def disconnect(self, code: int) -> None:
        if self.watch is not None:
            self.watch.cancel()
        for group in self.joined:
            await self.channel_layer.group_discard(group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if len(text_data or bytes_data or "") > HEARD_LENGTH_MAX:
            await self.close(code=TOO_LONG)

    async def live_fragment(self, message: dict[str, Any]) -> None:
        await self.send(text_data=message["text"])
        if not self.bots.issuperset(message["bots"]):
            await self._follow()

    async def live_latest(self, message: dict[str, Any]) -> None:
        await self._send_latest(message["sequence"])

    async def live_price(self, message: dict[str, Any]) -> None:
        await self.send(text_data=message["text"])

    async def live_part(self, message: dict[str, Any]) -> None:
        await self.send(text_data=message["text"])

    async def live_end(self, message: dict[str, Any]) -> None:
        if message["session"] == self._session_key:
            await self.close(code=SIGNED_OUT)

    @property
    def _session_key(self) -> str | None:
        key: str | None = self.scope["session"].session_key
        return key

    async def _watch(self) -> None:
        """Until the socket closes; Daphne ends every socket after a day."""
        try:
            while True:
                await asyncio.sleep(self.check_every_s)
                if not await database_sync_to_async(session_holds)(self._session_key, self.user.pk):
                    await self.close(code=SIGNED_OUT)
                    return
                await self._follow()
                await self._tell_latest()
        except Exception:
            # The outermost loop: what cannot be checked must not stay open; the page connects again.
            log.exception("live.watch_failed")
            await self.close(code=BROKEN)

    async def _follow(self) -> None:
        """Say that somebody looks, and hear the markets of the bots there are now."""
        await cache.aset(watch_key(self.user.pk), 1, WATCHED_FOR_S)
        bots, markets = await database_sync_to_async(markets_followed)(self.user)
        self.bots = {str(bot_id) for bot_id in bots}
        groups = {market_group(exchange, ticker) for exchange, ticker in markets}
        groups.add(user_group(self.user.pk))
        for group in self.joined - groups:
            await self.channel_layer.group_discard(group, self.channel_name)
        await self._join(groups - self.joined)
        self.joined = groups

    async def _join(self, groups: set[str]) -> None:
        for group in groups:
            await self.channel_layer.group_add(group, self.channel_name)
        self.joined |= groups

    async def _tell_latest(self) -> None:
        await self._send_latest(await database_sync_to_async(live_sequence)(self.user.pk))

    async def _send_latest(self, sequence: int) -> None:
        await self.send(text_data=f'<i id="live" data-seq-latest="{sequence}"></i>')
