"""The turns of one bot in memory: look, decide, write, send, until nothing is new.

The engine does the same with rows (`bots/engine`); a test holds the two against each other.
"""

from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from bots.backtest.desk import Desk
from bots.backtest.record import Deal
from bots.strategies.base import EXIT, Command, LiveOrder, OrderIntent, Plan, Seen, SignalRow, Strategy, Wake
from bots.strategies.difference import (
    REASONS_MAX,
    check,
    check_count,
    exits_first,
    not_covered,
    reserved,
    wanted,
)
from bots.strategies.limits import DAY_MS
from bots.strategies.wakes import NO_WAKE, on_tick, reached
from orders.matching import Quote
from orders.records import Frozen
from orders.rules import ZERO

LOOKS_MAX = 1000
REFUSALS_MAX = 5
# Why a bot stops is told in its last few sentences.
SENTENCES_KEPT = 3


NO_COMMANDS: tuple[Command, ...] = ()
# An order to place, by slot, with the quote and the base it takes from the pocket at most.
Placing = tuple[str, OrderIntent, tuple[Decimal, Decimal]]
NO_SLOTS: list[str] = []
# The stop that an ending bot has placed may be refused; that it rests is no news.
LOOK_AGAIN = Wake(above=ZERO)
NOTHING_NEW: tuple[list[Placing], tuple[str, ...]] = ([], ())


class NeverAtRest(Exception):
    """A strategy that keeps asking for something new at one price; its author must look."""


class Decision(Frozen):
    """A decision as the journal keeps it; `placed` are the slots of its new orders."""

    number: int
    seen: Seen
    plan: Plan[Any]
    reasons: tuple[str, ...]
    placed: tuple[str, ...]
    cancelled: tuple[str, ...]


