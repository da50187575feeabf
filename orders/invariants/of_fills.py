"""Fills: each belongs to its order and is counted once, and together they are the bot's position."""

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from uuid import UUID

from orders.accounting import Position, Purpose, product, share
from orders.invariants.books import Books, Breach, plain, signed
from orders.models import LedgerEntry, Trade
from orders.models.order import FEE_LOOKS_MAX
from orders.models.trade import fees_awaited
from orders.rules import ZERO, Side


def fills_of_orders(books: Books) -> Iterator[Breach]:
    """I7: a trade is its order's: same side, same slot, same market."""
    orders = {order.pk: order for order in books.orders}
    for trade in books.trades:
        order = orders.get(trade.order_id)
        if order is None:
            yield books.breach("I7", "its order belongs to another bot", trade)
        elif (trade.side, trade.slot, trade.symbol) != (order.side, order.slot, order.ticker):
            yield books.breach("I7", f"it is a {trade} in {trade.slot}, its order a {order}", trade)


def trades_numbered(books: Books) -> Iterator[Breach]:
    """I7: trades are numbered from 1 without a gap, up to the bot's count of them."""
    numbers = [trade.number for trade in books.trades]
    if numbers != list(range(1, books.bot.total_trades + 1)):
        yield books.breach(
            "I7", f"it counts {books.bot.total_trades} trades, their numbers are {_spans(numbers)}"
        )


def _spans(numbers: list[int]) -> str:
    """1, 2, 3, 5 as "1-3, 5"."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(f"{a}-{b}" if a < b else f"{a}" for a, b in spans) or "none"


def fills_add_up(books: Books) -> Iterator[Breach]:
    """I8, I10: an order's fills are what it says is filled, and what it says that cost."""
    trades = books.trades_by_order()
    for order in books.orders:
        fills = [trade.as_fill() for trade in trades.get(order.pk, [])]
        filled = sum((fill.amount for fill in fills), ZERO)
        if filled != order.filled:
            what = f"filled {plain(order.filled)}, its trades sum to {plain(filled)}"
            yield books.breach("I10", what, order)
        if filled > order.amount and not order.overfilled:
            what = f"its trades sum to {plain(filled)}, more than its amount {plain(order.amount)}"
            yield books.breach("I8", what, order)
        cost = sum((fill.value for fill in fills), ZERO)
        if cost != order.cost:
            yield books.breach("I10", f"cost {plain(order.cost)}, its trades cost {plain(cost)}", order)


def position_adds_up(books: Books) -> Iterator[Breach]:
    """I11: what it holds is what it bought and was given, less what it sold, gave back and paid in fees."""
    moves = [*books.coin_moves(), *_of_base(books, books.adopted())]
    held = sum((signed(entry) for entry in moves), ZERO)
    for trade in books.trades:
        fill = trade.as_fill()
        held += fill.received if fill.side is Side.BUY else -fill.amount - fill.fee_base
    if held != books.bot.position_amount:
        what = f"holds {plain(books.bot.position_amount)}, its trades and transfers leave {plain(held)}"
        yield books.breach("I11", what)


def fees_present(books: Books) -> Iterator[Breach]:
    """I12: every trade says in which currency its fee was, and what that was worth in quote. Of a third
    currency the price is not among our rows. One that is not told yet is asked for, until it is given up."""
    bot = books.bot
    for trade in books.trades:
        if not trade.fee_currency:
            yield books.breach("I12", "its fee is in no currency", trade)
        if trade.other_fee:
            continue
        value = trade.fee if trade.fee_currency == bot.quote else product(trade.fee, trade.price)
        if value != trade.fee_value:
            what = f"its fee is worth {plain(value)} {bot.quote}, it says {plain(trade.fee_value)}"
            yield books.breach("I12", what, trade)
    trades = books.trades_by_order()
    for order in books.orders:
        left = fees_awaited(trades.get(order.pk, []))
        if left and order.fee_look_at is None and order.fee_looks < FEE_LOOKS_MAX:
            yield books.breach("I12", f"nobody asks for the fees of {len(left)} of its fills", order)


