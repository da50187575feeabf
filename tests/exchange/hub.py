"""From the ledger to the sockets: every event passes the faults once, then goes to each line that listens.

The ledger calls in any thread and under its lock; the lines live in the server's event loop.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from tests.exchange import streams
from tests.exchange.accounts import Account
from tests.exchange.effects import rewritten
from tests.exchange.faults import EVENT, Fault, Faults
from tests.exchange.ledger import Ledger
from tests.exchange.market import Market, Tick
from tests.exchange.orders import Order, Trade


@dataclass(frozen=True)
class Event:
    """`target` is a stream's name or, for an account's own events, its key."""

    target: str
    payload: Any
    personal: bool = False

    @property
    def name(self) -> str:
        """What faults know it by: executionReport, bookTicker, kline, …"""
        if isinstance(self.payload, dict) and "e" in self.payload:
            return str(self.payload["e"])
        return self.target.partition("@")[2].partition("@")[0] or self.target

    @property
    def fields(self) -> dict[str, str]:
        payload = self.payload if isinstance(self.payload, dict) else {}
        return {name: str(value) for name, value in payload.items()}


@dataclass(eq=False)
class Line:
    """A socket's side of the hub. None in `outbox` ends the connection."""

    outbox: asyncio.Queue[str | None] = field(default_factory=asyncio.Queue)
    streams: set[str] = field(default_factory=set)
    combined: bool = False
    # The accounts it hears, by subscription id.
    users: dict[int, str] = field(default_factory=dict)

    def texts(self, event: Event) -> list[str]:
        """The event as this line is told it: once for each way it subscribed to it."""
        if event.personal:
            return [
                json.dumps({"subscriptionId": number, "event": event.payload})
                for number, key in self.users.items()
                if key == event.target
            ]
        if event.target not in self.streams:
            return []
        told = {"stream": event.target, "data": event.payload} if self.combined else event.payload
        return [json.dumps(told)]


class Loop(Protocol):
    """What the hub needs of the server's event loop."""

    def call_soon_threadsafe(self, callback: Callable[..., Any], *args: Any) -> Any: ...

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any) -> Any: ...


class Hub:
    """The listener of a venue's ledger."""

    def __init__(self, faults: Faults, ledger: Callable[[], Ledger]) -> None:
        self.loop: Loop | None = None
        self.lines: set[Line] = set()
        self._faults, self._ledger = faults, ledger
        self._kept: dict[int, list[Event]] = {}

    def cut(self) -> None:
        """Every line is gone, at once and without a word."""
        if self.loop is not None:
            for line in tuple(self.lines):
                self.loop.call_soon_threadsafe(line.outbox.put_nowait, None)

    def reported(self, account: Account, order: Order, trade: Trade | None, execution: str) -> None:
        symbol = self._ledger().symbols[order.symbol]
        self.tell(Event(account.key, streams.execution_report(order, trade, execution), personal=True))
        self.tell(Event(account.key, streams.account_position(account, symbol, trade), personal=True))

    def deposited(self, account: Account, asset: str, amount: Decimal) -> None:
        self.tell(Event(account.key, streams.balance_update(account, asset, amount), personal=True))

    def ticked(self, market: Market, tick: Tick) -> None:
        self.quoted(market)
        for stream in self._wanted():
            self._tell_market(stream, streams.trade_event(stream, market, tick))

    def quoted(self, market: Market) -> None:
        changes, now = market.changes(), self._ledger().clock()
        for stream in self._wanted():
            self._tell_market(stream, streams.book_event(stream, market, changes, now))

    def _wanted(self) -> list[str]:
        return sorted({stream for line in tuple(self.lines) for stream in line.streams})

    def _tell_market(self, stream: str, payload: Any) -> None:
        if payload is not None:
            self.tell(Event(stream, payload))

    def tell(self, event: Event) -> None:
        """Sends an event through its faults to the lines; nobody listening, nothing happens."""
        if self.loop is None or not self.lines:
            return
        events = [event]
        for fault in self._faults.strike(EVENT, event.name, event.fields):
            events = [spoiled for each in events for spoiled in self._spoil(fault, each)]
        for each in events:
            self.loop.call_soon_threadsafe(self._deliver, each)

    def _spoil(self, fault: Fault, event: Event) -> list[Event]:
        """drop; duplicate (copies=3); shuffle (its `times` events, last first); hold (seconds, or until
        release); disconnect; rewrite (fields, remove)."""
        options = fault.options
        if fault.effect == "duplicate":
            return [event] * int(options.get("copies", 2))
        if fault.effect == "rewrite":
            payload = rewritten(
                event.payload, options.get("fields", {}), frozenset(options.get("remove", ()))
            )
            return [Event(event.target, payload, event.personal)]
        if fault.effect == "shuffle":
            kept = self._kept.setdefault(id(fault), [])
            kept.append(event)
            return [] if len(kept) < (fault.times or 2) else self._kept.pop(id(fault))[::-1]
        if fault.effect == "disconnect":
            self._in_loop(0, self._cut, event)
        elif fault.effect == "hold":
            self._hold(event, options.get("seconds"))
        return []

    def _hold(self, event: Event, seconds: float | None) -> None:
        if seconds is not None:
            self._in_loop(seconds, self._deliver, event)
        else:
            self._faults.when_released(lambda: self._in_loop(0, self._deliver, event))

    def _in_loop(self, delay: float, callback: Callable[[Event], None], event: Event) -> None:
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self.loop.call_later, delay, callback, event)

    def _deliver(self, event: Event) -> None:
        for line in tuple(self.lines):
            for told in line.texts(event):
                line.outbox.put_nowait(told)

    def _cut(self, event: Event) -> None:
        for line in tuple(self.lines):
            if line.texts(event):
                line.outbox.put_nowait(None)
