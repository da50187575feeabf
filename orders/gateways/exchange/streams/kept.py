"""A connection that is opened again and again: soon at first, then later and later, and not all at once."""

import asyncio
import logging
import time
from dataclasses import dataclass
from functools import partial
from secrets import randbelow
from typing import Any, Protocol

from orders.gateways.base import GatewayError, RateLimited
from orders.gateways.exchange.client import Client
from orders.gateways.exchange.spoken import WrongHost
from orders.gateways.exchange.streams.apart import apart
from orders.gateways.exchange.streams.heard import NoStream, close

AGAIN_FIRST_S = 0.5
AGAIN_MAX_S = 60.0
JITTER_STEPS = 1000

log = logging.getLogger(__name__)


class Silent(Exception):
    """Nothing has come for longer than it should."""


@dataclass(slots=True)
class Pace:
    """How long to stay away after each failure in a row: between half and the whole of a doubling time."""

    first_s: float = AGAIN_FIRST_S
    most_s: float = AGAIN_MAX_S
    failures: int = 0

    def next_s(self) -> float:
        whole = min(self.first_s * 2.0 ** min(self.failures, 30), self.most_s)
        self.failures += 1
        return whole * (1 + randbelow(JITTER_STEPS) / JITTER_STEPS) / 2

    def steady(self) -> None:
        self.failures = 0


class Connection(Protocol):
    """What a connection is for."""

    @property
    def name(self) -> str: ...

    def rest(self) -> Client:
        """Whose streams it opens; may block, and raises a `GatewayError`."""

    def heard(self, rest: Client) -> Any:
        """The ccxt.pro instance to listen with."""

    async def listen(self, pro: Any, rest: Client) -> None:
        """Until it fails, which it does by raising."""

    def lost(self) -> None:
        """It has ended."""


async def kept(connection: Connection, pace: Pace) -> None:
    """Keep it open until cancelled, or until it is known that there is no such stream."""
    while True:
        try:
            wait_s = await _once(connection, pace)
        except (NoStream, WrongHost) as never:
            log.info("streams.none", extra={"stream": connection.name, "why": str(never)})
            return
        await asyncio.sleep(wait_s)


def _ready(connection: Connection) -> tuple[Client, float]:
    """Whom to listen as, and for how many seconds its exchange wants nobody to come."""
    rest = connection.rest()
    return rest, rest.breaker.wait_s(time.time())


async def _once(connection: Connection, pace: Pace) -> float:
    """Open it and listen to its end; returns after how many seconds it may be opened again."""
    try:
        rest, wait_s = await apart(partial(_ready, connection))
        pro = None if wait_s else connection.heard(rest)
    except (NoStream, WrongHost):
        raise
    except RateLimited as limited:
        return max(limited.wait_s, pace.next_s())
    except GatewayError as trouble:
        log.warning("streams.unready", extra={"stream": connection.name, "why": str(trouble)})
        return pace.next_s()
    except Exception as error:  # noqa: BLE001  # the cache may be away; its words may hold an address
        log.warning("streams.unready", extra={"stream": connection.name, "why": type(error).__name__})
        return pace.next_s()
    if pro is None:
        return max(wait_s, pace.next_s())
    began_s = time.monotonic()
    try:
        await connection.listen(pro, rest)
    except WrongHost:
        raise
    except Exception as end:  # noqa: BLE001  # ccxt raises what it likes; its words may hold addresses and keys
        log.warning("streams.lost", extra={"stream": connection.name, "why": type(end).__name__})
    finally:
        connection.lost()
        await _closed(pro)
    if time.monotonic() - began_s > pace.most_s:
        pace.steady()  # one that stood so long was none that fails again and again
    return pace.next_s()


async def _closed(pro: Any) -> None:
    """Also when it is let go meanwhile: whoever does that waits, and it does not take long."""
    closing = asyncio.ensure_future(close(pro))
    try:
        await asyncio.shield(closing)
    except asyncio.CancelledError:
        await closing
        raise
