"""The orders an open deal wants to rest, and when it wants to be asked again."""

from bots.strategies.base import OrderIntent, Role, Seen, Wake
from bots.strategies.exits import above, exit_intent
from bots.strategies.momentum.exits import held_until, next_step_at
from bots.strategies.momentum.memory import Deal, MomentumMemory, Phase
from bots.strategies.momentum.settings import MomentumSettings
from orders.rules import Market, OrderKind, Side

Orders = dict[str, OrderIntent]


def wanted(
    settings: MomentumSettings, market: Market, memory: MomentumMemory, deal: Deal, seen: Seen
) -> Orders:
    """One order a slot. An order that rests as wished stays the very same wish."""
    if deal.phase is Phase.EXITING:
        return _market_exit(settings, market, memory, deal, seen)
    orders: Orders = {}
    entry = seen.live.get(f"{deal.slot}/entry")
    # What has not filled when its candle is over is cancelled.
    if deal.phase is Phase.OPENING and entry is not None and memory.signal is not None:
        orders[f"{deal.slot}/entry"] = entry.intent
    _target(orders, market, deal, seen)
    for one in deal.added:
        live, rest = seen.live.get(f"{deal.slot}/added-{one.number}"), one.amount - one.filled
        if live is not None:
            orders[f"{deal.slot}/added-{one.number}"] = live.intent
        elif market.enough(rest, seen.ask):
            fresh = OrderIntent(Side.BUY, OrderKind.MARKET, rest, None, Role.ADD)
            orders[f"{deal.slot}/added-{one.number}"] = fresh
    return orders


def _target(orders: Orders, market: Market, deal: Deal, seen: Seen) -> None:
    target, slot = deal.target, f"{deal.slot}/target"
    if target is None:
        return
    live = seen.live.get(slot)
    # Fills may be known before the order that brought them says so: then its whole amount tells.
    same = live is not None and (
        live.intent.amount == target.amount or live.intent.amount - live.filled == target.left
    )
    if live is not None and same and live.intent.price == target.price:
        orders[slot] = live.intent
    elif market.enough(target.left, target.price):
        orders[slot] = OrderIntent(Side.SELL, OrderKind.LIMIT, target.left, target.price, Role.EXIT)


def _market_exit(
    settings: MomentumSettings, market: Market, memory: MomentumMemory, deal: Deal, seen: Seen
) -> Orders:
    """Cancel first, then sell: nothing but the exit, and that only when nothing else is live."""
    slot = f"{deal.slot}/exit"
    live = seen.live.get(slot)
    if live is not None:
        return {slot: live.intent}
    if seen.live:
        return {}
    amount = market.amount(deal.held.amount + memory.dust.amount)
    return {slot: exit_intent(market, seen.bid, amount, deal.attempts, settings.max_slippage_pct)}


def watching(
    settings: MomentumSettings, market: Market, memory: MomentumMemory, deal: Deal, seen: Seen
) -> Wake:
    """The nearest prices and times at which stop, trails, targets or age would act."""
    timeframe = settings.timeframe.value
    if deal.phase is Phase.EXITING:
        return Wake(candle=timeframe)
    times = [next_step_at(settings, deal, seen.now), held_until(settings, deal)]
    if deal.phase is Phase.OPENING and memory.signal is not None:
        times.append(memory.signal.until)
    floors = [price for price in (deal.stop, deal.trail) if price is not None and price > 0]
    above_peak = None
    if settings.stop_trailing or deal.trail is not None:
        above_peak = deal.peak + market.tick
    elif settings.trails_profit:
        above_peak = above(deal.entry, settings.profit_trail_arm_pct)
    return Wake(
        below=max(floors, default=None),
        above=above_peak,
        at=min((at for at in times if at is not None and at > seen.now), default=None),
        candle=timeframe,
    )
