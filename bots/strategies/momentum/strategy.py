"""The momentum bot: what it wants to rest on the book, given what it remembers and sees."""

from collections.abc import Iterable
from decimal import Decimal
from typing import ClassVar

from bots.strategies.base import (
    ENTRY,
    Candles,
    Closed,
    Plan,
    Preflight,
    Seen,
    SignalRow,
    Signals,
    Wake,
    marked,
)
from bots.strategies.momentum.entry import entry_order
from bots.strategies.momentum.fills import booked, closed, reopened
from bots.strategies.momentum.memory import EXITING, Deal, MomentumMemory, Signal
from bots.strategies.momentum.preflight import preflight
from bots.strategies.momentum.protection import Protected, protects, wanted_protected, watching_protected
from bots.strategies.momentum.settings import MomentumSettings
from bots.strategies.momentum.signals import ENTER, atr_of, candles_needed, signals, verdicts
from bots.strategies.momentum.watch import Look
from bots.strategies.momentum.wishes import wanted, watching
from orders.records import replace
from orders.rules import Market


class Momentum:
    """Enters on a closed candle's signal, and leaves by stop, trail, target, cross or age."""

    version: ClassVar[int] = 2
    memory_type: ClassVar[type] = MomentumMemory

    def __init__(self, settings: MomentumSettings, market: Market) -> None:
        self.settings = settings
        self.market = market
        self._period_ms = settings.timeframe.period_ms
        self._entry = settings.entry.value.replace("_", " ")
        self._idle = Wake(candle=settings.candle, mark=ENTER)
        self._protects = protects(settings, market)

    @property
    def timeframe(self) -> str | None:
        return self.settings.candle

    @property
    def candles_needed(self) -> int:
        return candles_needed(self.settings)

    def first_memory(self) -> MomentumMemory:
        return MomentumMemory()

    def restarted(self, memory: MomentumMemory) -> MomentumMemory:
        """The memory with which a stopped bot starts again: an old signal or cooldown is over."""
        return replace(memory, signal=None, cool_until=0, said="")

    def prepare(self, candles: Candles) -> Signals:
        return signals(self.settings, candles)

    def preflight(self, price: Decimal) -> Preflight:
        return preflight(self.settings, self.market, price)

    def decide(self, memory: MomentumMemory, seen: Seen) -> Plan[MomentumMemory]:
        reasons: list[str] = []
        for fill in seen.fills:
            memory = booked(memory, fill)
        if memory.deal is None and (seen.fills or seen.closing):
            memory = self._late(memory, seen)
        fresh = seen.candle is not None and seen.candle.at > memory.looked_at
        if fresh or memory.signal is not None:
            memory = self._expired(memory, seen, fresh)
        if memory.deal is not None:
            memory = self._advanced(memory, memory.deal, seen, fresh, reasons)
        elif fresh and seen.candle is not None:
            memory = self._signalled(memory, seen.candle, reasons)
        if memory.deal is None:
            return self._flat(memory, seen, reasons)
        deal = memory.deal
        if self._protects or deal.protection is not None:
            orders = wanted_protected(self.settings, self.market, memory, deal, seen)
            wake = watching_protected(self.settings, self.market, memory, deal, seen)
        else:
            orders = wanted(self.settings, self.market, memory, deal, seen)
            wake = watching(self.settings, self.market, memory, deal, seen)
        return Plan(memory, orders, wake, tuple(reasons), deal.number)

    def figures(self, memory: MomentumMemory) -> dict[str, Decimal]:
        """What a page shows of the open deal, in quote; empty when flat."""
        deal = memory.deal
        if deal is None or not deal.held.amount:
            return {}
        shown = {"average": deal.held.average}
        if deal.target is not None:
            shown["target"] = deal.target.price
        if deal.stop is not None:
            shown["stop"] = deal.stop if deal.trail is None else max(deal.stop, deal.trail)
        if deal.protection is not None and not deal.protection.refused:
            shown["stop"] = deal.protection.trigger
        return shown

    def _late(self, memory: MomentumMemory, seen: Seen) -> MomentumMemory:
        """Coins of a closed deal that can be sold again are sold, before anything new is bought."""
        if self.market.enough(self.market.amount(memory.dust.amount), seen.bid):
            return reopened(memory, seen.now)
        return memory

    def _expired(self, memory: MomentumMemory, seen: Seen, fresh: bool) -> MomentumMemory:
        """A signal is acted on once, and until the next candle closes; the ATR is the last candle's."""
        if fresh and seen.candle is not None:
            return replace(memory, signal=None, atr=atr_of(seen.candle.values), looked_at=seen.candle.at)
        signal = memory.signal
        if signal is None or not (seen.now >= signal.until or _entry_ended(seen.closed)):
            return memory
        return replace(memory, signal=None)

    def _signalled(self, memory: MomentumMemory, candle: SignalRow, reasons: list[str]) -> MomentumMemory:
        """The memory with a signal, when the candle says buy and every filter agrees."""
        if not marked(candle.values[ENTER]):
            return memory
        said = list(verdicts(self.settings, candle.values))
        refused = [verdict.name for verdict in said if not verdict.passed]
        cooling = candle.at < memory.cool_until
        if cooling:
            refused.append("the cooldown after a stop")
        outcome = f"no entry, for {' and '.join(refused)}" if refused else "entering"
        reasons.append(f"Signal {self._entry} at {candle.close:f}: {outcome}.")
        reasons.extend(map(str, said))
        if refused:
            return memory
        return replace(memory, signal=Signal(candle.at, candle.at + 2 * self._period_ms))

    def _advanced(
        self, memory: MomentumMemory, deal: Deal, seen: Seen, fresh: bool, reasons: list[str]
    ) -> MomentumMemory:
        """The deal after what has happened to it: opened, sold, stopped, or over."""
        # A deal whose stop rests goes on so, whatever its market says meanwhile.
        kind = Protected if self._protects or deal.protection is not None else Look
        look = kind(self.settings, self.market, seen, fresh, reasons)
        now = look.ordered(memory, deal)
        if now.phase is not EXITING:
            now = look.watched(memory, look.moved(memory, now))
        if not look.over(memory, now):
            return memory if now is deal else replace(memory, deal=now)
        reasons.append(look.farewell(memory, now))
        cool = self.settings.cooldown_candles if now.stopped else 0
        begun = seen.now // self._period_ms * self._period_ms
        return closed(memory, now, begun + cool * self._period_ms if cool else 0)

    def _flat(self, memory: MomentumMemory, seen: Seen, reasons: list[str]) -> Plan[MomentumMemory]:
        if seen.closing:
            return Plan(memory, {}, Wake(), tuple(reasons), finished=not seen.live)
        signal = memory.signal
        if signal is None:
            return Plan(memory, {}, self._idle, tuple(reasons))
        memory, order, refusal = entry_order(self.settings, self.market, memory, signal, seen)
        if refusal != memory.said:
            memory = replace(memory, said=refusal)
            if refusal:
                reasons.append(refusal)
        orders = {} if order is None else {f"deal-{memory.deals + 1}/entry": order}
        return Plan(memory, orders, replace(self._idle, at=signal.until), tuple(reasons))


def _entry_ended(closed: Iterable[Closed]) -> bool:
    return any(order.intent.role is ENTRY and order.slot.endswith("/entry") for order in closed)
