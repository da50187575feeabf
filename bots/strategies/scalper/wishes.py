"""The orders an open deal wants to rest, and when it wants to be asked again."""

from bots.strategies.additions import Added, wish
from bots.strategies.base import EXIT, OrderIntent, Seen, Wake
from bots.strategies.exits import alone, exit_intent
from bots.strategies.scalper.entry import entry_ends
from bots.strategies.scalper.memory import Deal, ScalperMemory
from bots.strategies.scalper.settings import ScalperSettings
from bots.strategies.scalper.watch import stop_price, target_price
from bots.strategies.steps import next_age_ms
from bots.strategies.wakes import NO_WAKE, nearest
from orders.records import replace
from orders.rules import LIMIT, SELL, Market


class Wishes:
    """Collects one deal's wishes. An order that rests as wished stays the very same wish."""

    def __init__(
        self, settings: ScalperSettings, market: Market, memory: ScalperMemory, deal: Deal, seen: Seen
    ) -> None:
        self.settings = settings
        self.market = market
        self.memory = memory
        self.deal = deal
        self.seen = seen
        self.orders: dict[str, OrderIntent] = {}
        self.wake = NO_WAKE

    def leaving(self) -> None:
        self.orders = alone(self.deal.slot_of("exit"), self._exit_now, self.seen)

    def _exit_now(self) -> OrderIntent:
        amount = self.market.amount(self.seen.position.amount)
        tries, slippage = self.deal.attempts, self.settings.max_slippage_pct
        return exit_intent(self.market, self.seen.bid, amount, tries, slippage)

    def holding(self) -> None:
        self._entry()
        for one in self.deal.added:
            self._addition(one)
        self._target()
        self._watch()

    def _entry(self) -> None:
        """What is left of the entry rests until its time is up, or until the target sells."""
        slot = self.deal.slot_of("entry")
        live = self.seen.live.get(slot)
        if live is None or self.deal.sold:
            return
        ends = entry_ends(self.settings, self.memory)
        if live.intent.kind is not LIMIT:
            self.orders[slot] = live.intent
        elif self.seen.now < ends:
            self.orders[slot] = live.intent
            self.wake = Wake(at=ends)

    def _addition(self, one: Added) -> None:
        slot = f"{self.deal.slot}/added-{one.number}"
        intent = wish(one, slot, self.market, self.seen)
        if intent is not None and (slot in self.seen.live or not self.deal.sold):
            self.orders[slot] = intent

    def _target(self) -> None:
        """All that is held, offered at the target: as a maker first, as a taker once that was refused."""
        slot = self.deal.slot_of("target")
        live = self.seen.live.get(slot)
        price = target_price(self.settings, self.market, self.deal, self.seen.now)
        makes = self.settings.post_only and not self.deal.takes
        # Sales may be known before the order that brought them says so: its whole amount tells.
        if live is not None and (live.intent.price, live.intent.amount) == (price, self.deal.offered):
            self.orders[slot] = live.intent
            return
        amount = self.market.amount(self.seen.position.amount)
        if self.market.enough(amount, price):
            intent = OrderIntent(SELL, LIMIT, amount, price, EXIT, makes)
            self.orders[slot] = intent
            self.deal = replace(self.deal, offered=amount)

    def _watch(self) -> None:
        """The stop's price, and the nearest of the next falling target and the longest hold."""
        deal, age = self.deal, self.seen.now - self.deal.opened_at
        following = next_age_ms(self.settings.roi_steps, age) if self.settings.roi_steps else None
        held = self.settings.max_hold_s * 1000
        if age < held and (following is None or held < following):
            following = held
        at = None if following is None else deal.opened_at + following
        self.wake = nearest(self.wake, Wake(below=stop_price(self.settings, deal), at=at))
