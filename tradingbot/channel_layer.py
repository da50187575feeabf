"""The channel layer of the embedded topology: in memory, and safe to use from any thread.

Channels' own in-memory layer belongs to the loop that receives. A task in a worker thread sends
from a loop of its own, where the receiver notices only by chance, so sending moves to the receiver's loop.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

from channels.layers import InMemoryChannelLayer

SEND_TIMEOUT_S = 5


class ThreadSafeChannelLayer(InMemoryChannelLayer):
    """All sockets of a process live on one loop: the first to receive or join names it."""

    _home: asyncio.AbstractEventLoop | None = None

    async def receive(self, channel: str) -> dict[str, Any]:
        self._come_home()
        message: dict[str, Any] = await super().receive(channel)
        return message

    async def group_add(self, group: str, channel: str) -> None:
        self._come_home()
        await super().group_add(group, channel)

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        await self._at_home(super().send(channel, message))

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        await self._at_home(super().group_send(group, message))

    def _come_home(self) -> None:
        here = asyncio.get_running_loop()
        if self._home is None or self._home.is_closed():
            self._home = here

    async def _at_home(self, sending: Coroutine[Any, Any, None]) -> None:
        home = self._home
        # A loop that has stopped is the server's at its end: nobody would ever answer from there.
        if home is None or not home.is_running() or home is asyncio.get_running_loop():
            await sending
            return
        moved = asyncio.run_coroutine_threadsafe(sending, home)
        await asyncio.wait_for(asyncio.wrap_future(moved), SEND_TIMEOUT_S)
