"""A backtest: one bot on a tape of candles, from event to event.

The clock is the simulated exchange's (`orders/gateways/lockstep.py`): along each candle's walk it
stops at the first price at which an order fills or the bot wants to look. Candles in which nothing
can happen are passed over; with `skip` off each is walked, and the outcome is the same.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bots.backtest.decisions import Trader
from bots.backtest.desk import Desk, pocket
from bots.backtest.extremes import INFINITE
from bots.backtest.record import Record
from bots.backtest.tape import Closes, Tape, closes_of
from bots.backtest.worth import daily_marks, exposure_ms
from bots.strategies.base import Strategy, Wake
from orders.gateways.lockstep import Levels, first_stop
from orders.matching import Quote, quote_around, walk
from orders.rules import ZERO

STEPS_PER_CANDLE_MAX = 10_000
PROGRESS_EVERY = 4096


class TooManyEvents(Exception):
    """A strategy that finds something to do at every tick of one candle; its author must look."""


@dataclass(frozen=True, slots=True)
class Terms:
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
        self._row, self._leg = first, 0
        self._price = tape.candle(first).open
        opening = self._quote(tape.time(first, 0))
        coins = Decimal(getattr(strategy.settings, "initial_base", 0))
        cash, position = pocket(investment=strategy.settings.investment, coins=coins, bid=opening.bid)
        self.desk = Desk(self.market, cash=cash, position=position, slippage_pct=terms.slippage_pct)
        self.trader = Trader(strategy, self.desk, journal=journal)
        self._start_equity = self.desk.equity(opening.bid)
        self._marked: dict[str, list[int]] = {}
        self._opening = opening

    def run(self) -> Record:
        self.trader.turn(self._opening)
        count, told = len(self.tape), self._first
        while True:
            self._walk_candle()
            following = self._next_row()
            if self._progress is not None and following - told >= PROGRESS_EVERY:
                told = following
                self._progress(following)
            if following >= count:
                break
            self._jump(following)
        return self._record()

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
        wake, price = self.trader.wake, self._price
        stop = first_stop(price, target, self._levels(wake))
        if stop is None:
            self._price = target
            if wake.at is not None and at >= wake.at:
                self.trader.turn(self._quote(at))
            return
        self._price = stop
        self._happened(price, at, wake)

    def _jump(self, row: int) -> None:
        """From the close of the candle before to the open of `row`, over everything between."""
        if row != self._row + 1:
            self._price = self.tape.close(row - 1)
        wake, price = self.trader.wake, self._price
        self._row, self._leg = row, 0
        self._price = target = self.tape.candle(row).open
        at = self.tape.time(row, 0)
        if first_stop(price, target, self._levels(wake)) is not None:
            self._happened(price, at, wake)
        elif (wake.at is not None and at >= wake.at) or self._closes_at(row, wake):
            self.trader.turn(self._quote(at), self._candle(row, wake))

    def _happened(self, start: Decimal, at: int, wake: Wake) -> None:
        """Fill what was passed between `start` and the price now, and let the bot look if it is due."""
        price, quote = self._price, self._quote(at)
        self.desk.pass_through(min(start, price), max(start, price), quote)
        below, above = wake.below, wake.above
        due = (
            (below is not None and price <= below < start)
            or (above is not None and start < above <= price)
            or (wake.at is not None and at >= wake.at)
            or self._closes_at(self._row, wake)
        )
        if due or self.trader.news:
            self.trader.turn(quote, self._candle(self._row, wake))

    def _next_row(self) -> int:
        """The next candle in which something may happen."""
        following = self._row + 1
        if not self._skip or following >= len(self.tape):
            return following
        wake = self.trader.wake
        levels = self._levels(wake)
        downs = [level for level in (levels.buy_trigger, levels.below) if level is not None]
        ups = [level for level in (levels.sell_trigger, levels.above) if level is not None]
        below = float(max(downs)) if downs else -INFINITE
        above = float(min(ups)) if ups else INFINITE
        found = len(self.tape)
        if wake.at is not None:
            found = max(self.tape.reaching(wake.at), following)
        if wake.candle is not None:
            found = min(found, self._next_close(wake.mark))
        if downs or ups:
            found = min(found, self.tape.extremes.next(following, below, above, found))
        return found

    def _next_close(self, mark: str) -> int:
        rows = self._rows(mark)
        place = bisect_right(rows, self._row)
        return rows[place] if place < len(rows) else len(self.tape)

    def _closes_at(self, row: int, wake: Wake) -> bool:
        """Whether a candle the bot waits for is known at the open of `row`."""
        if wake.candle is None or self._leg:
            return False
        rows = self._rows(wake.mark)
        place = bisect_right(rows, row) - 1
        return place >= 0 and rows[place] == row

    def _rows(self, mark: str) -> list[int]:
        rows = self._marked.get(mark)
        if rows is None:
            if self.closes is None:
                raise ValueError("a strategy without signals waits for a candle")
            rows = self._marked[mark] = self.closes.marked(mark)
        return rows

    def _candle(self, row: int, wake: Wake) -> Any:
        if self.closes is None or not self._closes_at(row, wake):
            return None
        return self.closes.row(row)

    def _levels(self, wake: Wake) -> Levels:
        return Levels(self.desk.buy_trigger, self.desk.sell_trigger, wake.below, wake.above)

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
