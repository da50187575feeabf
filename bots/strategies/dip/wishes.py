"""The orders an open deal wants to rest, and when it wants to be asked again."""

from collections.abc import Mapping
from decimal import Decimal

from bots.strategies.additions import wishes
from bots.strategies.base import OrderIntent, Seen, Wake
from bots.strategies.dip.buying import RETRY_MS, until, wish
from bots.strategies.dip.memory import Deal, DipMemory, Phase
from bots.strategies.dip.settings import DipSettings
from bots.strategies.dip.targets import arming_price, next_age, rebuy_price, stop_price
from bots.strategies.exits import alone, exit_intent
from bots.strategies.legs import Leg, resting
from bots.strategies.wakes import nearest
from orders.records import Frozen
from orders.rules import Market


class Wishes(Frozen):
    """One deal's wishes. An order that rests as wished stays the very same wish."""

    settings: DipSettings
    market: Market
    memory: DipMemory
    deal: Deal
    seen: Seen

    def orders(self) -> Mapping[str, OrderIntent]:
        if self.deal.phase is Phase.EXITING:
            return self._market_exit()
        orders = resting(self.deal.legs, self._slot, self.market, self.seen, self._sellable())
        if self.deal.phase is Phase.HOLDING and not self.deal.stepped:
            if self.memory.ordered is not None:
                orders[self.memory.buy_slot] = wish(self.memory.ordered)
            orders |= wishes(self.deal.added, self.deal.slot, self.market, self.seen)
        return orders

    def _market_exit(self) -> Mapping[str, OrderIntent]:
        return alone(f"{self.deal.slot}/exit", self._exit_now, self.seen)

    def _exit_now(self) -> OrderIntent:
        tries, slippage = self.deal.attempts, self.settings.max_slippage_pct
        return exit_intent(self.market, self.seen.bid, self._sellable(), tries, slippage)

    def _sellable(self) -> Decimal:
        return self.market.amount(self.deal.held.amount + self.memory.dust.amount)

    def _slot(self, leg: Leg) -> str:
        return f"{self.deal.slot}/target-{leg.step}" if leg.step else f"{self.deal.slot}/roi"

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
        wake = nearest(nearest(wake, Wake(below=stop)), self._trailing())
        if self.memory.ordered is not None:
            return nearest(wake, Wake(at=until(settings, self.memory.ordered)))
        if deal.phase is not Phase.HOLDING:
            return wake
        if refused:
            return nearest(wake, Wake(at=self.seen.now + RETRY_MS))
        return nearest(wake, Wake(below=rebuy_price(settings, deal)))

    def _trailing(self) -> Wake:
        """Where the trail is armed, and from then on where a new peak is made."""
        if not self.settings.trails:
            return Wake()
        if self.deal.peak is None:
            return Wake(above=arming_price(self.settings, self.deal))
        return Wake(peak=self.deal.peak)
