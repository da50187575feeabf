"""How a grid begins: wait for the trigger, settle sizes, buy the first coins, lay the lines."""

from decimal import Decimal

from bots.strategies.base import CommandKind, OrderIntent, Plan, Role, Wake
from bots.strategies.grid.book import FIRST_BUY, Book
from bots.strategies.grid.layout import Layout, first_purchase, laid, largest_unit, plot, with_coins
from bots.strategies.grid.leaving import exits_wake
from bots.strategies.grid.memory import GridMemory, Phase, plain
from orders.accounting import product
from orders.records import replace
from orders.rules import ZERO, OrderKind, Side

LOOK_AGAIN_MS = 5_000


def wait(book: Book) -> Plan[GridMemory] | Book:
    """A plan while there is something to wait for; then the book of a grid whose lines are laid."""
    seen, trigger = book.seen, book.settings.trigger_price
    asked = any(command.kind is CommandKind.START_DEAL for command in seen.commands)
    if trigger is None or asked:
        return _settle(book)
    above = book.memory.wait_above
    if above is None:
        above = seen.last <= trigger
    if seen.last >= trigger if above else seen.last <= trigger:
        return _settle(book)
    wake = Wake(above=trigger) if above else Wake(below=trigger)
    return Plan(replace(book.memory, wait_above=above), wake=wake)


def open_up(book: Book) -> Plan[GridMemory] | Book:
    """Go on with the first purchase until the sells are backed."""
    seen, memory, market = book.seen, book.closed_up(Phase.OPENING), book.market
    live = seen.live.get(FIRST_BUY)
    if live is not None:
        return Plan(memory, {FIRST_BUY: live.intent}, exits_wake(book), deal=1)
    if not memory.first_filled:
        return _settle(book)
    layout = laid(plot(book.settings, market, memory.anchor, ZERO), memory.unit)
    if layout.base_needed - seen.position.amount >= market.smallest(seen.last):
        now = plot(book.settings, market, seen.last, seen.position.amount)
        return _buy(book, memory, first_purchase(now, layout.base_needed))
    return _lay(book, memory, layout)


def _settle(book: Book) -> Plan[GridMemory] | Book:
    """Choose size and first purchase at the price of now; nothing has been ordered yet."""
    seen, settings, market = book.seen, book.settings, book.market
    opening = replace(book.memory, phase=Phase.OPENING)
    if seen.stale:
        return Plan(opening, wake=exits_wake(book, at=seen.now + LOOK_AGAIN_MS))
    ground = plot(settings, market, seen.last, seen.position.amount)
    budget = min(settings.investment - product(seen.position.amount, seen.last), seen.cash)
    unit = largest_unit(ground, budget)
    if settings.order_size is not None:
        unit = min(unit, settings.order_size)
    layout = laid(ground, unit)
    if not any(line.side for line in layout.lines):
        why = f"At {plain(seen.last)} no order of the grid meets the market's minimum; waiting."
        wake = exits_wake(book, at=seen.now + LOOK_AGAIN_MS)
        return Plan(opening, wake=wake, reasons=() if opening == book.memory else (why,))
    memory = replace(opening, anchor=seen.last, unit=unit, gap=layout.gap)
    if layout.first_amount:
        return _buy(book, memory, layout.first_amount)
    return _lay(book, memory, layout)


def _buy(book: Book, memory: GridMemory, amount: Decimal) -> Plan[GridMemory]:
    told = () if book.memory.first_amount == amount else (f"Buying {plain(amount)} for the grid's sells.",)
    order = OrderIntent(Side.BUY, OrderKind.MARKET, amount, None, Role.ENTRY)
    wake = exits_wake(book, at=book.seen.now + LOOK_AGAIN_MS)
    return Plan(replace(memory, first_amount=amount), {FIRST_BUY: order}, wake, told, deal=1)


def _lay(book: Book, memory: GridMemory, layout: Layout) -> Book:
    """Share the coins among the sells; what the purchase brought beyond them is dust."""
    held, average = book.seen.position.amount, book.seen.position.average
    coins = min(held, layout.base_needed)
    lines = with_coins(layout, coins, average, book.market)
    spare = coins - sum((line.amount for line in lines if line.side is Side.SELL), ZERO)
    reserve = spare if book.settings.infinity else ZERO
    # Coins brought in beyond the need stay aside: they were never the grid's to sell.
    dust = spare - reserve + (held - coins if memory.first_filled else ZERO)
    memory = replace(
        memory,
        lines=lines,
        gap=layout.gap,
        first_average=average,
        reserve=reserve,
        dust=dust,
        dust_paid=product(dust, average),
    )
    running = Book(memory, book.seen, book.settings, layout.ladder)
    running.touched = True
    count = sum(1 for line in lines if line.side)
    running.reasons = [
        *book.reasons,
        f"The grid starts at {plain(memory.anchor)} with {count} orders; line {layout.gap} at "
        f"{plain(layout.ladder.price(layout.gap))} stays empty.",
    ]
    return running
