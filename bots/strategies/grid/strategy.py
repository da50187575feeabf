"""The grid's decision: which orders rest now, and what would change that."""

from decimal import Decimal
from typing import ClassVar

from bots.strategies.base import (
    Candles,
    CommandKind,
    OrderIntent,
    Plan,
    Preflight,
    Role,
    Seen,
    Signals,
)
from bots.strategies.grid.book import EXTRA_BUY, Book
from bots.strategies.grid.budget import free
from bots.strategies.grid.layout import in_quote
from bots.strategies.grid.leaving import exits_wake, leave, why_leave
from bots.strategies.grid.lines import Ladder, ladder_of
from bots.strategies.grid.memory import GridMemory, Line, Phase, plain
from bots.strategies.grid.opening import open_up, wait
from bots.strategies.grid.preflight import preflight
from bots.strategies.grid.settings import GridSettings
from bots.strategies.grid.trailing import trail, trail_wakes
from orders.rules import HUNDRED, ONE, ZERO, Market, OrderKind, Side


class Grid:
    """Lines between two prices; a buy that fills is sold one line higher, a sell bought one lower."""

    version: ClassVar[int] = 1
    memory_type: ClassVar[type] = GridMemory

    def __init__(self, settings: GridSettings, market: Market) -> None:
        self.settings = settings
        self.market = market
        self._ladder: tuple[Decimal, Ladder] | None = None
        # A line's order beside the very line it was made from: from look to look most lines stay.
        self._made: dict[int, tuple[Line, str, OrderIntent | None]] = {}

    @property
    def timeframe(self) -> str | None:
        return None

    @property
    def candles_needed(self) -> int:
        return 0

    def first_memory(self) -> GridMemory:
        return GridMemory()

    def restarted(self, memory: GridMemory) -> GridMemory:
        """A grid that came to its end is laid anew; one that was only stopped goes on."""
        return GridMemory() if memory.phase is Phase.DONE else memory

    def prepare(self, candles: Candles) -> Signals:
        return Signals()

    def preflight(self, price: Decimal) -> Preflight:
        return preflight(self.settings, self.market, price)

    @staticmethod
    def figures(memory: GridMemory) -> dict[str, Decimal]:
        """Amounts in quote and base for a page; total P&L less `grid_profit` is the floating part."""
        return {
            "grid_profit": memory.grid_profit,
            "pairs": Decimal(memory.pairs),
            "shifts": Decimal(memory.shifts),
            "order_size": memory.unit,
            "first_average": memory.first_average,
            "dust": memory.dust,
        }

    def decide(self, memory: GridMemory, seen: Seen) -> Plan[GridMemory]:
        if memory.phase is Phase.DONE:
            return Plan(memory, finished=True)
        book = Book(memory, seen, self.settings, self._ladder_at(memory.anchor))
        book.take_in(seen.fills, seen.closed)
        if memory.phase is Phase.LEAVING:
            return leave(book)
        why = why_leave(memory, seen, self.settings)
        if why:
            book.reasons.append(why)
            return leave(book)
        if memory.phase is Phase.RUNNING:
            return self._run(book)
        begun = wait(book) if memory.phase is Phase.WAITING else open_up(book)
        return self._run(begun) if isinstance(begun, Book) else begun

    def _ladder_at(self, anchor: Decimal) -> Ladder:
        if self._ladder is None or self._ladder[0] != anchor:
            self._ladder = (
                anchor,
                ladder_of(self.settings, self.market, anchor or self.settings.lower_price),
            )
        return self._ladder[1]

    def _run(self, book: Book) -> Plan[GridMemory]:
        trail(book)
        orders = self._resting(book)
        self._add_funds(book, orders)
        below, above = trail_wakes(book)
        wake = exits_wake(book, below=below, above=above)
        return Plan(book.closed_up(Phase.RUNNING), orders, wake, tuple(book.reasons), deal=1)

    def _resting(self, book: Book) -> dict[str, OrderIntent]:
        """The lines' orders by slot: all, or those nearest to the empty line."""
        made, orders = self._made, {}
        for index, line in book.lines.items():
            known = made.get(index)
            if known is None or known[0] is not line:
                known = made[index] = (line, line.slot, self._order(line))
            if known[2] is not None:
                orders[known[1]] = known[2]
        most = min(self.settings.max_active_orders or len(orders), self.market.open_orders_max)
        if len(orders) <= most:
            return orders
        near = sorted(book.lines.values(), key=lambda line: (abs(line.index - book.gap), line.index))
        return {slot: orders[slot] for slot in [line.slot for line in near if line.slot in orders][:most]}

    def _order(self, line: Line) -> OrderIntent | None:
        """The order of a line; None when it is empty or its wish too small to be placed alone."""
        if line.side is None or not self.market.enough(line.amount, line.price):
            return None
        role = Role.ADD if line.side is Side.BUY else Role.EXIT
        return OrderIntent(line.side, OrderKind.LIMIT, line.amount, line.price, role)

    def _add_funds(self, book: Book, orders: dict[str, OrderIntent]) -> None:
        """An extra purchase on the user's word, within the free cash; the next sell takes its coins."""
        live = book.seen.live.get(EXTRA_BUY)
        if live is not None:
            orders[EXTRA_BUY] = live.intent
            return
        asked = sum((c.quote for c in book.seen.commands if c.kind is CommandKind.ADD_FUNDS), ZERO)
        if asked:
            book.extra, book.touched = self._extra(book, asked), True
        if book.extra:
            orders[EXTRA_BUY] = OrderIntent(Side.BUY, OrderKind.MARKET, book.extra, None, Role.ADD)

    def _extra(self, book: Book, asked: Decimal) -> Decimal:
        dear = book.seen.ask * (ONE + self.settings.max_slippage_pct / HUNDRED) * in_quote(self.market)
        amount = self.market.amount(min(asked, max(free(book), ZERO)) / dear)
        if self.market.enough(amount, book.seen.bid):
            book.reasons.append(f"Adding funds: buying {plain(amount)} more, sold with the next line.")
            return amount
        book.reasons.append(f"No funds were added: {plain(asked)} is under the minimum, or not free.")
        return ZERO
