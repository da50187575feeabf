"""The order with which a momentum bot opens a deal."""

from decimal import Decimal

from bots.strategies import words
from bots.strategies.base import ENTRY, OrderIntent, Seen
from bots.strategies.momentum.choices import SizeMode
from bots.strategies.momentum.exits import stop_under
from bots.strategies.momentum.memory import MomentumMemory, Signal
from bots.strategies.momentum.settings import MomentumSettings
from bots.strategies.sizing import by_risk, sized_to_sell
from orders.records import Frozen, replace
from orders.rules import AT_MARKET, BUY, HUNDRED, LIMIT, ONE, ZERO, Market

RISK = SizeMode.RISK


class Sized(Frozen):
    """What an entry buys: `wanted` base before rounding, `amount` after it (None: under the minimum),
    and `cost` in quote with fee and slippage at the most."""

    wanted: Decimal
    amount: Decimal | None
    cost: Decimal


def room(settings: MomentumSettings, memory: MomentumMemory, cash: Decimal) -> Decimal:
    """The quote that may still be spent: in the pocket, and within the investment."""
    committed = memory.dust.cost + (memory.deal.held.cost if memory.deal else ZERO)
    return min(cash, settings.investment - committed)


def cost_factor(settings: MomentumSettings, market: Market, at_market: bool) -> Decimal:
    """The most that buying for 1 may cost: slippage and fee included."""
    slips = at_market and settings.max_slippage_pct
    return (ONE + settings.max_slippage_pct / HUNDRED) * market.dearest if slips else market.dearest


def sized(
    settings: MomentumSettings,
    market: Market,
    *,
    price: Decimal,
    stop: Decimal,
    equity: Decimal,
    left: Decimal,
) -> Sized:
    """The size of an entry at `price` with its stop at `stop`, `left` quote to spend."""
    factor = cost_factor(settings, market, settings.at_market)
    wanted = settings.amount / price
    if settings.size_mode is RISK:
        wanted = by_risk(
            equity=equity,
            risk_pct=settings.risk_pct,
            entry=price,
            stop=stop,
            balance=max(left, ZERO) / factor,
        )
    amount = sized_to_sell(market, wanted, price, min((price - stop) / price, ONE))
    return Sized(wanted, amount, (amount or wanted) * price * factor)


def entry_order(
    settings: MomentumSettings, market: Market, memory: MomentumMemory, signal: Signal, seen: Seen
) -> tuple[MomentumMemory, OrderIntent | None, str]:
    """The order for `signal`, or why there is none. What rests already stays the very same wish."""
    live = seen.live.get(f"deal-{memory.deals + 1}/entry")
    if live is not None:
        return memory, live.intent, ""
    at_market = settings.at_market
    if not at_market and signal.price is None:
        signal = replace(signal, price=market.price(BUY, seen.bid))
        memory = replace(memory, signal=signal)
    price = seen.ask if at_market or signal.price is None else signal.price
    stop = stop_under(settings, price, memory.atr)
    if price <= 0 or not ZERO < stop < price:
        return memory, None, "No entry: its stop would lie under zero."
    left = room(settings, memory, seen.cash)
    equity = seen.equity if settings.size_mode is RISK else ZERO
    size = sized(settings, market, price=price, stop=stop, equity=equity, left=left)
    if size.amount is None:
        wanted = words.quote(size.wanted * price, market)
        return memory, None, f"No entry: {wanted} are under the market's minimum."
    if size.cost > left:
        need, have = words.quote(size.cost, market), words.quote(max(left, ZERO), market)
        return memory, None, f"No entry: it needs {need}, {have} is left."
    kind = AT_MARKET if at_market else LIMIT
    order = OrderIntent(BUY, kind, size.amount, None if at_market else price, ENTRY)
    return memory, order, ""
