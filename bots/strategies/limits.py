"""How far a bot's profit and loss may go, and the prices at which it would have gone so far.

Profit and loss is the position's own, realised and marked to the bid, in quote: money put in or
taken out never looks like a gain or a loss.
"""

from decimal import Decimal

from bots.strategies.base import Seen, Wake
from bots.strategies.settings import Settings
from orders.records import Frozen, replace
from orders.rules import HUNDRED, ZERO, floor_to

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
# A peak between two looks goes unseen by at most this part of the drawdown limit.
PEAK_STEPS = 10


class Marks(Frozen):
    """The P&L that limits are measured from: at the start, at its highest, and at the user's midnight
    (`day`, in ms UTC). `day_lost`: the daily limit was reached since then. Amounts in quote."""

    start: Decimal
    peak: Decimal
    day: int
    at_midnight: Decimal
    day_lost: bool = False


def profit_and_loss(seen: Seen) -> Decimal:
    return seen.position.realised + seen.position.unrealised(seen.bid)


def next_midnight(now: int, day_start: int) -> int:
    """When to look whether the user's day is over: a day of 25 hours is asked again by the hour."""
    at = day_start + DAY_MS
    return at if now < at else at + ((now - at) // HOUR_MS + 1) * HOUR_MS


class Limits:
    """The limits of one bot's settings, as amounts of quote around its marks."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        part = settings.investment / HUNDRED
        self._daily = part * settings.max_daily_loss_pct
        self._gain = part * settings.bot_take_profit_pct
        self._loss = part * settings.bot_stop_loss_pct
        self._peak_step = part * settings.max_drawdown_pct / PEAK_STEPS
        self.any = any((self._daily, self._gain, self._loss, self._peak_step))

    def marked(self, marks: Marks | None, pnl: Decimal, day_start: int) -> Marks:
        if marks is None:
            return Marks(pnl, pnl, day_start, pnl)
        if day_start > marks.day:
            marks = replace(marks, day=day_start, at_midnight=pnl, day_lost=False)
        if pnl > marks.peak:
            marks = replace(marks, peak=pnl)
        if self._daily and not marks.day_lost and pnl <= marks.at_midnight - self._daily:
            marks = replace(marks, day_lost=True)
        return marks

    def drawdown_reached(self, marks: Marks, pnl: Decimal) -> bool:
        return bool(self._settings.max_drawdown_pct) and pnl <= self._drawdown_floor(marks)

    def total_reached(self, marks: Marks, pnl: Decimal) -> str:
        """Which of the bot's own take profit and stop loss is reached, or nothing."""
        if self._gain and pnl >= marks.start + self._gain:
            return "take profit"
        if self._loss and pnl <= marks.start - self._loss:
            return "stop loss"
        return ""

    def _drawdown_floor(self, marks: Marks) -> Decimal:
        """The P&L at which equity is the limit's percent under its peak."""
        peak_equity = self._settings.investment + marks.peak - marks.start
        return marks.peak - peak_equity * self._settings.max_drawdown_pct / HUNDRED

    def wake(self, marks: Marks, seen: Seen) -> Wake:
        """When the position held would bring the P&L to a limit, or to a new peak worth noting.

        Limits are marked to the bid and wakes ask for the last price, so the present distance
        between the two is added; a wake is never where the price already is.
        """
        held = seen.position
        if not held.amount:
            return Wake()
        apart = seen.last - seen.bid
        owed = held.cost - held.realised
        floors, ceilings = self._floors(marks), self._ceilings(marks)
        low = high = None
        if floors:
            low = floor_to((max(floors) + owed) / held.amount, seen.market.tick) + apart
        if ceilings:
            high = (min(ceilings) + owed) / held.amount + apart
        at = next_midnight(seen.now, seen.day_start) if self._daily else None
        if (low is not None and low >= seen.last) or (high is not None and high <= seen.last):
            at = seen.now + 1000
        return Wake(
            below=low if low is not None and ZERO < low < seen.last else None,
            above=high if high is not None and high > seen.last else None,
            at=at,
        )

    def _floors(self, marks: Marks) -> list[Decimal]:
        floors = []
        if self._daily and not marks.day_lost:
            floors.append(marks.at_midnight - self._daily)
        if self._peak_step:
            floors.append(self._drawdown_floor(marks))
        if self._loss:
            floors.append(marks.start - self._loss)
        return floors

    def _ceilings(self, marks: Marks) -> list[Decimal]:
        ceilings = []
        if self._gain:
            ceilings.append(marks.start + self._gain)
        if self._peak_step:
            ceilings.append(marks.peak + self._peak_step)
        return ceilings
