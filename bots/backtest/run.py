"""A backtest: one bot on a tape of candles, from event to event.

The clock is the simulated exchange's (`orders/gateways/lockstep.py`): along each candle's walk it
stops at the first price at which an order fills or the bot wants to look. Candles in which nothing
can happen are passed over; with `skip` off each is walked, and the outcome is the same.
"""

from bisect import bisect_right
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from bots.backtest.decisions import Trader
from bots.backtest.desk import Desk, pocket
from bots.backtest.extremes import INFINITE
from bots.backtest.record import Record
from bots.backtest.tape import Closes, Marked, Tape, closes_of
from bots.backtest.worth import daily_marks, exposure_ms
from bots.strategies.base import SignalRow, Strategy
from orders.gateways.lockstep import Levels, first_stop
from orders.matching import Quote, quote_around, walk
from orders.records import Frozen
from orders.rules import ZERO

STEPS_PER_CANDLE_MAX = 10_000
PROGRESS_EVERY = 4096
NO_ROWS = Marked([], [])


class TooManyEvents(Exception):
    """A strategy that finds something to do at every tick of one candle; its author must look."""


class Terms(Frozen):
    """How the market treats the bot: slippage of orders at market in percent, the spread in basis
    points, the order in which a candle's prices are taken to have happened."""

    slippage_pct: Decimal = ZERO
    spread_bps: Decimal = ZERO
    pessimistic: bool = False


