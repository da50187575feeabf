"""The exchange without a network: its books, its rules, its faults and its memory of what was asked."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from tests.exchange import effects
from tests.exchange.accounts import Account
from tests.exchange.answers import Answer
from tests.exchange.faults import EVENT_EFFECTS, Faults
from tests.exchange.hub import Hub
from tests.exchange.ledger import Ledger
from tests.exchange.limits import Limits
from tests.exchange.oracle import Oracle
from tests.exchange.symbols import SYMBOLS, Symbol
from tests.exchange.turn import Asked, Turn

HELD_POLL_S = 0.01
ALICE = "alice-key"
MONEY = {"USDT": 100_000, "BTC": 2, "ETH": 20, "SOL": 500}


def wall_clock() -> int:
    return time.time_ns() // 1_000_000


class Venue:
    """`clock` tells milliseconds; `skew_ms` puts the exchange's own clock ahead (or behind, if negative)."""

    ledger: Ledger
    limits: Limits
    oracle: Oracle
    alice: Account

    def __init__(
        self,
        *,
        symbols: Mapping[Symbol, Decimal] = SYMBOLS,
        clock: Callable[[], int] = wall_clock,
        first_id: int = 1,
        fills_on: str = "touch",
    ) -> None:
        self._symbols, self._clock = symbols, clock
        self._first_id, self._fills_on = first_id, fills_on
        self.faults = Faults({**effects.options(), **EVENT_EFFECTS})
        self.hub = Hub(self.faults, lambda: self.ledger)
        self._tasks: set[asyncio.Task[None]] = set()
        self.reset()

    def reset(self) -> None:
        """A new day: fresh books with one account, Alice's; no faults, nothing remembered."""
        self.faults.clear()
        self.skew_ms = 0
        self.ledger = Ledger(self._symbols, clock=self.now, first_id=self._first_id, fills_on=self._fills_on)
        self.limits, self.oracle = Limits(self.now), Oracle()
        self.alice = self.ledger.open_account(ALICE, "alice-secret", **MONEY)
        self.ledger.listeners.append(self.hub)

    def now(self) -> int:
        return self._clock() + self.skew_ms

    async def answer(self, asked: Asked) -> Answer:
        """Answers a request, through the faults that befall it."""
        seen = self.oracle.note(self.now(), asked.method, asked.path, asked.params, asked.key)
        faults = self.faults.strike(asked.method, asked.path, asked.params)
        held = partial(self._held, self.faults.released)
        turn = Turn(asked, self.ledger, self.limits, seen, self._background, held)
        return await effects.run(turn, faults)

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @staticmethod
    async def _held(released: threading.Event) -> None:
        """Waits for the release that follows the request's arrival."""
        while not released.is_set():
            await asyncio.sleep(HELD_POLL_S)

    async def close(self) -> None:
        """Gives up what is still held back."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