def corrections_follow(books: Books) -> Iterator[Breach]:
    """I12: the corrections of a fill's fee are numbered from 1, and come after it."""
    seen: Counter[tuple[UUID, str]] = Counter()
    for trade in books.trades:
        fill = trade.order_id, trade.exchange_trade_id
        if trade.correction != seen[fill]:
            what = f"is correction {trade.correction} of a fill with {seen[fill]} rows before it"
            yield books.breach("I12", what, trade)
        seen[fill] += 1


def accounting_repeats(books: Books) -> Iterator[Breach]:
    """P1: booking all trades again gives the same P&L for each, and the same position at the end.

    The ledger knows how many coins came or went, not at what price: one such move is priced by what
    the bot counts as funded, with more of them only the amounts can be checked (I11).
    """
    moves = books.coin_moves()
    if len(moves) > 1:
        return
    bot, position = books.bot, Position()
    worth = bot.funded - _quote_funded(books) - _adopted_worth(books)
    adopted = {row.trade_id: row.amount for row in _of_base(books, books.adopted())}
    for event in _in_order(books, moves):
        if isinstance(event, LedgerEntry):
            position = _moved(position, event, worth)
            continue
        fill, brought = event.as_fill(), adopted.get(event.pk, ZERO)
        if brought != position.lacks(fill):
            what = f"it lacked {plain(position.lacks(fill))} {bot.base}, {plain(brought)} was brought in"
            yield books.breach("P1", what, event)
        before = position.with_coins(brought, fill.price) if brought else position
        position = before.after(fill)
        if event.pnl != position.realised - before.realised:
            what = f"its P&L is {plain(position.realised - before.realised)}, it says {plain(event.pnl)}"
            yield books.breach("P1", what, event)
    told = Position(bot.position_amount, bot.position_cost, bot.pnl)
    if told != position:
        yield books.breach("P1", f"its trades make {_words(position)}, it says {_words(told)}")


def _quote_funded(books: Books) -> Decimal:
    """What was put into the pocket in quote, less what was taken out, other than by trades."""
    moved = (row for row in books.entries if row.trade_id is None or row.purpose == Purpose.ADOPTED)
    return sum((signed(row) for row in moved if row.currency == books.bot.quote), ZERO)


def _adopted_worth(books: Books) -> Decimal:
    prices = {trade.pk: trade.price for trade in books.trades}
    rows = _of_base(books, books.adopted())
    return sum((product(row.amount, prices[row.trade_id]) for row in rows if row.trade_id in prices), ZERO)


def _of_base(books: Books, entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
    return [row for row in entries if row.currency == books.bot.base]


def _in_order(books: Books, moves: list[LedgerEntry]) -> Iterator[Trade | LedgerEntry]:
    """Trades by number, each move of coins before the first trade that was booked after it."""
    first_entry: dict[object, int] = {}
    for entry in books.entries:
        first_entry.setdefault(entry.trade_id, entry.pk)
    waiting = list(moves)
    for trade in books.trades:
        while waiting and waiting[0].pk < first_entry.get(trade.pk, 0):
            yield waiting.pop(0)
        yield trade
    yield from waiting


def _moved(position: Position, entry: LedgerEntry, worth: Decimal) -> Position:
    change = signed(entry)
    if change > 0:
        return Position(position.amount + change, position.cost + worth, position.realised)
    cost = share(position.cost, -change, position.amount) if position.amount else ZERO
    return Position(position.amount + change, position.cost - cost, position.realised - worth - cost)


def _words(position: Position) -> str:
    return (
        f"{plain(position.amount)} that cost {plain(position.cost)} and a P&L of {plain(position.realised)}"
    )


def equity_adds_up(books: Books) -> Iterator[Breach]:
    """P3: cash and the position at cost are what was put in and what was made of it; fees in a third
    currency are in the P&L, and were paid by others."""
    bot = books.bot
    paid = sum((trade.fee_value for trade in books.trades if trade.other_fee), ZERO)
    has, should = bot.cash + bot.position_cost, bot.funded + bot.pnl + paid
    if has != should:
        what = f"cash and position at cost are {plain(has)}, funds and P&L {plain(should)}"
        yield books.breach("P3", what)
    funded = _quote_funded(books)
    given = funded + _adopted_worth(books)
    if not books.coin_moves() and given != bot.funded:
        yield books.breach("P3", f"counts {plain(bot.funded)} as funded, it was given {plain(given)}")
