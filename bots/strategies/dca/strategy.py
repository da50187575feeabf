"""The DCA bot: what it wants to rest on the book, given what it remembers and sees."""

from decimal import Decimal
from functools import lru_cache
from typing import ClassVar

import numpy as np

from bots.strategies.base import Candles, Plan, Preflight, Seen, Signals, Wake, marked
from bots.strategies.dca import watch
from bots.strategies.dca.choices import Direction, StartCondition
from bots.strategies.dca.entry import BEYOND, WITHIN, next_entry
from bots.strategies.dca.fills import booked, closed, reopened
from bots.strategies.dca.ladder import Rung
from bots.strategies.dca.legs import stop_price
from bots.strategies.dca.memory import DcaMemory, Deal, Phase
from bots.strategies.dca.preflight import preflight
from bots.strategies.dca.settings import DcaSettings
from bots.strategies.dca.wishes import Wishes
from bots.strategies.facts import told_once
from bots.strategies.indicators import recursive_window, rsi
from orders.records import replace
from orders.rules import HUNDRED, Market

RSI = "rsi"


class Dca:
    """Buys a base order, adds safety orders under it, and sells the whole over the average."""

    version: ClassVar[int] = 1
    memory_type: ClassVar[type] = DcaMemory

    def __init__(self, settings: DcaSettings, market: Market) -> None:
        self.settings = settings
        self.market = market
        self._ladder = settings.ladder
        self._terms = settings.terms
        self._rungs = lru_cache(maxsize=4)(self._rungs_under)

    @property
    def timeframe(self) -> str | None:
        uses = self.settings.start_condition is StartCondition.RSI
        return self.settings.rsi_timeframe.value if uses else None

    @property
    def candles_needed(self) -> int:
        return recursive_window(self.settings.rsi_period) if self.timeframe else 0

    def first_memory(self) -> DcaMemory:
        return DcaMemory()

    def restarted(self, memory: DcaMemory) -> DcaMemory:
        """The memory with which a stopped bot starts again: its deals are counted from here."""
        return replace(memory, ended="", asked=False, signal=False, counted_from=memory.deals, next_at=0)

    def prepare(self, candles: Candles) -> Signals:
        if self.timeframe is None:
            return Signals()
        line, threshold = rsi(candles.close, self.settings.rsi_period), float(self.settings.rsi_threshold)
        below = self.settings.rsi_direction is Direction.BELOW
        beyond = line < threshold if below else line > threshold
        within = ~beyond & ~np.isnan(line)
        return Signals({RSI: line, BEYOND: beyond.astype(np.float64), WITHIN: within.astype(np.float64)})

    def preflight(self, price: Decimal) -> Preflight:
        return preflight(self.settings, self.market, price)

    def decide(self, memory: DcaMemory, seen: Seen) -> Plan[DcaMemory]:
        reasons: list[str] = []
        for fill in seen.fills:
            memory = booked(memory, fill)
        memory = self._late(memory, seen)
        if memory.deal is not None:
            memory = self._advanced(memory, memory.deal, seen, reasons)
        if memory.deal is not None:
            return self._in_deal(memory, memory.deal, seen, reasons)
        return self._flat(memory, seen, reasons)

    def figures(self, memory: DcaMemory) -> dict[str, Decimal]:
        """What a page shows of the open deal, in quote; empty when flat."""
        deal = memory.deal
        if deal is None or not deal.held.amount:
            return {}
        shown = {"average": deal.held.average}
        if deal.legs:
            shown["target"] = next((leg.price for leg in deal.legs if leg.left > 0), deal.legs[-1].price)
        stop = stop_price(self.settings, self.market, deal)
        if stop is not None:
            shown["stop"] = stop
        if deal.phase is Phase.HOLDING and not deal.stepped:
            filled = {number for number, amount in enumerate(deal.safety, 1) if amount}
            rungs = enumerate(self._rungs(deal.reference), 1)
            following = next((rung.price for number, rung in rungs if number not in filled), None)
            if following is not None:
                shown["next_safety"] = following
        return shown

    def _rungs_under(self, reference: Decimal) -> tuple[Rung, ...]:
        return self._ladder.rungs(self.market, reference, self.settings.stop_loss_pct / HUNDRED)

    def _late(self, memory: DcaMemory, seen: Seen) -> DcaMemory:
        """Coins of a closed deal that can be sold again open its exit, before anything new is bought."""
        late = memory.deal is None and memory.dust.amount
        if late and (seen.fills or seen.closing):
            amount = self.market.amount(memory.dust.amount)
            if self.market.enough(amount, seen.bid):
                return reopened(memory, seen.now, Phase.EXITING if seen.closing else Phase.WINDING)
        return memory

    def _advanced(self, memory: DcaMemory, deal: Deal, seen: Seen, reasons: list[str]) -> DcaMemory:
        """The deal after what has happened to it: opened, bought, sold, stopped, or over."""
        step = watch.Look(self.settings, self.market, seen, reasons)
        memory, deal = step.ordered(memory, deal)
        deal = step.moved(memory, deal, self._terms)
        deal = step.watched(deal)
        if not step.over(memory, deal):
            return memory if deal is memory.deal else replace(memory, deal=deal)
        reasons.append(step.farewell(memory, deal))
        return closed(replace(memory, deal=None), deal, seen.now, self.settings.every_s * 1000)

    def _in_deal(self, memory: DcaMemory, deal: Deal, seen: Seen, reasons: list[str]) -> Plan[DcaMemory]:
        wishes = Wishes(self.settings, self.market, memory, deal, seen)
        if deal.phase is Phase.EXITING:
            orders = wishes.market_exit()
        elif deal.phase is Phase.OPENING:
            orders = wishes.opening()
        elif deal.phase is Phase.WINDING:
            orders = wishes.winding()
        else:
            orders = wishes.holding(self._rungs(deal.reference))
        memory = told_once(wishes.memory, wishes.refusal, reasons)
        return Plan(memory, orders, wishes.wake, tuple(reasons), deal.number)

    def _flat(self, memory: DcaMemory, seen: Seen, reasons: list[str]) -> Plan[DcaMemory]:
        memory = self._signalled(memory, seen)
        most = self.settings.max_deals
        if most and memory.deals - memory.counted_from >= most and not memory.ended:
            memory = replace(memory, ended=f"all {most} deals are done")
        if memory.ended or seen.closing:
            finished = not seen.live
            if memory.ended:
                memory = told_once(memory, f"The bot is done: {memory.ended}.", reasons)
            return Plan(memory, {}, Wake(), tuple(reasons), finished=finished)
        entry = next_entry(self.settings, self.market, memory, seen)
        memory = told_once(entry.memory, entry.refusal, reasons)
        orders = {} if entry.order is None else {f"deal-{memory.deals + 1}/base": entry.order}
        return Plan(memory, orders, entry.wake, tuple(reasons))

    def _signalled(self, memory: DcaMemory, seen: Seen) -> DcaMemory:
        """What the candle, the schedule and the user say about the next deal."""
        if any(command.kind == "start_deal" for command in seen.commands):
            memory = replace(memory, asked=True)
        if seen.candle is not None and self.timeframe is not None:
            signal = marked(seen.candle.values[BEYOND])
            if signal is not memory.signal:
                memory = replace(memory, signal=signal)
        if self.settings.start_condition is StartCondition.SCHEDULE and not memory.next_at:
            memory = replace(memory, next_at=seen.now)
        return memory
