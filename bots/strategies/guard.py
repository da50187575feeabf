"""The protective settings, around any strategy: they hold entries back, and never an exit."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Generic, TypeVar

from bots.strategies.base import (
    ADD,
    ENTRY,
    Candles,
    CommandKind,
    OrderIntent,
    Plan,
    Preflight,
    Seen,
    Signals,
    Strategy,
    Wake,
)
from bots.strategies.difference import stops_of
from bots.strategies.limits import Limits, Marks, next_midnight, profit_and_loss
from bots.strategies.settings import OnStop, Settings
from bots.strategies.wakes import nearest
from orders.records import Frozen, replace
from orders.rules import AT_MARKET, HUNDRED, SELL, ZERO, Market

M = TypeVar("M")

# A stale price and a wide spread have no price to wait for: look again this soon.
RETRY_MS = 5_000
GUARD_VERSION = 1


class Watch(Frozen):
    """What the guard remembers. `deal` is the open deal's number, `flat_realised` the P&L realised
    before it; `losses` when deals lost; `ending` why the bot stops for good, `ends_by` how. Times in
    ms; `said` the last standing fact told."""

    marks: Marks | None = None
    deal: int | None = None
    flat_realised: Decimal = ZERO
    losses: tuple[int, ...] = ()
    cool_until: int = 0
    paused_until: int = 0
    ending: str = ""
    ends_by: OnStop = OnStop.CANCEL_AND_SELL
    said: str = ""


class GuardMemory(Frozen, Generic[M]):
    inner: M
    watch: Watch = Watch()


class Hold(Frozen):
    """Why entries are held back, as `key` (told once) and for people; until when, where it is known."""

    key: str
    why: str
    until: int | None = None


class Guarded(Generic[M]):
    """`strategy` inside its protective settings. `deals` is false for a bot without deals (a grid):
    losing exits and cooldown are not for it, and a pause cancels all its buys."""

    version: int
    memory_type: type

    def __init__(self, strategy: Strategy[M], *, deals: bool = True) -> None:
        self.inner = strategy
        self.settings: Settings = strategy.settings
        self.market: Market = strategy.market
        self.memory_type = GuardMemory[strategy.memory_type]  # type: ignore[name-defined]  # made here
        self.version = GUARD_VERSION * 1000 + strategy.version
        self._deals = deals
        self._limits = Limits(self.settings)
        self._slips_little = bool(self.settings.max_slippage_pct)

    @property
    def timeframe(self) -> str | None:
        return self.inner.timeframe

    @property
    def candles_needed(self) -> int:
        return self.inner.candles_needed

    def first_memory(self) -> GuardMemory[M]:
        return GuardMemory(self.inner.first_memory())

    def restarted(self, memory: GuardMemory[M]) -> GuardMemory[M]:
        """The memory with which a stopped bot starts again: limits are measured anew, an open deal
        goes on where the strategy says how."""
        watch = Watch(deal=memory.watch.deal, flat_realised=memory.watch.flat_realised)
        again = getattr(self.inner, "restarted", None)
        return GuardMemory(again(memory.inner) if again else self.inner.first_memory(), watch)

    def prepare(self, candles: Candles) -> Signals:
        return self.inner.prepare(candles)

    def preflight(self, price: Decimal) -> Preflight:
        return self.inner.preflight(price)

    def figures(self, memory: GuardMemory[M]) -> Mapping[str, Decimal]:
        """What a page shows of the inner strategy's memory."""
        shown: Any = getattr(self.inner, "figures", None)
        return shown(memory.inner) if shown else {}

    def decide(self, memory: GuardMemory[M], seen: Seen) -> Plan[GuardMemory[M]]:
        if seen.commands and any(command.kind is CommandKind.RESTART for command in seen.commands):
            memory = self.restarted(memory)
        watch = memory.watch
        if self._limits.any or watch.ending:
            return self._limited(memory, seen)
        # Any: with another memory it is a plan of another type.
        inner: Plan[Any] = self.inner.decide(memory.inner, seen)
        if watch.deal != inner.deal:
            watch = self._dealt(watch, inner.deal, seen)
        # Something may be held back now, or has been and that it is over must be told.
        pausing = seen.now < watch.cool_until or seen.now < watch.paused_until or watch.marks is not None
        if pausing or self._slips_little or seen.stale or watch.said:
            return self._held(memory, watch, inner, seen, [])
        same = watch is memory.watch and inner.memory is memory.inner
        return replace(inner, memory=memory if same else GuardMemory(inner.memory, watch))

    def _limited(self, memory: GuardMemory[M], seen: Seen) -> Plan[GuardMemory[M]]:
        """The plan of a bot whose profit and loss has limits, or has reached one."""
        told: list[str] = []
        watch = memory.watch if memory.watch.ending else self._measured(memory.watch, seen, told)
        sells = watch.ending and watch.ends_by is OnStop.CANCEL_AND_SELL
        inner = self.inner.decide(memory.inner, replace(seen, closing=True) if sells else seen)
        if watch.deal != inner.deal:
            watch = self._dealt(watch, inner.deal, seen)
        if watch.ending and not sells:
            return self._ended(watch, inner, seen, told)
        return self._held(memory, watch, inner, seen, told)

    def _held(
        self, memory: GuardMemory[M], watch: Watch, inner: Plan[M], seen: Seen, told: list[str]
    ) -> Plan[GuardMemory[M]]:
        """What the strategy wants but for the entries that are held back, and what is `told` of that."""
        orders, hold = inner.orders, self._pause(watch, seen)
        unsent = self._unsent(orders, seen) if orders and hold is None else None
        if hold is not None:
            orders = self._paused_orders(orders)
        elif unsent is not None:
            orders = _without_new_entries(orders, seen)
        held = hold or unsent
        if held is not None or watch.said:
            watch = self._said(watch, held, told)
        wakes = held is not None or watch.marks is not None
        same = watch is memory.watch and inner.memory is memory.inner
        return Plan(
            memory if same else GuardMemory(inner.memory, watch),
            orders,
            self._wake(watch, inner, seen, held, orders) if wakes else inner.wake,
            (*inner.reasons, *told) if told else inner.reasons,
            inner.deal,
            hold.until if hold else inner.paused_until,
            hold.why if hold else inner.paused_why,
            inner.finished,
        )

    def _measured(self, watch: Watch, seen: Seen, told: list[str]) -> Watch:
        """The watch after this look's P&L: the day's loss, the drawdown, the total."""
        pnl = profit_and_loss(seen)
        marks = self._limits.marked(watch.marks, pnl, seen.day_start)
        if marks is not watch.marks:
            watch = replace(watch, marks=marks)
        total = self._limits.total_reached(marks, pnl)
        if total:
            amount = f"{pnl - marks.start:.2f} {self.market.quote}"
            told.append(f"The bot's {total} is reached at {amount}: it sells all and stops.")
            return replace(watch, ending=f"bot {total}", ends_by=OnStop.CANCEL_AND_SELL)
        if self._limits.drawdown_reached(marks, pnl):
            fall = f"{marks.peak - pnl:.2f} {self.market.quote}"
            limit, how = f"{self.settings.max_drawdown_pct:f}", self.settings.on_drawdown
            told.append(f"Drawdown limit of {limit} % reached, {fall} under the peak: the bot stops.")
            return replace(watch, ending="drawdown", ends_by=how)
        return watch

    def _dealt(self, watch: Watch, deal: int | None, seen: Seen) -> Watch:
        """The watch after a deal has opened or closed: losing exits are counted, the cooldown begins."""
        if watch.deal is None or not self._deals:
            return replace(watch, deal=deal)
        realised, settings = seen.position.realised, self.settings
        lost = realised < watch.flat_realised
        watch = replace(
            watch, deal=deal, flat_realised=realised, cool_until=seen.now + settings.cooldown_s * 1000
        )
        if not (lost and settings.loss_guard_count):
            return watch
        since = seen.now - settings.loss_guard_window_s * 1000
        losses = (*(at for at in watch.losses if at > since), seen.now)
        if len(losses) < settings.loss_guard_count:
            return replace(watch, losses=losses)
        until = seen.now + settings.loss_guard_pause_s * 1000
        return replace(watch, losses=(), paused_until=until)

    def _ended(self, watch: Watch, inner: Plan[M], seen: Seen, told: list[str]) -> Plan[GuardMemory[M]]:
        """The bot stops without selling: its orders stay, or all but the stop of an open deal are cancelled
        and that is confirmed."""
        resting = {slot: order.intent for slot, order in seen.live.items()}
        orders = resting if watch.ends_by is OnStop.KEEP_ORDERS else stops_of(inner.orders)
        return Plan(
            memory=GuardMemory(inner.memory, watch),
            orders=orders,
            reasons=(*inner.reasons, *told),
            deal=inner.deal,
            finished=all(orders.get(slot) == intent for slot, intent in resting.items()),
        )

    def _pause(self, watch: Watch, seen: Seen) -> Hold | None:
        """The pause in force. A pause takes resting entries off the book, too."""
        settings = self.settings
        if watch.marks is not None and watch.marks.day_lost:
            why = f"Daily loss limit of {settings.max_daily_loss_pct:f} % reached: no entries until midnight."
            return Hold("day", why, next_midnight(seen.now, seen.day_start))
        if seen.now < watch.paused_until:
            count, window = settings.loss_guard_count, settings.loss_guard_window_s
            why = f"{count} losing deals within {window} s: no entries for {settings.loss_guard_pause_s} s."
            return Hold("losses", why, watch.paused_until)
        if seen.now < watch.cool_until:
            why = f"Cooling down for {settings.cooldown_s} s before the next deal."
            return Hold(f"cooldown {watch.cool_until}", why, watch.cool_until)
        return None

    def _paused_orders(self, orders: Mapping[str, OrderIntent]) -> Mapping[str, OrderIntent]:
        held_back = {ENTRY} if self._deals else {ENTRY, ADD}
        return {
            slot: intent
            for slot, intent in orders.items()
            if intent.side is SELL or intent.role not in held_back
        }

    def _unsent(self, orders: Mapping[str, OrderIntent], seen: Seen) -> Hold | None:
        """Why a new entry is not sent on this price; one that is already live stays."""
        entries = [
            intent for slot, intent in orders.items() if intent.role is ENTRY and slot not in seen.live
        ]
        if not entries:
            return None
        if seen.stale:
            return Hold("stale", f"The price is older than {self.settings.stale_after_s} s: no entry on it.")
        most = self.settings.max_slippage_pct
        if most and any(intent.kind is AT_MARKET for intent in entries):
            fair = min(seen.last, (seen.bid + seen.ask) / 2)
            slip = (seen.ask / fair - 1) * HUNDRED
            if slip > most:
                return Hold(
                    "slippage", f"Entry at market held back: it would pay {slip:.2f} % over the price."
                )
        return None

    def _said(self, watch: Watch, hold: Hold | None, told: list[str]) -> Watch:
        key = hold.key if hold else ""
        if key == watch.said:
            return watch
        told.append(hold.why if hold else "Entries are open again.")
        return replace(watch, said=key)

    def _wake(
        self,
        watch: Watch,
        inner: Plan[M],
        seen: Seen,
        hold: Hold | None,
        orders: Mapping[str, OrderIntent],
    ) -> Wake:
        if hold and hold.until is not None and inner.orders and not (orders or seen.live):
            # All it wants is held back: nothing to ask before the pause is over.
            return Wake(at=hold.until, candle=inner.wake.candle)
        wake = inner.wake
        if watch.marks is not None and not watch.ending:
            wake = nearest(wake, self._limits.wake(watch.marks, seen))
        if hold:
            wake = nearest(wake, Wake(at=seen.now + RETRY_MS if hold.until is None else hold.until))
        return wake


def _without_new_entries(orders: Mapping[str, OrderIntent], seen: Seen) -> Mapping[str, OrderIntent]:
    return {slot: intent for slot, intent in orders.items() if intent.role is not ENTRY or slot in seen.live}


def guarded(strategy: Any, *, deals: bool = True) -> Guarded[Any]:
    """`strategy` as every body runs it."""
    return Guarded(strategy, deals=deals)
