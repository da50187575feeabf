"""The working copy of a grid's memory while one decision reads its fills.

Wishes move between lines here and nowhere else. A wish that is complete leaves its line empty and
queues the opposite one on the neighbour; a queued wish takes its line once that line is free.
"""

from collections.abc import Sequence
from decimal import Decimal

from bots.strategies.base import Closed, Seen
from bots.strategies.grid.budget import affordable, free
from bots.strategies.grid.layout import INFINITY_SELLS, in_quote
from bots.strategies.grid.lines import Ladder
from bots.strategies.grid.memory import GridMemory, Line, Phase, plain
from bots.strategies.grid.settings import GridSettings
from orders.accounting import Fill, product, share
from orders.records import replace
from orders.rules import ZERO, Side
from orders.states import OrderStatus

LINE = "line-"
FIRST_BUY = "first-buy"
EXTRA_BUY = "extra-buy"
EXIT = "exit"
NEVER_SENT = frozenset({OrderStatus.NOT_PLACED, OrderStatus.ABANDONED})


class Book:
    """Lines by index, and everything else of the memory, until `closed_up` freezes it again."""

    def __init__(self, memory: GridMemory, seen: Seen, settings: GridSettings, ladder: Ladder) -> None:
        self.memory = memory
        self.seen = seen
        self.market = seen.market
        self.settings = settings
        self.ladder = ladder
        self.lines = {line.index: line for line in memory.lines}
        self.queue = list(memory.queue)
        self.dropped = {line.index: line for line in memory.dropped}
        self.gap = memory.gap
        self.profit = memory.grid_profit
        self.pairs = memory.pairs
        self.shifts = memory.shifts
        self.dust = memory.dust
        self.dust_paid = memory.dust_paid
        self.reserve = memory.reserve
        self.first_filled = memory.first_filled
        self.extra = memory.extra
        self.exit_tries = memory.exit_tries
        self.reasons: list[str] = []
        self.touched = False

    @property
    def first(self) -> int:
        return min(self.lines)

    @property
    def last(self) -> int:
        return max(self.lines)

    def take_in(self, fills: Sequence[Fill], closed: Sequence[Closed]) -> None:
        """Count what filled, then let what ended move on."""
        if not fills and not closed:
            return
        self.touched = True
        for fill in fills:
            self._filled(fill)
        for order in closed:
            self._ended(order)
        if self.memory.phase is Phase.RUNNING:
            self.settle()

    def settle(self) -> None:
        """Give queued wishes their lines, as far as those are free."""
        if self.queue:
            self._place()
        if self.settings.infinity:
            self._offer_reserve()

    def left(self, line: Line) -> None:
        """The order of a line that trailing left is gone: its coins go where they are still wanted.

        What a buy received joins the next sell; what a sell kept is offered on the lowest line but
        one, which was the lowest when the range moved down.
        """
        if line.side is Side.BUY:
            self.dust += line.base
            self.dust_paid += line.quote
        elif line.side is Side.SELL:
            rest = line.rest
            kept = share(line.paid, rest, line.base + rest) if line.base else line.paid
            if line.base:
                self._gain(line.quote, line.paid - kept)
            if rest > 0:
                index = self.first + 1
                self.queue.append(Line(index, self.ladder.price(index), Side.SELL, rest, kept))

    def closed_up(self, phase: Phase) -> GridMemory:
        old = self.memory
        if not self.touched and phase is old.phase:
            return old
        # Written out: dataclasses.replace takes twice as long, at every fill.
        return GridMemory(
            phase=phase,
            lines=tuple(self.lines.values()),
            queue=tuple(self.queue),
            dropped=tuple(self.dropped.values()),
            gap=self.gap,
            unit=old.unit,
            anchor=old.anchor,
            first_amount=old.first_amount,
            first_average=old.first_average,
            first_filled=self.first_filled,
            grid_profit=self.profit,
            pairs=self.pairs,
            shifts=self.shifts,
            dust=self.dust,
            dust_paid=self.dust_paid,
            reserve=self.reserve,
            extra=self.extra,
            wait_above=old.wait_above,
            exit_tries=self.exit_tries,
            keep_coins=old.keep_coins,
        )

    def _filled(self, fill: Fill) -> None:
        if fill.slot.startswith(LINE):
            index = int(fill.slot[len(LINE) :])
            for place in (self.lines, self.dropped):
                line = place.get(index)
                if line is not None and line.side is fill.side:
                    place[index] = _after(line, fill)
                    self.dust -= fill.fee_base if fill.side is Side.SELL else ZERO
                    return
            self._stray(fill)
        elif fill.slot == FIRST_BUY and self.memory.phase is Phase.OPENING:
            self.first_filled += fill.amount
        elif fill.slot != EXIT:
            self._stray(fill)

    def _stray(self, fill: Fill) -> None:
        """An extra purchase, or a fill heard of after its line had moved on: it joins the next sell."""
        if fill.side is Side.BUY:
            self.dust += fill.received
            self.dust_paid += fill.value + fill.fee_quote + fill.fee_other
        else:
            self.dust -= fill.amount + fill.fee_base
            self.dust_paid -= fill.value - fill.fee_quote - fill.fee_other

    def _ended(self, order: Closed) -> None:
        if order.slot == EXIT:
            self.exit_tries += 1
        elif order.slot == EXTRA_BUY and order.status not in NEVER_SENT:
            self.extra = ZERO
        elif order.slot.startswith(LINE):
            index = int(order.slot[len(LINE) :])
            if index in self.dropped:
                self.left(self.dropped.pop(index))
            line = self.lines.get(index)
            if line is not None and line.side is order.intent.side:
                self._line_ended(line, order)

    def _line_ended(self, line: Line, order: Closed) -> None:
        if order.status is OrderStatus.FILLED or line.filled >= line.amount:
            self._complete(line)
        elif line.filled:
            self._carry(line)

    def _carry(self, line: Line) -> None:
        """Cancelled in part: the rest stays on the line; when it is too small, the line is done with."""
        if self.market.enough(line.rest, line.price):
            self.lines[line.index] = replace(line, amount=line.rest, filled=ZERO)
        elif line.side is Side.SELL or self._sellable(line):
            self._complete(line)
        else:
            least = self.market.smallest(line.price)
            dearer = (least - line.rest) * line.price * in_quote(self.market)
            amount = least if dearer <= free(self) else line.rest
            self.lines[line.index] = replace(line, amount=amount, filled=ZERO)

    def _sellable(self, line: Line) -> bool:
        coins = self.market.amount(line.base + self.dust)
        return self.market.enough(coins, self.ladder.price(line.index + 1))

    def _complete(self, line: Line) -> None:
        self.lines[line.index] = Line(line.index, line.price)
        self.gap = line.index
        if line.side is Side.BUY:
            self._bought(line)
        else:
            self._sold(line)

    def _bought(self, line: Line) -> None:
        coins, paid = line.base, line.quote
        if self.dust < 0 or self.dust >= self.market.lot:
            coins, paid = coins + self.dust, paid + self.dust_paid
            self.dust = self.dust_paid = ZERO
        amount = self.market.amount(coins)
        price = self.ladder.price(line.index + 1)
        told = f"Line {line.index} bought {plain(line.base)} at {plain(line.price)};"
        if self.market.enough(amount, price):
            if coins != amount:
                # Dust keeps its share of the cost: with a coarse lot it is a good part of the pair.
                sold = share(paid, amount, coins)
                self.dust += coins - amount
                self.dust_paid += paid - sold
                paid = sold
            self.queue.append(Line(line.index + 1, price, Side.SELL, amount, paid))
            self.reasons.append(f"{told} selling {plain(amount)} at {plain(price)}.")
            return
        self.dust += coins
        self.dust_paid += paid
        self.queue.append(Line(line.index, line.price, Side.BUY))
        self.reasons.append(f"{told} too little to sell alone, it joins the next sale.")

    def _sold(self, line: Line) -> None:
        """Book what the sell brought over what its coins cost; coins left unsold become dust."""
        paid = line.paid
        if line.rest > 0:
            left = share(paid, line.rest, line.base + line.rest)
            paid -= left
            self.dust += line.rest
            self.dust_paid += left
        gain = self._gain(line.quote, paid)
        price = self.ladder.price(line.index - 1)
        self.queue.append(Line(line.index - 1, price, Side.BUY))
        self.reasons.append(
            f"Line {line.index} sold {plain(line.base)} at {plain(line.price)}, grid profit "
            f"{plain(round(gain, 8))}; buying again at {plain(price)}."
        )

    def _gain(self, brought: Decimal, paid: Decimal) -> Decimal:
        self.profit += brought - paid
        self.pairs += 1
        return brought - paid

    def _place(self) -> None:
        waiting, self.queue = self.queue, []
        for wish in waiting:
            line = self.lines.get(wish.index)
            if line is None:
                self._homeless(wish)
            elif line.side is None:
                self._settle_on(wish)
            elif line.side is wish.side is Side.SELL and wish.slot not in self.seen.live and not line.base:
                self.lines[wish.index] = replace(
                    line, amount=line.amount + wish.amount, paid=line.paid + wish.paid
                )
            else:
                self.queue.append(wish)

    def _settle_on(self, wish: Line) -> None:
        if wish.side is Side.SELL:
            self.lines[wish.index] = wish
            return
        amount = ZERO if self.dropped else affordable(self, wish.price)
        if amount:
            self.lines[wish.index] = replace(wish, amount=amount)
        else:
            self.queue.append(wish)

    def _homeless(self, wish: Line) -> None:
        """The wish of a line that trailing has left, or, of an infinity grid, that does not exist yet."""
        if wish.side is Side.BUY:
            return
        if self.settings.infinity:
            self.lines[wish.index] = wish
            return
        self.dust += wish.amount
        self.dust_paid += wish.paid

    def _offer_reserve(self) -> None:
        """Keep a window of sells above the empty line of an infinity grid."""
        offered = sum(1 for line in self.lines.values() if line.side is Side.SELL)
        top = self.last
        for index in range(top + 1, top + 1 + INFINITY_SELLS - offered):
            price = self.ladder.price(index)
            amount = self.market.amount(self.memory.unit / self.ladder.price(index - 1))
            if amount > self.reserve or not self.market.enough(amount, price):
                return
            self.reserve -= amount
            paid = product(amount, self.memory.first_average)
            self.lines[index] = Line(index, price, Side.SELL, amount, paid)


def _after(line: Line, fill: Fill) -> Line:
    fees = fill.fee_quote + fill.fee_other
    bought = fill.side is Side.BUY
    return Line(
        line.index,
        line.price,
        line.side,
        line.amount,
        line.paid,
        line.filled + fill.amount,
        line.base + (fill.received if bought else fill.amount),
        line.quote + (fill.value + fees if bought else fill.value - fees),
    )
