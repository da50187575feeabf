"""A deal whose stop rests on the exchange, as a stop-limit order, and is moved there once a candle.

It locks what the deal holds, so the target is watched instead of resting. Between its trigger and its limit
the exchange sells; under its limit, and wherever it does not rest, the bot does it as ever.
"""

from decimal import Decimal

from bots.strategies import words
from bots.strategies.base import EXIT, Closed, OrderIntent, Seen, Wake
from bots.strategies.exits import below
from bots.strategies.momentum.exits import next_stop, next_trail
from bots.strategies.momentum.memory import EXITING, HOLDING, Deal, MomentumMemory, Protection
from bots.strategies.momentum.settings import MomentumSettings
from bots.strategies.momentum.signals import LEAVE
from bots.strategies.momentum.watch import Look
from bots.strategies.momentum.wishes import Orders, wanted, watching
from orders.records import Frozen, replace
from orders.rules import BUY, SELL, STOP, Market
from orders.states import OrderStatus

# So often may it be taken off the exchange, or not be taken there, before the bot watches for good.
REFUSALS_MAX = 3
TAKEN_AWAY = frozenset({OrderStatus.REFUSED, OrderStatus.CANCELLED, OrderStatus.EXPIRED})


class Floor(Frozen):
    """Where a deal is left, on the tick; `trails`: by its profit trail, which is no stop."""

    price: Decimal
    trails: bool


def protects(settings: MomentumSettings, market: Market) -> bool:
    return market.rests_stops and settings.protective_stop


def limit_under(settings: MomentumSettings, market: Market, trigger: Decimal) -> Decimal:
    """The least that a stop with this trigger sells for."""
    return market.price(SELL, below(trigger, settings.stop_limit_offset_pct))


class Protected(Look):
    """A look at a deal whose stop rests, or should."""

    def ordered(self, memory: MomentumMemory, deal: Deal) -> Deal:
        deal = super().ordered(memory, deal)
        resting = deal.protection
        if not self.seen.closed or resting is None or deal.phase is EXITING:
            return deal
        slot = deal.slot_of("stop")
        if not any(order.slot == slot and _taken_away(order, resting) for order in self.seen.closed):
            return deal
        if not deal.refusals:
            self.reasons.append(
                f"Deal {deal.number}: its stop does not rest on {self.market.exchange}; the bot watches it."
            )
        return replace(deal, protection=replace(resting, refused=True), refusals=deal.refusals + 1)

    def moved(self, memory: MomentumMemory, deal: Deal) -> Deal:
        deal = super().moved(memory, deal)
        resting = deal.protection
        if deal.phase is not HOLDING or resting is None or not resting.sold:
            return deal
        if deal.slot_of("stop") in self.seen.live:
            return deal
        if self.market.enough(self.sellable(memory, deal), resting.limit):
            return deal
        trigger = words.price(resting.trigger, self.market)
        return self._left(deal, f"its stop at {trigger} sold it", trails=resting.trails)

    def watched(self, memory: MomentumMemory, deal: Deal) -> Deal:
        deal = super().watched(memory, deal)
        target, last = deal.target, self.seen.last
        if target is None or last < target.price or deal.phase is EXITING or not deal.held.amount:
            return deal
        at = words.price(target.price, self.market)
        return self._leaving(deal, f"target at {at}, price {words.price(last, self.market)}")

    def _followed(self, memory: MomentumMemory, deal: Deal) -> Deal:
        deal = self._raised(memory, deal)
        floor, resting = self._floor(deal), deal.protection
        if resting is not None and not resting.refused:
            return self._kept(memory, deal, resting, floor)
        if self.seen.last <= floor.price:
            return self._reached(deal, floor)
        if deal.phase is not HOLDING or deal.refusals >= REFUSALS_MAX or not (resting is None or self.fresh):
            return deal
        return self._put(memory, deal, floor)

    def _raised(self, memory: MomentumMemory, deal: Deal) -> Deal:
        entry = deal.entry
        peak = max(deal.peak, entry, self.seen.last)
        stop = next_stop(self.settings, deal, entry, peak, memory.atr)
        trail = next_trail(self.settings, deal, entry, peak)
        if (peak, stop, trail) == (deal.peak, deal.stop, deal.trail):
            return deal
        return replace(deal, peak=peak, stop=stop, trail=trail)

    def _floor(self, deal: Deal) -> Floor:
        stop, trail = deal.stop, deal.trail
        trails = trail is not None and (stop is None or trail >= stop)
        price = trail if trails else stop
        return Floor(self.market.price(BUY, price or self.market.tick), trails)

    def _kept(self, memory: MomentumMemory, deal: Deal, resting: Protection, floor: Floor) -> Deal:
        """The deal while its stop rests: left under its limit; the stop set anew for another amount, and
        moved with a candle. Neither while the price is under its trigger: then it is time to leave."""
        last = self.seen.last
        stands = Floor(resting.trigger, resting.trails)
        if last <= resting.limit:
            return self._reached(deal, stands)
        if self.fresh and floor.price > resting.trigger:
            stands = floor
        elif not self.fresh and resting.left == self.sellable(memory, deal):
            return deal
        if last <= stands.price:
            return self._reached(deal, stands)
        return self._put(memory, deal, stands)

    def _put(self, memory: MomentumMemory, deal: Deal, floor: Floor) -> Deal:
        """The deal with its stop at `floor`, for all that can be sold. Too little is watched by the bot."""
        amount, limit = self.sellable(memory, deal), limit_under(self.settings, self.market, floor.price)
        old = deal.protection
        if old is not None and not old.refused and (old.trigger, old.left) == (floor.price, amount):
            return deal
        if floor.price <= 0 or not self.market.enough(amount, limit):
            return deal if old is None else replace(deal, protection=replace(old, refused=True))
        return replace(deal, protection=Protection(floor.price, limit, amount, floor.trails))

    def _reached(self, deal: Deal, floor: Floor) -> Deal:
        at, price = words.price(floor.price, self.market), words.price(self.seen.last, self.market)
        return self._left(
            deal, f"{'profit trail' if floor.trails else 'stop'} at {at}, price {price}", trails=floor.trails
        )

    def _left(self, deal: Deal, why: str, *, trails: bool) -> Deal:
        return replace(self._leaving(deal, why), stopped=not trails)


