"""A connection is opened again whatever has ended it, and how long it stood decides how soon."""

import asyncio
from typing import Any

from orders.gateways.exchange.client import Client
from orders.gateways.exchange.streams.kept import Pace, kept

ENOUGH = 4


class Never:
    """A connection that cannot be prepared, for a reason nobody thought of."""

    name = "never"
    tries = 0

    def rest(self) -> Client:
        self.tries += 1
        raise ConnectionResetError("the cache is away")

    def heard(self, rest: Client) -> Any:
        raise AssertionError("it was never ready")

    async def listen(self, pro: Any, rest: Client) -> None:
        raise AssertionError("it was never ready")

    def lost(self) -> None:
        raise AssertionError("it was never open")


def test_what_cannot_be_prepared_is_tried_again_whatever_the_reason() -> None:
    connection = Never()

    async def tried() -> None:
        task = asyncio.ensure_future(kept(connection, Pace(0.001, 0.002)))
        async with asyncio.timeout(5):
            while connection.tries < ENOUGH:
                await asyncio.sleep(0.001)
        task.cancel()

    asyncio.run(tried())
    assert connection.tries >= ENOUGH
