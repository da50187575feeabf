"""When a grid ends, and how: cancel, see it confirmed, sell what is held."""

from decimal import Decimal

from bots.strategies.base import CommandKind, Plan, Seen, Wake
from bots.strategies.exits import exit_intent
from bots.strategies.grid.book import EXIT, Book
from bots.strategies.grid.memory import GridMemory, Phase, plain
from bots.strategies.grid.settings import ExitAction, GridSettings
from orders.records import replace

LOOK_AGAIN_MS = 5_000


def asked_to_leave(seen: Seen) -> bool:
    return seen.closing or any(command.kind is CommandKind.CLOSE_NOW for command in seen.commands)


def why_leave(memory: GridMemory, seen: Seen, settings: GridSettings) -> str:
    """The sentence that ends the grid, or nothing. Before the trigger only the user ends it."""
    if asked_to_leave(seen):
        return "Asked to close: cancelling the orders and selling everything."
    if memory.phase is Phase.WAITING:
        return ""
    stop, target = settings.stop_loss_price, settings.take_profit_price
    if stop is not None and seen.last <= stop:
        return f"Stop loss: the price {plain(seen.last)} has reached {plain(stop)}."
    if target is not None and seen.last >= target:
        return f"Take profit: the price {plain(seen.last)} has reached {plain(target)}."
    return ""


def exits_wake(
    book: Book, *, below: Decimal | None = None, above: Decimal | None = None, at: int | None = None
) -> Wake:
    """A wake that also listens for the stop loss and the take profit."""
    lows = [price for price in (below, book.settings.stop_loss_price) if price is not None]
    highs = [price for price in (above, book.settings.take_profit_price) if price is not None]
    return Wake(max(lows, default=None), min(highs, default=None), at)


def leave(book: Book) -> Plan[GridMemory]:
    """One step of leaving; a plan without orders while others are still being cancelled."""
    seen, market, memory = book.seen, book.market, book.memory
    keep = book.settings.exit_action is ExitAction.KEEP
    if memory.phase is Phase.LEAVING:
        keep = memory.keep_coins
    keep = keep and not asked_to_leave(seen)
    reasons, wake = tuple(book.reasons), Wake(at=seen.now + LOOK_AGAIN_MS)
    memory = replace(book.closed_up(Phase.LEAVING), keep_coins=keep)
    live = seen.live.get(EXIT)
    if live is not None:
        return Plan(memory, {EXIT: live.intent}, wake, reasons, deal=1)
    if seen.live:
        return Plan(memory, {}, wake, reasons, deal=1)
    amount = market.amount(seen.position.amount)
    if keep or not market.enough(amount, seen.bid):
        left = f"The grid has ended; {plain(seen.position.amount)} {market.base} stay."
        return Plan(replace(memory, phase=Phase.DONE), reasons=(*reasons, left), finished=True)
    order = exit_intent(market, seen.bid, amount, memory.exit_tries, book.settings.max_slippage_pct)
    return Plan(memory, {EXIT: order}, wake, reasons, deal=1)