class Trader:
    """One bot: its strategy, its memory and its desk. With `journal` every decision is kept.

    `wake` is what it waits for between turns, prices on the tick.
    """

    def __init__(self, strategy: Strategy[Any], desk: Desk, *, journal: bool = False) -> None:
        self.strategy, self.desk, self.market = strategy, desk, strategy.market
        self.memory: Any = strategy.first_memory()
        self.wake: Wake = NO_WAKE
        self._plan_wake: Wake = NO_WAKE
        self.deals: list[Deal] = []
        self.journal: list[Decision] | None = [] if journal else None
        self.decisions = self.looks = 0
        self.active = True
        self.why_stopped = ""
        self._deal: int | None = None
        self._ending = False
        self._said: deque[str] = deque(maxlen=SENTENCES_KEPT)

    @property
    def news(self) -> bool:
        return self.active and bool(self.desk.fills or self.desk.closed)

    def turn(self, quote: Quote, candle: SignalRow | None = None) -> None:
        """Decide, and do as the plan says, until there is nothing new to look at."""
        desk = self.desk
        for _ in range(LOOKS_MAX):
            asked = self._round(quote, candle)
            candle = None
            if not (self.active and (desk.fills or desk.closed or reached(asked, quote.last))):
                self.wake = on_tick(self._plan_wake, self.market)
                return
        raise NeverAtRest(f"the bot is not at rest after {LOOKS_MAX} looks at {quote.last:f}")

    def _round(self, quote: Quote, candle: SignalRow | None) -> Wake:
        """One look and what follows; when it wants to look again, if it has changed anything."""
        seen, desk = self._look(quote, candle), self.desk
        if desk.refusals >= REFUSALS_MAX:
            why = desk.why_refused
            self._stop(f"The exchange refused its orders {REFUSALS_MAX} times in a row: {why}.")
            return NO_WAKE
        plan = self.strategy.decide(self.memory, seen)
        self.looks += 1
        orders, keeps, live = plan.orders, False, desk.live
        if orders:
            check_count(orders)
        ending = self._ending or plan.finished
        if ending:
            orders, keeps = wanted(plan, asked_to_stop=self._ending, cancels_all=self._ending)
        cancel = _unwanted(live, orders) if live else NO_SLOTS
        place, waiting = self._affordable(orders, seen, bool(cancel)) if orders else NOTHING_NEW
        reasons = plan.reasons[:REASONS_MAX] + waiting
        # What rests still is what is wanted: the stop of an open deal, or nothing.
        rests = self._ending or not (orders or live)
        stopped = ending and (keeps or rests) and not (place or cancel)
        news = seen.fills or seen.closed or place or cancel or reasons or stopped
        changed = bool(news) or self._differs(plan)
        self.memory = plan.memory
        self._plan_wake = NO_WAKE if ending else plan.wake
        if changed:
            self._ending = ending and not stopped
            self._write(plan, seen, reasons, place, cancel)
        if stopped:
            self._stop(" ".join(self._said))
        for slot in cancel:
            desk.cancel(slot)
        if place:
            self._send(place, quote)
            if ending:
                return LOOK_AGAIN
        return plan.wake if changed else NO_WAKE

    def _differs(self, plan: Plan[Any]) -> bool:
        """Whether a plan that asks for nothing new changes what is kept; the first one always does."""
        return (
            plan.deal != self._deal
            or not self.decisions
            or (plan.memory is not self.memory and plan.memory != self.memory)
        )

    def _send(self, place: list[Placing], quote: Quote) -> None:
        """What the later ones take is reserved before the first is sent."""
        desk = self.desk
        if len(place) == 1:
            desk.place(*place[0], quote)
            return
        for _, _, taken in place[1:]:
            desk.reserve(taken)
        for number, (slot, intent, taken) in enumerate(place):
            if number:
                desk.release(taken)
            desk.place(slot, intent, taken, quote)

    def _look(self, quote: Quote, candle: SignalRow | None) -> Seen:
        desk = self.desk
        fills, closed = desk.take_news()
        if not closed:
            desk.refusals = 0
        live = desk.live if self.journal is None else dict(desk.live)
        # By place, in the order of `Seen`'s fields: by name each look would cost a microsecond more.
        return Seen(
            quote.at, self.market, quote.bid, quote.ask, quote.last,
            desk.position, desk.cash, fills, closed, live, candle,
            NO_COMMANDS, False, False, quote.at - quote.at % DAY_MS,
        )  # fmt: skip

    def _affordable(
        self, orders: Mapping[str, OrderIntent], seen: Seen, ending: bool
    ) -> tuple[list[Placing], tuple[str, ...]]:
        """New orders that the pocket covers, exits first, and what is to be said of those that wait."""
        desk, live = self.desk, self.desk.live
        fresh = [item for item in orders.items() if item[0] not in live] if live else orders.items()
        if not fresh:
            return NOTHING_NEW
        place: list[Placing] = []
        waiting: tuple[str, ...] = ()
        quote_left, base_left = desk.cash - desk.reserved_quote, desk.position.amount - desk.reserved_base
        for slot, intent in exits_first(fresh) if len(fresh) > 1 else fresh:
            check(slot, intent, self.market)
            quote, base = taken = reserved(intent, self.market, seen.ask)
            if quote > quote_left or base > base_left:
                if not ending and (seen.fills or seen.closed or place):
                    waiting = (*waiting, not_covered(slot))
                continue
            quote_left, base_left = quote_left - quote, base_left - base
            place.append((slot, intent, taken))
        if len(place) > 1:
            place.sort(key=lambda order: (order[1].role is not EXIT, order[0]))
        return place, waiting

    def _write(
        self,
        plan: Plan[Any],
        seen: Seen,
        reasons: tuple[str, ...],
        place: list[Placing],
        cancel: list[str],
    ) -> None:
        """Keep a decision: what it says, and the deal it opens or closes."""
        self.decisions += 1
        if reasons:
            self._said.extend(reasons)
        if plan.deal != self._deal:
            self._write_deal(plan.deal, seen)
        if self.journal is not None:
            placed = tuple(slot for slot, _, _ in place)
            self.journal.append(Decision(self.decisions, seen, plan, reasons, placed, tuple(cancel)))

    def _write_deal(self, number: int | None, seen: Seen) -> None:
        realised = seen.position.realised
        if self._deal is not None:
            self.deals[-1] = self._ended(self.deals[-1], seen.now, realised)
        if number is not None:
            self.deals.append(Deal(len(self.deals) + 1, seen.now, None, realised))
        self._deal = number

    @staticmethod
    def _ended(deal: Deal, at: int | None, realised: Decimal) -> Deal:
        """While a deal is open, its P&L column holds what had been realised before it."""
        return Deal(deal.number, deal.opened_at, at, realised - deal.pnl)

    @property
    def figures(self) -> Mapping[str, Decimal]:
        """What the strategy shows of its memory, by name; amounts in quote or base."""
        shown: Any = getattr(self.strategy, "figures", None)
        figures: Mapping[str, Decimal] = shown(self.memory) if shown else {}
        return figures

    def all_deals(self) -> list[Deal]:
        """Every deal; that of the open one is what it has realised so far."""
        if self._deal is None:
            return list(self.deals)
        return [*self.deals[:-1], self._ended(self.deals[-1], None, self.desk.position.realised)]

    def _stop(self, why: str) -> None:
        self.active, self.why_stopped, self._plan_wake = False, why, NO_WAKE


def _unwanted(live: Mapping[str, LiveOrder], orders: Mapping[str, OrderIntent]) -> list[str]:
    """Slots whose order is no longer wished. Mostly the wish is the very same, which costs less to see."""
    unwanted = []
    for slot, order in live.items():
        wish = orders.get(slot)
        if wish is not order.intent and wish != order.intent:
            unwanted.append(slot)
    return unwanted
