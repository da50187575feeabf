"""A stream that cannot even be made is tried again, unless it is known that there is none."""

import asyncio
from typing import Any

from orders.gateways.exchange.client import Client
from orders.gateways.exchange.streams.heard import NoStream
from orders.gateways.exchange.streams.kept import Pace, kept
from tests.gateways.exchange.desk import client
from tests.gateways.exchange.wire import Wire


class Unmade:
    """A connection whose end of ccxt cannot be made, until it is known why."""

    name = "unmade"

    def __init__(self, times: int) -> None:
        self.left = times

    def rest(self) -> Client:
        return client("binance", Wire())

    def heard(self, rest: Client) -> Any:
        self.left -= 1
        raise NoStream("there is none") if self.left < 0 else AttributeError("nobody has thought of it")

    async def listen(self, pro: Any, rest: Client) -> None:
        raise AssertionError("it was never made")

    def lost(self) -> None:
        raise AssertionError("it was never open")


def test_what_cannot_be_made_is_tried_again_until_it_is_known_that_there_is_none() -> None:
    connection = Unmade(times=3)
    asyncio.run(asyncio.wait_for(kept(connection, Pace(0.001, 0.002)), 5))
    assert connection.left == -1
