"""The orders an open deal wants to rest, and when it wants to be asked again."""

from bots.strategies.additions import wishes
from bots.strategies.base import EXIT, OrderIntent, Seen, Wake
from bots.strategies.exits import above, alone, exit_intent
from bots.strategies.momentum.exits import held_until, next_step_at
from bots.strategies.momentum.memory import EXITING, OPENING, Deal, MomentumMemory, Target
from bots.strategies.momentum.settings import MomentumSettings
from bots.strategies.momentum.signals import LEAVE
from orders.rules import LIMIT, SELL, ZERO, Market

Orders = dict[str, OrderIntent]


def wanted(
    settings: MomentumSettings, market: Market, memory: MomentumMemory, deal: Deal, seen: Seen
) -> Orders:
    """One order a slot. An order that rests as wished stays the very same wish."""
    if deal.phase is EXITING:
        return _market_exit(settings, market, memory, deal, seen)
    orders: Orders = {}
    # What has not filled when its candle is over is cancelled.
    if deal.phase is OPENING and memory.signal is not None:
        entry = seen.live.get(deal.slot_of("entry"))
        if entry is not None:
            orders[deal.slot_of("entry")] = entry.intent
    if deal.target is not None:
        _target(orders, market, deal, deal.target, seen)
    return orders | wishes(deal.added, deal.slot, market, seen) if deal.added else orders


def _target(orders: Orders, market: Market, deal: Deal, target: Target, seen: Seen) -> None:
    slot = deal.slot_of("target")
    live = seen.live.get(slot)
    # Fills may be known before the order that brought them says so: then its whole amount tells.
    same = live is not None and (
        live.intent.amount == target.amount or live.intent.amount - live.filled == target.left
    )
    if live is not None and same and live.intent.price == target.price:
        orders[slot] = live.intent
    elif market.enough(target.left, target.price):
        orders[slot] = OrderIntent(SELL, LIMIT, target.left, target.price, EXIT)


def _market_exit(
    settings: MomentumSettings, market: Market, memory: MomentumMemory, deal: Deal, seen: Seen
) -> Orders:
    def exit_now() -> OrderIntent:
        amount = market.amount(deal.held.amount + memory.dust.amount)
        return exit_intent(market, seen.bid, amount, deal.attempts, settings.max_slippage_pct)

    return alone(deal.slot_of("exit"), exit_now, seen)


def watching(
    settings: MomentumSettings, market: Market, memory: MomentumMemory, deal: Deal, seen: Seen
) -> Wake:
    """The nearest prices and times at which stop, trails, targets or age would act."""
    timeframe = settings.candle
    if deal.phase is EXITING:
        return Wake(candle=timeframe)
    floor = deal.stop
    if deal.trail is not None and (floor is None or deal.trail > floor):
        floor = deal.trail
    arms, peak = None, None
    if settings.stop_trailing or deal.trail is not None:
        peak = deal.peak
    elif settings.trails_profit:
        arms = above(deal.entry, settings.profit_trail_arm_pct)
    # A trailing ATR moves the stop with every candle; else only the entry's opposite is waited for.
    follows = settings.stop_trailing and settings.atr_stop
    return Wake(
        below=floor if floor is not None and floor > ZERO else None,
        above=arms,
        at=_next_time(settings, memory, deal, seen.now),
        candle=timeframe if follows or settings.exit_on_cross else None,
        mark="" if follows else LEAVE,
        peak=peak,
    )


def _next_time(settings: MomentumSettings, memory: MomentumMemory, deal: Deal, now: int) -> int | None:
    """When the next target begins, the longest hold ends, or an entry's signal is over."""
    nearest = None
    signal = memory.signal if deal.phase is OPENING else None
    for at in (
        next_step_at(settings, deal, now) if settings.roi_steps else None,
        held_until(settings, deal) if settings.max_hold_candles else None,
        signal.until if signal is not None else None,
    ):
        if at is not None and at > now and (nearest is None or at < nearest):
            nearest = at
    return nearest
