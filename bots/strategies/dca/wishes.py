"""The orders an open deal wants to rest, and when it wants to be asked again."""

from collections.abc import Mapping
from decimal import Decimal

from bots.strategies import words
from bots.strategies.additions import Added, wish
from bots.strategies.base import OrderIntent, Role, Seen, Wake
from bots.strategies.dca.entry import REQUOTE_MS, base_order, buying_cost, room
from bots.strategies.dca.ladder import Rung
from bots.strategies.dca.legs import stop_price
from bots.strategies.dca.memory import DcaMemory, Deal
from bots.strategies.dca.settings import DcaSettings
from bots.strategies.exits import alone, below, exit_intent
from bots.strategies.legs import Leg, resting
from bots.strategies.wakes import nearest
from orders.rules import ONE, ZERO, Market, OrderKind, Side

Orders = dict[str, OrderIntent]


class Wishes:
    """Collects one deal's wishes. An order that rests as wished stays the very same wish."""

    def __init__(
        self, settings: DcaSettings, market: Market, memory: DcaMemory, deal: Deal, seen: Seen
    ) -> None:
        self.settings = settings
        self.market = market
        self.memory = memory
        self.deal = deal
        self.seen = seen
        self.refusal = ""
        self.wake = Wake()

    def market_exit(self) -> Mapping[str, OrderIntent]:
        return alone(f"{self.deal.slot}/exit", self._exit_now, self.seen)

    def _exit_now(self) -> OrderIntent:
        tries, slippage = self.deal.attempts, self.settings.max_slippage_pct
        return exit_intent(self.market, self.seen.bid, self._sellable(), tries, slippage)

    def _sellable(self) -> Decimal:
        return self.market.amount(self.deal.held.amount + self.memory.dust.amount)

    def opening(self) -> Mapping[str, OrderIntent]:
        """The base order until it is whole. What a limit has bought after its minute is enough, if it
        can be sold again; if not, the rest is bought too."""
        slot = f"{self.deal.slot}/base"
        self.wake = self._watching()
        due = self.memory.quote is not None and self.seen.now >= self.memory.quoted_at + REQUOTE_MS
        if due and self.market.enough(self._sellable(), self.deal.reference):
            return {}
        entry = base_order(self.settings, self.market, self.memory, self.seen, slot)
        self.memory, self.refusal = entry.memory, entry.refusal
        self.wake = nearest(self.wake, Wake(at=entry.wake.at))
        return {} if entry.order is None else {slot: entry.order}

    def winding(self) -> Mapping[str, OrderIntent]:
        """What came after the target had sold is sold by a target of its own; nothing is bought."""
        self.wake = self._watching()
        return self._targets()

    def holding(self, rungs: tuple[Rung, ...]) -> Mapping[str, OrderIntent]:
        self.wake = self._watching()
        orders = self._targets()
        if not self.deal.stepped:
            left = room(self.settings, self.memory, self.seen.cash)
            left = self._additions(orders, left)
            self._safeties(orders, rungs, left)
        return orders

    def _targets(self) -> Orders:
        """The parts of the exit; one that trails does not rest."""
        legs = self.deal.legs[:-1] if self.settings.trailing_deviation_pct else self.deal.legs
        return resting(legs, self._target_slot, self.market, self.seen, self._sellable())

    def _target_slot(self, leg: Leg) -> str:
        if len(self.settings.take_profit_steps) > 1:
            return f"{self.deal.slot}/target-{leg.step}"
        return f"{self.deal.slot}/target"

    def _additions(self, orders: Orders, left: Decimal) -> Decimal:
        for one in self.deal.added:
            left = self._addition(orders, one, left)
        return left

    def _addition(self, orders: Orders, one: Added, left: Decimal) -> Decimal:
        slot = f"{self.deal.slot}/added-{one.number}"
        intent = wish(one, slot, self.market, self.seen)
        if intent is None:
            return left
        orders[slot] = intent
        return left - buying_cost(self.market, self.settings, one.rest, self.seen.ask)

    def _safeties(self, orders: Orders, rungs: tuple[Rung, ...], left: Decimal) -> None:
        """The next `active_safety_orders`, as far as the quote that is left pays for them."""
        filled = self.deal.safety
        active = self.settings.active_safety_orders
        fee = ONE + max(self.market.maker_fee, self.market.taker_fee)
        for number, rung in enumerate(rungs, 1):
            rest = rung.amount - filled[number - 1] if number <= len(filled) else rung.amount
            slot = f"{self.deal.slot}/safety-{number}"
            live = self.seen.live.get(slot)
            if live is None and not self.market.enough(rest, rung.price):
                continue
            cost = rest * rung.price * fee
            if cost > left:
                need, have = words.quote(cost, self.market), words.quote(max(left, ZERO), self.market)
                self.refusal = f"Safety order {number} is left out: it needs {need}, {have} is left."
                return
            if live is None or live.intent.price != rung.price:
                orders[slot] = OrderIntent(Side.BUY, OrderKind.LIMIT, rest, rung.price, Role.ADD)
            else:
                orders[slot] = live.intent
            left -= cost
            active -= 1
            if not active:
                return

    def _watching(self) -> Wake:
        """The nearest prices and times at which stop, trail or age would act."""
        wake = Wake()
        deal, settings, last = self.deal, self.settings, self.seen.last
        if settings.close_after_s:
            wake = Wake(at=deal.opened_at + settings.close_after_s * 1000)
        stop = stop_price(settings, self.market, deal)
        if stop is not None and deal.under_since is None:
            wake = nearest(wake, Wake(below=stop))
        elif stop is not None and deal.under_since is not None:
            until = deal.under_since + settings.stop_loss_timeout_s * 1000
            wake = nearest(wake, Wake(above=max(stop, last) + self.market.tick, at=until))
        if settings.trailing_deviation_pct and deal.legs:
            wake = nearest(wake, self._trailing())
        return wake

    def _trailing(self) -> Wake:
        peak = self.deal.peak
        if peak is None:
            return Wake(above=self.deal.legs[-1].price)
        return Wake(below=below(peak, self.settings.trailing_deviation_pct), peak=peak)
