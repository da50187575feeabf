"""Waiting for what ccxt is told: it forgets to say so of a message that comes between two of its watches."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any


async def watched(watch: Callable[[], Awaitable[Any]], look: Callable[[], None], every_s: float) -> None:
    """Calls `look`, which reads what ccxt keeps, whenever a watch has come, and besides so often. Raises what
    the watch does."""
    task: asyncio.Future[Any] | None = None
    try:
        while True:
            task = task or asyncio.ensure_future(watch())
            await asyncio.wait({task}, timeout=every_s)
            # All that has arrived by now; and whoever never waits would keep the others from their turn.
            await asyncio.sleep(0)
            if task.done():
                ended, task = task, None
                ended.result()
            look()
    finally:
        if task is not None:
            task.cancel()
