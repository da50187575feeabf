"""The scalper: what it wants to rest on the book, given what it remembers and sees."""

from decimal import Decimal
from typing import ClassVar

from bots.strategies import words
from bots.strategies.base import Candles, Plan, Preflight, Seen, Signals, Wake, marked
from bots.strategies.facts import told_once
from bots.strategies.scalper import signals
from bots.strategies.scalper.entry import next_entry
from bots.strategies.scalper.fills import booked, refused
from bots.strategies.scalper.memory import Deal, ScalperMemory
from bots.strategies.scalper.preflight import preflight
from bots.strategies.scalper.settings import ScalperSettings
from bots.strategies.scalper.watch import Look, stop_price, target_price
from bots.strategies.scalper.wishes import Wishes
from orders.records import replace
from orders.rules import Market


class Scalper:
    """Buys on a quick signal or with a resting bid; sells at a near target, a near stop or in time."""

    version: ClassVar[int] = 1
    memory_type: ClassVar[type] = ScalperMemory

    def __init__(self, settings: ScalperSettings, market: Market) -> None:
        self.settings = settings
        self.market = market

    @property
    def timeframe(self) -> str | None:
        return None if self.settings.captures_spread else self.settings.candle

    @property
    def candles_needed(self) -> int:
        return signals.candles_needed(self.settings)

    def first_memory(self) -> ScalperMemory:
        return ScalperMemory()

    def restarted(self, memory: ScalperMemory) -> ScalperMemory:
        """The memory with which a stopped bot starts again: its limits are measured from here."""
        return ScalperMemory(deals=memory.deals, deal=memory.deal, flat_realised=memory.flat_realised)

    def prepare(self, candles: Candles) -> Signals:
        return signals.columns(self.settings, candles)

    def preflight(self, price: Decimal) -> Preflight:
        return preflight(self.settings, self.market, price)

    def figures(self, memory: ScalperMemory) -> dict[str, Decimal]:
        """What a page shows of the open deal, in quote; empty when flat."""
        deal = memory.deal
        if deal is None or not deal.bought:
            return {}
        target = target_price(self.settings, self.market, deal, deal.opened_at)
        return {"average": deal.average, "target": target, "stop": stop_price(self.settings, deal)}

    def decide(self, memory: ScalperMemory, seen: Seen) -> Plan[ScalperMemory]:
        reasons: list[str] = []
        for fill in seen.fills:
            known = memory.deal
            memory = booked(self.settings, memory, fill)
            if known is None and memory.deal is not None:
                at = words.price(fill.price, self.market)
                reasons.append(f"Deal {memory.deals} opened at {at}.")
        if seen.closed:
            memory = refused(memory, seen.closed, seen.now)
        if seen.closing:
            memory = self._left_over(memory, seen)
        if memory.deal is not None:
            look = Look(self.settings, self.market, seen, reasons)
            deal = look.watched(look.ordered(memory.deal))
            if not look.over(deal):
                return self._in_deal(memory, deal, seen, reasons)
            memory = look.ended(memory, deal)
        return self._flat(memory, seen, reasons)

    def _left_over(self, memory: ScalperMemory, seen: Seen) -> ScalperMemory:
        """Dust that has grown dear enough to sell is sold when the bot is to be flat."""
        held = seen.position
        if memory.deal is not None or seen.live:
            return memory
        if not self.market.enough(self.market.amount(held.amount), seen.bid):
            return memory
        number = max(memory.deals, 1)
        deal = Deal(number=number, opened_at=seen.now, bought=held.amount, value=held.cost)
        return replace(memory, deal=deal, deals=number)

    def _in_deal(
        self, memory: ScalperMemory, deal: Deal, seen: Seen, reasons: list[str]
    ) -> Plan[ScalperMemory]:
        wishes = Wishes(self.settings, self.market, memory, deal, seen)
        if deal.leaving:
            wishes.leaving()
        else:
            wishes.holding()
        if wishes.deal is not memory.deal or memory.said:
            memory = replace(memory, deal=wishes.deal, said="")
        return Plan(memory, wishes.orders, wishes.wake, tuple(reasons), deal.number)

    def _flat(self, memory: ScalperMemory, seen: Seen, reasons: list[str]) -> Plan[ScalperMemory]:
        if seen.closing:
            return Plan(memory, {}, Wake(), tuple(reasons), finished=not seen.live)
        if seen.candle is not None and marked(seen.candle.values[signals.BUY]):
            memory = replace(memory, signal_at=seen.now, quote=None)
        entry = next_entry(self.settings, self.market, memory, seen)
        memory = told_once(entry.memory, entry.why or entry.refusal, reasons)
        orders = {} if entry.order is None else {f"deal-{memory.deals + 1}/entry": entry.order}
        return Plan(
            memory,
            orders,
            entry.wake,
            tuple(reasons),
            paused_until=entry.until,
            paused_why=entry.why,
        )
