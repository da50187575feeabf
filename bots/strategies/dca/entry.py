"""When a DCA bot opens a deal, and with what order."""

from decimal import Decimal

from bots.strategies import words
from bots.strategies.base import OrderIntent, Role, Seen, Wake
from bots.strategies.dca.choices import BaseOrderType, StartCondition
from bots.strategies.dca.memory import DcaMemory
from bots.strategies.dca.settings import DcaSettings
from bots.strategies.sizing import sized_to_sell
from bots.strategies.wakes import NO_WAKE
from orders.records import Frozen, replace
from orders.rules import HUNDRED, ONE, ZERO, Market, OrderKind, Side

REQUOTE_MS = 60_000
RETRY_MS = 60_000
# Columns that mark candles whose RSI is beyond the threshold, or is not.
BEYOND, WITHIN = "beyond", "within"


class Entry(Frozen):
    """What the next deal waits for: an order to rest, or a wake and perhaps a sentence saying why not."""

    memory: DcaMemory
    order: OrderIntent | None = None
    wake: Wake = NO_WAKE
    refusal: str = ""


def volume(settings: DcaSettings, memory: DcaMemory) -> Decimal:
    """What the next base order spends, in quote: its setting and the profit put back in."""
    return settings.base_order_volume + reinvested(settings, memory)


def reinvested(settings: DcaSettings, memory: DcaMemory) -> Decimal:
    return max(memory.profit, ZERO) * settings.reinvest_pct / HUNDRED


def room(settings: DcaSettings, memory: DcaMemory, cash: Decimal) -> Decimal:
    """The quote that may still be spent: in the pocket, and within the investment."""
    committed = memory.dust.cost + (memory.deal.held.cost if memory.deal else ZERO)
    return min(cash, settings.investment + reinvested(settings, memory) - committed)


def stop_fraction(settings: DcaSettings) -> Decimal:
    return settings.stop_loss_pct / HUNDRED


def buying_cost(market: Market, settings: DcaSettings, amount: Decimal, price: Decimal) -> Decimal:
    """The most a buy at market may cost: slippage and fee included."""
    return amount * price * (ONE + settings.max_slippage_pct / HUNDRED) * (ONE + market.taker_fee)


def next_entry(settings: DcaSettings, market: Market, memory: DcaMemory, seen: Seen) -> Entry:
    """The base order of the next deal, when its start condition and the price bounds allow it."""
    waiting = _waiting(settings, memory, seen)
    if waiting is not None:
        return Entry(_unquoted(memory), wake=waiting)
    slot = f"deal-{memory.deals + 1}/base"
    return base_order(settings, market, memory, seen, slot)


def _waiting(settings: DcaSettings, memory: DcaMemory, seen: Seen) -> Wake | None:
    """The wake of a bot that must wait, None when it may enter now."""
    condition, candle = settings.start_condition, _candle(settings, memory)
    if not memory.asked:
        if condition is StartCondition.SCHEDULE and seen.now < memory.next_at:
            return Wake(at=memory.next_at)
        if condition in (StartCondition.RSI, StartCondition.MANUAL) and not memory.signal:
            return candle
    if settings.min_price is not None and seen.last < settings.min_price:
        return replace(candle, above=settings.min_price)
    if settings.max_price is not None and seen.last > settings.max_price:
        return replace(candle, below=settings.max_price)
    return None


def _candle(settings: DcaSettings, memory: DcaMemory) -> Wake:
    """The candle that would change what the RSI says: one beyond its threshold, or one within again."""
    if settings.start_condition is not StartCondition.RSI:
        return NO_WAKE
    return Wake(candle=settings.rsi_timeframe.value, mark=WITHIN if memory.signal else BEYOND)


def _unquoted(memory: DcaMemory) -> DcaMemory:
    return memory if memory.quote is None else replace(memory, quote=None)


def base_order(settings: DcaSettings, market: Market, memory: DcaMemory, seen: Seen, slot: str) -> Entry:
    """The base order, or what is left of one that filled too little to be sold again."""
    limit = settings.base_order_type is BaseOrderType.LIMIT
    live = seen.live.get(slot)
    bounds = replace(
        _candle(settings, memory),
        below=settings.min_price - market.tick if limit and settings.min_price is not None else None,
        above=settings.max_price + market.tick if limit and settings.max_price is not None else None,
    )
    if not limit and live is not None:
        return Entry(memory, live.intent, bounds)
    if limit:
        memory = _quoted(memory, market, seen)
        bounds = replace(bounds, at=memory.quoted_at + REQUOTE_MS)
        if live is not None and live.intent.price == memory.quote:
            return Entry(memory, live.intent, bounds)
    return _fresh(settings, market, memory, seen, bounds)


def _quoted(memory: DcaMemory, market: Market, seen: Seen) -> DcaMemory:
    """The limit base order's price: the bid, taken anew every minute."""
    if memory.quote is not None and seen.now < memory.quoted_at + REQUOTE_MS:
        return memory
    return replace(memory, quote=market.price(Side.BUY, seen.bid), quoted_at=seen.now)


def _fresh(settings: DcaSettings, market: Market, memory: DcaMemory, seen: Seen, wake: Wake) -> Entry:
    limit = settings.base_order_type is BaseOrderType.LIMIT
    price = memory.quote if limit and memory.quote is not None else seen.ask
    spent = memory.deal.base_value if memory.deal else ZERO
    wanted = volume(settings, memory) - spent
    amount = sized_to_sell(market, wanted / price, price, stop_fraction(settings)) if price > 0 else None
    again = Wake(at=seen.now + RETRY_MS, candle=wake.candle, mark=wake.mark)
    if amount is None:
        least = words.quote(market.smallest(price, stop_fraction(settings)) * price, market)
        refusal = f"The base order of {words.quote(wanted, market)} is under the market's minimum, {least}."
        return Entry(memory, wake=again, refusal=refusal)
    slippage = ZERO if limit else settings.max_slippage_pct
    cost = amount * price * (ONE + slippage / HUNDRED) * (ONE + market.taker_fee)
    left = room(settings, memory, seen.cash)
    if cost > left:
        refusal = f"The base order needs {words.quote(cost, market)}, {words.quote(left, market)} is left."
        return Entry(memory, wake=again, refusal=refusal)
    kind = OrderKind.LIMIT if limit else OrderKind.MARKET
    role = Role.ADD if memory.deal else Role.ENTRY
    order = OrderIntent(Side.BUY, kind, amount, price if limit else None, role)
    return Entry(memory, order, wake)