class Backtest:
    """One run. `first` is the row at whose open the bot starts; rows before it only warm up signals.

    `progress`, when given, is told now and then which row has been reached; it may raise to end the run.
    """

    def __init__(
        self,
        strategy: Strategy[Any],
        tape: Tape,
        terms: Terms,
        *,
        first: int = 0,
        closes: Closes | None = None,
        skip: bool = True,
        journal: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self.tape, self.terms, self.market = tape, terms, strategy.market
        self.closes = closes or closes_of(tape, strategy)
        self._first, self._skip, self._progress = first, skip, progress
        self._row, self._leg, self._count = first, 0, len(tape)
        self._price = tape.candle(first).open
        opening = self._quote(tape.time(first, 0))
        coins = Decimal(getattr(strategy.settings, "initial_base", 0))
        cash, position = pocket(investment=strategy.settings.investment, coins=coins, bid=opening.bid)
        self.desk = Desk(self.market, cash=cash, position=position, slippage_pct=terms.slippage_pct)
        self.trader = Trader(strategy, self.desk, journal=journal)
        self._start_equity = self.desk.equity(opening.bid)
        self._marked: dict[str, Marked] = {}
        self._opening = opening
        self._wait()

    def run(self) -> Record:
        self._turn(self._opening)
        count, told = self._count, self._first
        while True:
            following = self._next_row()
            if following == self._row:
                self._walk_candle()
                following = self._next_row(self._row + 1)
            if self._progress is not None and following - told >= PROGRESS_EVERY:
                told = following
                self._progress(following)
            if following >= count:
                break
            self._jump(following)
        return self._record()

    def _turn(self, quote: Quote, candle: SignalRow | None = None) -> None:
        """Let the bot look, then note the levels that it waits for from now on."""
        self.trader.turn(quote, candle)
        self._wait()

    def _wait(self) -> None:
        wake, desk = self.trader.wake, self.desk
        buy, sell = desk.buy_trigger, desk.sell_trigger
        self._levels = Levels(buy, sell, wake.below, wake.above, wake.at, wake.peak, wake.trough)
        self._below = _highest(buy, wake.below, wake.trough)
        self._above = _lowest(sell, wake.above, wake.peak)
        self._rows = self._rows_of(wake.mark) if wake.candle is not None else NO_ROWS

    def _walk_candle(self) -> None:
        """From where the clock stands to the candle's close."""
        candle = self.tape.candle(self._row)
        points = walk(candle, pessimistic=self.terms.pessimistic)
        for _ in range(STEPS_PER_CANDLE_MAX):
            target = points[self._leg]
            if self._price == target:
                if self._leg == 3:
                    return
                self._leg += 1
                target = points[self._leg]
            self._slide(target, self.tape.time(self._row, self._leg))
        raise TooManyEvents(f"more than {STEPS_PER_CANDLE_MAX} events in the candle of {candle.at}")

    def _slide(self, target: Decimal, at: int) -> None:
        """On towards the next point of the candle's walk, as far as the first level on the way."""
        start, stop = self._price, first_stop(self._price, target, self._levels)
        self._price = target if stop is None else stop
        if stop is not None:
            self._happened(start, at, ended=stop == target)
        elif self._due(at) or self._levels.turned(target):
            self._turn(self._quote(at))

    def _jump(self, row: int) -> None:
        """From the close of the candle before to the open of `row`, over everything between."""
        tape = self.tape
        self._row, self._leg, self._price = row, 0, tape.opening_price(row)
        at, turned = tape.time(row, 0), False
        if tape.gap_reaches(row, self._below, self._above):
            start = tape.close(row - 1)
            if first_stop(start, self._price, self._levels) is not None:
                self._happened(start, at, ended=True)
                return
            turned = self._levels.turned(self._price)
        closed = self._closed()
        if closed is not None or turned or self._due(at):
            self._turn(self._quote(at), self._candle(closed))

    def _due(self, at: int) -> bool:
        return self._levels.due is not None and at >= self._levels.due

    def _happened(self, start: Decimal, at: int, *, ended: bool) -> None:
        """Fill what was passed between `start` and the price now, and let the bot look if it is due.
        `ended`: the price goes no further this way."""
        price, quote, levels = self._price, self._quote(at), self._levels
        self.desk.pass_through(min(start, price), max(start, price), quote)
        below, above, closed = levels.below, levels.above, self._closed()
        due = (
            closed is not None
            or (below is not None and price <= below < start)
            or (above is not None and start < above <= price)
            or self._due(at)
            or (ended and levels.turned(price))
        )
        if due or self.trader.news:
            self._turn(quote, self._candle(closed))
        else:
            self._wait()

    def _next_row(self, first: int | None = None) -> int:
        """The next candle from `first` on in which something may happen; without it, from where the
        clock stands: the present candle's own number says that it is not to be passed over yet."""
        if first is None:
            if self._leg or not self._skip:
                return self._row
            first = self._row
        elif not self._skip or first == self._count:
            return first
        due, found = self._levels.due, self._count
        if due is not None:
            found = self.tape.reaching(due, first)
        if self._rows is not NO_ROWS:
            openings = self._rows.openings
            place = bisect_right(openings, self._row)
            if place < len(openings):
                found = min(found, openings[place])
        if found > first and (self._below != -INFINITE or self._above != INFINITE):
            found = self.tape.extremes.next(first, self._below, self._above, found)
        return found

    def _closed(self) -> int | None:
        """The signal row of the candle the bot waits for, when it is known where the clock stands: at an
        open, nowhere else."""
        if self._leg or self._rows is NO_ROWS:
            return None
        return self._rows.at(self._row)

    def _candle(self, closed: int | None) -> SignalRow | None:
        """What the bot is shown of its signals; nothing between opens."""
        return self.closes.row(closed) if closed is not None and self.closes is not None else None

    def _rows_of(self, mark: str) -> Marked:
        rows = self._marked.get(mark)
        if rows is None:
            if self.closes is None:
                raise ValueError("a strategy without signals waits for a candle")
            rows = self._marked[mark] = self.closes.marked(mark)
        return rows

    def _quote(self, at: int) -> Quote:
        return quote_around(self._price, self.market, self.terms.spread_bps, at)

    def _record(self) -> Record:
        tape, desk, log = self.tape, self.desk, self.desk.log
        since, until = tape.time(self._first, 0), tape.time(len(tape) - 1, 3) + 1
        spread = self.terms.spread_bps
        bid = quote_around(tape.close(len(tape) - 1), self.market, spread, until).bid
        return Record(
            market=self.market,
            since=since,
            until=until,
            start_equity=self._start_equity,
            end_equity=desk.equity(bid),
            fills=log.fills,
            makers=log.makers,
            pnls=log.pnls,
            equities=log.equities,
            deals=self.trader.all_deals(),
            daily=daily_marks(log, tape, self.market, spread_bps=spread, since=since, until=until),
            exposed_ms=exposure_ms(log, since=since, until=until),
        )


def _highest(*levels: Decimal | None) -> float:
    """Of levels under the price; -∞ without any. A level of 0 is none: no price is ever there."""
    highest = ZERO
    for level in levels:
        if level is not None and level > highest:
            highest = level
    return float(highest) if highest else -INFINITE


def _lowest(*levels: Decimal | None) -> float:
    lowest = None
    for level in levels:
        if level and (lowest is None or level < lowest):
            lowest = level
    return float(lowest) if lowest else INFINITE
