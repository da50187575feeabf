"""How a grid's range follows the price: one step at a time, never back."""

from decimal import Decimal

from bots.strategies.grid.book import Book
from bots.strategies.grid.memory import Line, plain
from orders.rules import Side


def trail(book: Book) -> None:
    """Move the range by one step if the price has left it by one."""
    above, below = price_above(book), price_below(book)
    if above is not None and book.seen.last >= above and not blocked(book, Side.SELL):
        trail_up(book)
    elif below is not None and book.seen.last <= below and not blocked(book, Side.BUY):
        trail_down(book)


def trail_wakes(book: Book) -> tuple[Decimal | None, Decimal | None]:
    """The prices (below, above) at which the range would move again.

    A price already reached is left out while an order stands in the way: its end wakes the bot.
    """
    above, below = price_above(book), price_below(book)
    if above is not None and book.seen.last >= above and blocked(book, Side.SELL):
        above = None
    if below is not None and book.seen.last <= below and blocked(book, Side.BUY):
        below = None
    return below, above


def price_above(book: Book) -> Decimal | None:
    """Where the range moves up: one step over its highest line; None when it never does."""
    if not book.settings.trailing_up:
        return None
    price, limit = book.ladder.price(book.last + 1), book.settings.trailing_up_limit
    return price if limit is None or price <= limit else None


def price_below(book: Book) -> Decimal | None:
    if not book.settings.trailing_down:
        return None
    price, limit = book.ladder.price(book.first - 1), book.settings.trailing_down_limit
    return price if limit is not None and price >= limit else None


def blocked(book: Book, side: Side) -> bool:
    """Whether an order on `side` has yet to fill, or one that was left has yet to go."""
    if book.dropped:
        return True
    return any(line.side is side for line in (*book.lines.values(), *book.queue))


def trail_up(book: Book) -> None:
    """Leave the lowest line, and buy on what was the highest."""
    lowest, top = book.lines.pop(book.first), book.last
    _leave(book, lowest)
    _empty(book, top + 1)
    book.queue.append(Line(top, book.ladder.price(top), Side.BUY))
    _moved(book)


def trail_down(book: Book) -> None:
    """Leave the highest line, and offer its coins on what was the lowest; no quote is spent."""
    highest, low = book.lines.pop(book.last), book.first
    _empty(book, low - 1)
    _leave(book, highest)
    _moved(book)


def _empty(book: Book, index: int) -> None:
    book.lines[index] = Line(index, book.ladder.price(index))
    book.lines = dict(sorted(book.lines.items()))
    book.gap, book.touched = index, True


def _leave(book: Book, line: Line) -> None:
    if line.slot in book.seen.live:
        book.dropped[line.index] = line
    else:
        book.left(line)


def _moved(book: Book) -> None:
    book.shifts += 1
    low, high = book.ladder.price(book.first), book.ladder.price(book.last)
    book.reasons.append(f"The range moved by a step, to {plain(low)} – {plain(high)}.")
    book.settle()
