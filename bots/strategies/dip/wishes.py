"""The orders an open deal wants to rest, and when it wants to be asked again."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from bots.strategies.base import OrderIntent, Role, Seen, Wake
from bots.strategies.dca.memory import Leg
from bots.strategies.dip.buying import RETRY_MS, until, wish
from bots.strategies.dip.memory import Deal, DipMemory, Phase
from bots.strategies.dip.settings import DipSettings
from bots.strategies.dip.targets import arming_price, next_age, rebuy_price, stop_price
from bots.strategies.exits import exit_intent
from bots.strategies.wakes import nearest
from orders.rules import ZERO, Market, OrderKind, Side

Orders = dict[str, OrderIntent]


@dataclass(frozen=True, slots=True)
class Wishes:
    """One deal's wishes. An order that rests as wished stays the very same wish."""

    settings: DipSettings
    market: Market
    memory: DipMemory
    deal: Deal
    seen: Seen

    def orders(self) -> Mapping[str, OrderIntent]:
        if self.deal.phase is Phase.EXITING:
            return self._market_exit()
        orders: Orders = {}
        self._targets(orders)
        if self.deal.phase is Phase.HOLDING and not self.deal.stepped:
            if self.memory.ordered is not None:
                orders[self.memory.buy_slot] = wish(self.memory.ordered)
            self._additions(orders)
        return orders

    def _market_exit(self) -> Mapping[str, OrderIntent]:
        """Cancel first, then sell: nothing but the exit, and that only when nothing else is live."""
        slot = f"{self.deal.slot}/exit"
        live = self.seen.live.get(slot)
        if live is not None:
            return {slot: live.intent}
        if self.seen.live:
            return {}
        amount = self._sellable()
        tries, slippage = self.deal.attempts, self.settings.max_slippage_pct
        return {slot: exit_intent(self.market, self.seen.bid, amount, tries, slippage)}

    def _sellable(self) -> Decimal:
        return self.market.amount(self.deal.held.amount + self.memory.dust.amount)

    def _targets(self, orders: Orders) -> None:
        """The parts of the exit; one whose rest is under the minimum joins the next, and one waits
        until the sale it takes over from is cancelled."""
        carried = ZERO
        sales = (order for order in self.seen.live.values() if order.intent.side is Side.SELL)
        free = self._sellable() - sum((order.intent.amount - order.filled for order in sales), ZERO)
        for leg in self.deal.legs:
            slot = self._slot(leg)
            live = self.seen.live.get(slot)
            resting = live.intent.amount - live.filled if live else ZERO
            left = leg.left + carried
            # Fills may be known before the order that brought them says so: then its whole amount tells.
            same = live is not None and (resting == leg.left or live.intent.amount == leg.amount)
            if live is not None and same and live.intent.price == leg.price:
                orders[slot] = live.intent
            elif not self.market.enough(left, leg.price):
                carried = left
            elif left <= free + resting:
                orders[slot] = OrderIntent(Side.SELL, OrderKind.LIMIT, left, leg.price, Role.EXIT)
                free, carried = free + resting - left, ZERO

    def _slot(self, leg: Leg) -> str:
        return f"{self.deal.slot}/target-{leg.step}" if leg.step else f"{self.deal.slot}/roi"

    def _additions(self, orders: Orders) -> None:
        for one in self.deal.added:
            slot = f"{self.deal.slot}/added-{one.number}"
            live = self.seen.live.get(slot)
            rest = one.amount - one.filled
            if live is not None:
                orders[slot] = live.intent
            elif self.market.enough(rest, self.seen.ask):
                orders[slot] = OrderIntent(Side.BUY, OrderKind.MARKET, rest, None, Role.ADD)

    def wake(self, *, refused: bool) -> Wake:
        """The nearest prices and times at which stop, trail, rebuy or age would act. The candle is
        asked for while the episode's recovery is still to be seen."""
        deal, settings = self.deal, self.settings
        watches = settings.rearm_pct and self.memory.episode is not None
        wake = Wake(candle=settings.timeframe.value if watches else None)
        if deal.phase is Phase.EXITING:
            return wake
        if settings.max_hold_candles:
            wake = nearest(wake, Wake(at=deal.opened_at + settings.max_hold_candles * settings.candle_ms))
        wake = nearest(wake, Wake(at=next_age(settings, deal, self.seen.now)))
        stop = stop_price(settings, deal)
        wake = nearest(wake, Wake(below=stop, above=self._trailing()))
        if self.memory.ordered is not None:
            return nearest(wake, Wake(at=until(settings, self.memory.ordered)))
        if deal.phase is not Phase.HOLDING:
            return wake
        if refused:
            return nearest(wake, Wake(at=self.seen.now + RETRY_MS))
        return nearest(wake, Wake(below=rebuy_price(settings, deal)))

    def _trailing(self) -> Decimal | None:
        if not self.settings.trails:
            return None
        peak = self.deal.peak
        return arming_price(self.settings, self.deal) if peak is None else peak + self.market.tick
