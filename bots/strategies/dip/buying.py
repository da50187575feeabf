"""The buys of a dip: how much, at what price, and whether the budget has room."""

from decimal import Decimal

from bots.strategies import words
from bots.strategies.additions import unfilled
from bots.strategies.base import OrderIntent, Role, Seen
from bots.strategies.dip.memory import DipMemory, Ordered
from bots.strategies.dip.settings import DipSettings
from bots.strategies.entries import EntryOrder
from bots.strategies.exits import TRIED, below
from bots.strategies.sizing import sized_to_sell
from orders.records import Frozen, replace
from orders.rules import HUNDRED, ONE, ZERO, Market, OrderKind, Side
from orders.states import OrderStatus

RETRY_MS = 60_000
ENDED = TRIED | {OrderStatus.FILLED}


class Buying(Frozen):
    """A buy decided on, or the sentence saying why not."""

    ordered: Ordered | None = None
    refusal: str = ""


def stop_fraction(settings: DipSettings) -> Decimal:
    return settings.stop_loss_pct / HUNDRED


def price_of(settings: DipSettings, market: Market, last: Decimal) -> Decimal | None:
    """Where a buy rests when the last price is `last`; None at market."""
    if settings.entry_order is EntryOrder.MARKET:
        return None
    return market.price(Side.BUY, below(last, settings.limit_offset_pct))


def most_cost(
    settings: DipSettings, market: Market, amount: Decimal, price: Decimal, *, limit: bool
) -> Decimal:
    """The most a buy of `amount` base may cost in quote: its fee, and at market the slippage, included."""
    slippage = ZERO if limit else settings.max_slippage_pct
    fee = max(market.maker_fee, market.taker_fee)
    return amount * price * (ONE + slippage / HUNDRED) * (ONE + fee)


def room(settings: DipSettings, memory: DipMemory, seen: Seen) -> Decimal:
    """The quote that may still be spent: in the pocket, within the investment, not awaited by buys."""
    deal = memory.deal
    committed = memory.dust.cost + (deal.held.cost if deal else ZERO)
    left = min(seen.cash, settings.investment - committed)
    if deal is None:
        return left
    left -= most_cost(settings, seen.market, unfilled(deal.added), seen.ask, limit=False)
    if memory.ordered is not None:
        limit, rest = memory.ordered.price, memory.ordered.amount - filled_of(memory)
        left -= most_cost(settings, seen.market, rest, limit or seen.ask, limit=limit is not None)
    return left


def filled_of(memory: DipMemory) -> Decimal:
    """Base that the buy wanted now has filled."""
    if memory.deal is None or memory.ordered is None:
        return ZERO
    found = (one.amount for one in memory.deal.buys if one.number == memory.ordered.number)
    return next(found, ZERO)


def buying(settings: DipSettings, market: Market, memory: DipMemory, seen: Seen, number: int) -> Buying:
    """Buy `number` of a dip, when market and budget allow it."""
    limit = price_of(settings, market, seen.last)
    price = seen.ask if limit is None else limit
    wanted = settings.spends(number)
    amount = sized_to_sell(market, wanted / price, price, stop_fraction(settings)) if price > 0 else None
    if amount is None:
        said = words.quote(wanted, market)
        return Buying(refusal=f"Buy {number} of {said} is under the market's minimum.")
    cost, left = (
        most_cost(settings, market, amount, price, limit=limit is not None),
        room(settings, memory, seen),
    )
    if cost > left:
        need, have = words.quote(cost, market), words.quote(max(left, ZERO), market)
        return Buying(refusal=f"Buy {number} needs {need}, {have} is left.")
    return Buying(Ordered(number, amount, limit, seen.now))


def wish(ordered: Ordered) -> OrderIntent:
    """The order that `ordered` rests as. Only the first buy of a deal is an entry."""
    role = Role.ENTRY if ordered.number == 1 else Role.ADD
    kind = OrderKind.MARKET if ordered.price is None else OrderKind.LIMIT
    return OrderIntent(Side.BUY, kind, ordered.amount, ordered.price, role)


def until(settings: DipSettings, ordered: Ordered) -> int | None:
    """When a resting limit is given up, in ms."""
    return None if ordered.price is None else ordered.since + settings.order_ttl_s * 1000


def settled(settings: DipSettings, memory: DipMemory, seen: Seen, reasons: list[str]) -> DipMemory:
    """The memory without a buy that is over: filled, refused, or unfilled for its whole lifetime."""
    ordered = memory.ordered
    if ordered is None:
        return memory
    slot = memory.buy_slot
    ends = until(settings, ordered)
    ended = any(order.slot == slot and order.status in ENDED for order in seen.closed)
    gone = slot not in seen.live and (ended or filled_of(memory) > 0)
    late = ends is not None and seen.now >= ends
    if not (gone or late):
        return memory
    if late and not gone:
        reasons.append(f"Buy {ordered.number} is cancelled: not filled within {settings.order_ttl_s} s.")
    memory = replace(memory, ordered=None)
    if memory.deal is None and memory.episode is not None and memory.episode.armed:
        # Nothing was bought: a later candle may arm the same dip again.
        return replace(memory, episode=replace(memory.episode, armed=False))
    return memory
