"""The dip bot: what it wants to rest on the book, given what it remembers and sees."""

from decimal import Decimal
from typing import ClassVar

from bots.strategies.base import Candles, OrderIntent, Plan, Preflight, Seen, Signals, Wake
from bots.strategies.dip import signals
from bots.strategies.dip.buying import RETRY_MS, buying, settled, until, wish
from bots.strategies.dip.episodes import after_candle, lowered, trigger
from bots.strategies.dip.fills import booked, closed, reopened
from bots.strategies.dip.memory import Deal, DipMemory, Phase
from bots.strategies.dip.preflight import preflight
from bots.strategies.dip.settings import DipSettings
from bots.strategies.dip.targets import rebuy_price, stop_price
from bots.strategies.dip.watch import Look
from bots.strategies.dip.wishes import Wishes
from bots.strategies.facts import told_once
from bots.strategies.wakes import nearest
from orders.records import replace
from orders.rules import Market


class Dip:
    """Waits for a fall, buys it in up to `max_buys` steps, and sells in parts over the average."""

    version: ClassVar[int] = 1
    memory_type: ClassVar[type] = DipMemory

    def __init__(self, settings: DipSettings, market: Market) -> None:
        self.settings = settings
        self.market = market

    @property
    def timeframe(self) -> str | None:
        return self.settings.timeframe.value

    @property
    def candles_needed(self) -> int:
        return signals.candles_needed(self.settings)

    def first_memory(self) -> DipMemory:
        return DipMemory()

    def restarted(self, memory: DipMemory) -> DipMemory:
        """The memory with which a stopped bot starts again: an open deal goes on, a dip not yet bought
        was seen too long ago."""
        episode = memory.episode if memory.deal else None
        return replace(memory, ordered=None, episode=episode, said="")

    def prepare(self, candles: Candles) -> Signals:
        return signals.columns(self.settings, candles)

    def preflight(self, price: Decimal) -> Preflight:
        return preflight(self.settings, self.market, price)

    def decide(self, memory: DipMemory, seen: Seen) -> Plan[DipMemory]:
        reasons: list[str] = []
        for fill in seen.fills:
            memory = booked(memory, fill)
        memory = self._late(memory, seen)
        memory = settled(self.settings, memory, seen, reasons)
        memory = self._signalled(memory, seen, reasons)
        if memory.deal is not None:
            memory = self._advanced(memory, memory.deal, seen, reasons)
        if memory.deal is not None:
            return self._in_deal(memory, memory.deal, seen, reasons)
        return self._flat(memory, seen, reasons)

    def figures(self, memory: DipMemory) -> dict[str, Decimal]:
        """What a page shows of the open deal, in quote; empty when flat."""
        deal = memory.deal
        if deal is None or not deal.held.amount:
            return {}
        shown = {"average": deal.held.average}
        target = next((leg.price for leg in deal.legs if leg.left > 0), None)
        stop = stop_price(self.settings, deal)
        if target is not None:
            shown["target"] = target
        if stop is not None:
            shown["stop"] = stop
        return shown

    def _late(self, memory: DipMemory, seen: Seen) -> DipMemory:
        """Coins of a closed deal that can be sold again open its exit, before anything new is bought."""
        dust = self.market.amount(memory.dust.amount)
        late = memory.deal is None and dust and (seen.fills or seen.closing)
        if not (late and self.market.enough(dust, seen.bid)):
            return memory
        return reopened(memory, seen.now, Phase.EXITING if seen.closing else Phase.WINDING)

    def _signalled(self, memory: DipMemory, seen: Seen, reasons: list[str]) -> DipMemory:
        if seen.candle is not None:
            signal = signals.Signal.of(self.settings, seen.candle)
            memory = after_candle(self.settings, memory, signal, sent=memory.buy_slot in seen.live)
            episode = memory.episode
            if memory.deal is None and (signal.refusal or not signal.dips):
                memory = told_once(memory, signal.refusal, reasons)
            new = episode is not None and episode.armed and episode.armed_at == signal.at
            if new and episode is not None and self.settings.rebound_pct:
                fall = signals.fall_pct(episode.high, signal.close)
                reasons.append(f"A dip of {fall:.2f} % under {episode.high:f} is armed.")
        return lowered(memory, seen)

    def _advanced(self, memory: DipMemory, deal: Deal, seen: Seen, reasons: list[str]) -> DipMemory:
        """The deal after what has happened to it: bought, sold, stopped, or over."""
        look = Look(self.settings, self.market, seen, reasons)
        deal = look.ordered(memory, deal)
        deal = look.moved(memory, deal)
        deal = look.watched(deal)
        if look.over(memory, deal):
            reasons.append(look.farewell(memory, deal))
            return closed(memory, deal)
        done = deal.phase is not Phase.HOLDING or deal.stepped
        return replace(memory, deal=deal, ordered=None if done else memory.ordered)

    def _in_deal(self, memory: DipMemory, deal: Deal, seen: Seen, reasons: list[str]) -> Plan[DipMemory]:
        refusal = ""
        level = rebuy_price(self.settings, deal)
        wants = deal.phase is Phase.HOLDING and memory.ordered is None and level is not None
        if wants and level is not None and seen.last <= level:
            number = deal.buys[-1].number + 1
            rebuy = buying(self.settings, self.market, memory, seen, number)
            memory, refusal = replace(memory, ordered=rebuy.ordered), rebuy.refusal
            memory = told_once(memory, refusal, reasons)
        wishes = Wishes(self.settings, self.market, memory, deal, seen)
        wake = wishes.wake(refused=bool(refusal))
        return Plan(memory, wishes.orders(), wake, tuple(reasons), deal.number)

    def _flat(self, memory: DipMemory, seen: Seen, reasons: list[str]) -> Plan[DipMemory]:
        if seen.closing:
            memory = replace(memory, ordered=None)
            return Plan(memory, {}, Wake(), tuple(reasons), finished=not seen.live)
        episode = memory.episode
        # An episode changes with every candle, unless a closed deal lets go of it.
        follows = memory.said or (episode is not None and (episode.armed or self.settings.rearm_pct))
        wake = Wake(candle=self.timeframe, mark="" if follows else signals.DIPS)
        if episode is not None and episode.armed and memory.ordered is None:
            level = trigger(self.settings, episode)
            if seen.last >= level:
                entry = buying(self.settings, self.market, memory, seen, 1)
                memory = replace(memory, ordered=entry.ordered)
                memory = told_once(memory, entry.refusal, reasons)
                wake = nearest(wake, Wake(at=seen.now + RETRY_MS)) if entry.refusal else wake
            elif self.settings.rebound_pct:
                wake = nearest(wake, Wake(trough=episode.low, above=level))
        orders: dict[str, OrderIntent] = {}
        if memory.ordered is not None:
            orders[memory.buy_slot] = wish(memory.ordered)
            wake = nearest(wake, Wake(at=until(self.settings, memory.ordered)))
        return Plan(memory, orders, wake, tuple(reasons))
