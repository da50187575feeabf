"""When a scalper opens a deal, and with what order."""

from decimal import Decimal

from bots.strategies import words
from bots.strategies.base import ENTRY, OrderIntent, Seen, Wake
from bots.strategies.scalper import signals
from bots.strategies.scalper.edge import width
from bots.strategies.scalper.memory import ScalperMemory
from bots.strategies.scalper.settings import ScalperSettings
from bots.strategies.sizing import sized_to_sell
from bots.strategies.wakes import NO_WAKE, nearest
from orders.matching import BPS
from orders.records import Frozen, replace
from orders.rules import AT_MARKET, BUY, HUNDRED, LIMIT, ONE, SELL, Market

RETRY_MS = 5_000
HOUR_MS = 3_600_000


class Entry(Frozen):
    """What a flat bot wants: an order to rest, or a wake and perhaps a sentence saying why not.

    `until` (ms) and `why` tell a pause of the scalper's own.
    """

    memory: ScalperMemory
    order: OrderIntent | None = None
    wake: Wake = NO_WAKE
    refusal: str = ""
    until: int | None = None
    why: str = ""


def room(settings: ScalperSettings, seen: Seen) -> Decimal:
    """The quote that may still be spent: in the pocket, and within the investment."""
    return min(seen.cash, settings.investment - seen.position.cost)


def cost_of(
    settings: ScalperSettings, market: Market, amount: Decimal, price: Decimal, *, slips: bool
) -> Decimal:
    """The most a buy may cost: its fee and, at market, its slippage included."""
    cost = amount * price * market.dearest
    return cost * (ONE + settings.max_slippage_pct / HUNDRED) if slips and settings.max_slippage_pct else cost


def entry_ends(settings: ScalperSettings, memory: ScalperMemory) -> int:
    """When (ms) the resting entry is taken off the book, whatever of it has filled."""
    if settings.captures_spread:
        return memory.quoted_at + settings.refresh_s * 1000
    return (memory.signal_at or 0) + settings.entry_timeout_s * 1000


def next_entry(settings: ScalperSettings, market: Market, memory: ScalperMemory, seen: Seen) -> Entry:
    """The entry of the next deal, when signal, limits and book allow it."""
    candle = NO_WAKE if settings.captures_spread else Wake(candle=settings.candle, mark=signals.BUY)
    paused = _paused(settings, memory, seen.now)
    if paused is not None:
        until, why = paused
        return Entry(_unquoted(memory), wake=replace(candle, at=until), until=until, why=why)
    if not settings.captures_spread:
        ends = entry_ends(settings, memory)
        if memory.signal_at is None or seen.now >= ends:
            return Entry(_unsignalled(memory), wake=candle)
        candle = replace(candle, at=ends)
    if seen.now < memory.retry_at:
        return Entry(_unquoted(memory), wake=nearest(candle, Wake(at=memory.retry_at)))
    refusal = _thin(settings, market, seen)
    if refusal:
        return _refused(_unquoted(memory), candle, seen, refusal)
    return _order(settings, market, memory, seen, candle)


def _refused(memory: ScalperMemory, wake: Wake, seen: Seen, refusal: str) -> Entry:
    """Neither a spread, a depth nor a budget has a price to wait for: look again soon."""
    return Entry(memory, wake=nearest(wake, Wake(at=seen.now + RETRY_MS)), refusal=refusal)


def _paused(settings: ScalperSettings, memory: ScalperMemory, now: int) -> tuple[int, str] | None:
    if now < memory.pause_until:
        count, pause = settings.max_consecutive_losses, settings.loss_pause_s
        return memory.pause_until, f"{count} losing deals in a row: no entries for {pause} s."
    most = settings.max_trades_per_hour
    if not most:
        return None
    recent = [at for at in memory.opened if at > now - HOUR_MS]
    if len(recent) >= most:
        return recent[-most] + HOUR_MS, f"{most} deals within the hour: no entries until the first is older."
    return None


