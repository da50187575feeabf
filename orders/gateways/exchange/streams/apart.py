"""A call that blocks, made beside the event loop."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


def apart(call: Callable[[], T]) -> Awaitable[T]:
    """What a call that blocks returns or raises. Its thread is nobody's to wait for at an end."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: Any, error: Exception | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def work() -> None:
        result, trouble = None, None
        try:
            result = call()
        except Exception as error:  # noqa: BLE001  # the thread's outermost: it is raised where it is awaited
            trouble = error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, result, trouble)

    threading.Thread(target=work, name="streams-ask", daemon=True).start()
    return future