def _taken_away(order: Closed, resting: Protection) -> bool:
    """Whether it was the stop that should rest, and nobody here has asked for its end."""
    wish = order.intent
    same = (wish.trigger, wish.price, wish.amount - order.filled) == (
        resting.trigger,
        resting.limit,
        resting.left,
    )
    return same and order.status in TAKEN_AWAY


def wanted_protected(
    settings: MomentumSettings, market: Market, memory: MomentumMemory, deal: Deal, seen: Seen
) -> Orders:
    """What rests beside the stop, and the stop; the target is watched."""
    orders = wanted(settings, market, memory, replace(deal, target=None), seen)
    resting = deal.protection
    if deal.phase is not HOLDING or resting is None or resting.refused:
        return orders
    slot = deal.slot_of("stop")
    live = seen.live.get(slot)
    if live is not None and _is(live.intent, live.filled, resting):
        orders[slot] = live.intent
    elif market.enough(resting.left, resting.limit):
        orders[slot] = OrderIntent(SELL, STOP, resting.left, resting.limit, EXIT, trigger=resting.trigger)
    return orders


def _is(intent: OrderIntent, filled: Decimal, resting: Protection) -> bool:
    """Whether the order is the stop that should rest. Fills may be known before it says so itself: then its
    whole amount tells."""
    same = intent.amount == resting.amount or intent.amount - filled == resting.left
    return same and (intent.trigger, intent.price) == (resting.trigger, resting.limit)


def watching_protected(
    settings: MomentumSettings, market: Market, memory: MomentumMemory, deal: Deal, seen: Seen
) -> Wake:
    """As ever, but that a stop that rests is acted on under its limit alone, and moved with each candle."""
    wake = watching(settings, market, memory, deal, seen)
    if deal.phase is EXITING:
        return wake
    resting, target = deal.protection, deal.target
    rests = resting is not None and not resting.refused
    ahead = [price for price in (wake.above, target.price if target else None) if price is not None]
    again = resting is not None and resting.refused and deal.refusals < REFUSALS_MAX
    moves = settings.stop_trailing or settings.trails_profit or again
    return replace(
        wake,
        below=resting.limit if resting is not None and rests else wake.below,
        above=min(ahead) if ahead else None,
        candle=settings.timeframe.value if moves else wake.candle,
        mark="" if moves else LEAVE,
    )