def _thin(settings: ScalperSettings, market: Market, seen: Seen) -> str:
    """Why this book is too wide or too thin to enter on, or nothing."""
    widest = settings.max_spread_bps
    if widest and (seen.ask - seen.bid) / ((seen.ask + seen.bid) / 2) * BPS > widest:
        return f"No entry: the spread is over {widest:f} bps."
    if seen.depth is not None and settings.least_depth and seen.depth < settings.least_depth:
        return (
            f"No entry: the book holds less than {words.quote(settings.least_depth, market)} near the touch."
        )
    return ""


def _unquoted(memory: ScalperMemory) -> ScalperMemory:
    return memory if memory.quote is None else replace(memory, quote=None)


def _unsignalled(memory: ScalperMemory) -> ScalperMemory:
    idle = memory.signal_at is None and memory.quote is None
    return memory if idle else replace(memory, signal_at=None, quote=None)


def _order(settings: ScalperSettings, market: Market, memory: ScalperMemory, seen: Seen, wake: Wake) -> Entry:
    live = seen.live.get(f"deal-{memory.deals + 1}/entry")
    if settings.at_market:
        return Entry(memory, live.intent, wake) if live else _fresh(settings, market, memory, seen, wake)
    memory = _quoted(settings, market, memory, seen)
    if settings.captures_spread:
        wake = nearest(wake, _moved_away(settings, market, memory, seen))
    if live is not None and live.intent.price == memory.quote:
        return Entry(memory, live.intent, wake)
    return _fresh(settings, market, memory, seen, wake)


def _quoted(settings: ScalperSettings, market: Market, memory: ScalperMemory, seen: Seen) -> ScalperMemory:
    """The resting entry's price. A spread's is made anew in time or when the fair value has moved by
    more than a quarter of the width; a signal's stays where it is."""
    fair = (seen.bid + seen.ask) / 2
    if memory.quote is not None:
        due = settings.captures_spread and seen.now >= entry_ends(settings, memory)
        moved = abs(fair - memory.fair) > _reach(settings, market, memory)
        if not due and not (settings.captures_spread and moved):
            return memory
    wanted = seen.bid
    if settings.captures_spread:
        wanted = fair * (ONE - width(settings, market) / 2)
    if settings.post_only:
        wanted = min(wanted, seen.ask - market.tick)
    quote = market.price(BUY, wanted)
    return replace(memory, quote=quote, fair=fair, quoted_at=seen.now)


def _reach(settings: ScalperSettings, market: Market, memory: ScalperMemory) -> Decimal:
    """How far, in quote, the fair value may move before the bid is placed anew."""
    return memory.fair * width(settings, market) / 4


def _moved_away(settings: ScalperSettings, market: Market, memory: ScalperMemory, seen: Seen) -> Wake:
    """Where the last price would have the fair value out of reach, if the book moves along with it.

    A wake is never where the price already is.
    """
    reach, apart = _reach(settings, market, memory), seen.last - (seen.bid + seen.ask) / 2
    low = market.price(BUY, memory.fair + apart - reach) - market.tick
    high = market.price(SELL, memory.fair + apart + reach) + market.tick
    low = min(low, market.price(SELL, seen.last) - market.tick)
    return Wake(
        below=low if low > 0 else None,
        above=max(high, market.price(BUY, seen.last) + market.tick),
        at=entry_ends(settings, memory),
    )


def _fresh(settings: ScalperSettings, market: Market, memory: ScalperMemory, seen: Seen, wake: Wake) -> Entry:
    price = seen.ask if settings.at_market or memory.quote is None else memory.quote
    wanted = settings.order_amount
    amount = sized_to_sell(market, wanted / price, price, settings.stop_fraction) if price > 0 else None
    if amount is None:
        refusal = f"The order of {words.quote(wanted, market)} is under the market's minimum."
        return _refused(memory, wake, seen, refusal)
    cost = cost_of(settings, market, amount, price, slips=settings.at_market)
    left = room(settings, seen)
    if cost > left:
        refusal = f"The order needs {words.quote(cost, market)}, {words.quote(left, market)} is left."
        return _refused(memory, wake, seen, refusal)
    if settings.at_market:
        order = OrderIntent(BUY, AT_MARKET, amount, None, ENTRY)
    else:
        order = OrderIntent(BUY, LIMIT, amount, price, ENTRY, settings.post_only)
    return Entry(memory, order, wake)
