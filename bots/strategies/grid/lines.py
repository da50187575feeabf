"""Where a grid's lines are, which of them stays empty, and what a pair of lines earns."""

from bisect import bisect_left
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal

from bots.strategies.grid.settings import LINES_MAX, GapRule, GridSettings, Spacing
from orders.rules import HUNDRED, ONE, FeeIn, Market

_EXACT = Context(prec=40, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Ladder:
    """The price of every line by its index, also of those that trailing may reach.

    Arithmetic `low + i·step`; geometric `low·(high/low)^(i/intervals)`, so that no error builds up
    from line to line. Each is rounded once, half up, to the tick.
    """

    low: Decimal
    high: Decimal
    intervals: int
    spacing: Spacing
    market: Market
    _known: dict[int, Decimal] = field(default_factory=dict, compare=False, repr=False)

    def price(self, index: int) -> Decimal:
        """Line `index` in quote; the lowest line chosen is 0, below it indices are negative."""
        known = self._known.get(index)
        if known is None:
            known = self._known[index] = self.market.line(self.exact(index))
        return known

    def exact(self, index: int) -> Decimal:
        """The same before rounding."""
        share = _EXACT.divide(Decimal(index), Decimal(self.intervals))
        if self.spacing is Spacing.ARITHMETIC:
            return self.low + _EXACT.multiply(self.high - self.low, share)
        ratio = _EXACT.divide(self.high, self.low)
        return _EXACT.multiply(self.low, _EXACT.power(ratio, share))

    def prices(self, count: int) -> list[Decimal]:
        return [self.price(index) for index in range(count)]


def ladder_of(settings: GridSettings, market: Market, anchor: Decimal) -> Ladder:
    """The lines of `settings`; those of an infinity grid stand around `anchor`, its first price."""
    if settings.infinity:
        step = ONE + settings.step_pct / HUNDRED
        low = _EXACT.multiply(anchor, _EXACT.power(step, Decimal(-steps_below(settings, anchor))))
        return Ladder(low, _EXACT.multiply(low, step), 1, Spacing.GEOMETRIC, market)
    return Ladder(settings.lower_price, settings.top, settings.lines - 1, settings.spacing, market)


def steps_below(settings: GridSettings, anchor: Decimal) -> int:
    """How many steps of an infinity grid fit between its first price and its lower price.

    At most one more than the lines that any grid may have.
    """
    if anchor <= settings.lower_price:
        return 0
    step = ONE + settings.step_pct / HUNDRED
    count = _EXACT.divide(_EXACT.ln(anchor / settings.lower_price), _EXACT.ln(step))
    return min(int(count + Decimal("1e-20")), LINES_MAX + 1)


def gap_line(prices: list[Decimal], price: Decimal, rule: GapRule) -> int:
    """The index of the line that stays empty at the start, at `price`; a tie goes to the lower."""
    above = bisect_left(prices, price)
    if above == len(prices):
        return above - 1
    if above == 0 or prices[above] == price:
        return above
    if rule is GapRule.ABOVE:
        return above
    if rule is GapRule.BELOW:
        return above - 1
    return above if prices[above] - price < price - prices[above - 1] else above - 1


def pair_net(low: Decimal, high: Decimal, market: Market) -> Decimal:
    """What buying at `low` and selling at `high` earns, as a fraction of the cost, fees paid.

    Fees in quote: high·(1−f)/(low·(1+f)) − 1; in what is received: high/low·(1−f)² − 1.
    """
    fee = market.maker_fee
    if market.fee_in is FeeIn.QUOTE:
        return high * (ONE - fee) / (low * (ONE + fee)) - ONE
    return high / low * (ONE - fee) ** 2 - ONE


def lines_at_most(settings: GridSettings, least_step: Decimal, least_ratio: Decimal) -> int:
    """The most lines whose steps are all ≥ `least_step` quote and ≥ `least_ratio` (0 when none).

    The smallest step is the lowest of a geometric range, the smallest ratio the highest of an
    arithmetic one.
    """
    low, high = settings.lower_price, settings.top
    if settings.spacing is Spacing.ARITHMETIC:
        step = max(least_step, high - high / least_ratio)
        return int((high - low) / step) + 1
    ratio = max(ONE + least_step / low, least_ratio)
    return int(_EXACT.divide(_EXACT.ln(high / low), _EXACT.ln(ratio))) + 1


def up_to_cents(value: Decimal) -> Decimal:
    """`value` rounded up to a size people type: two places from 1 on, else eight."""
    return value.quantize(Decimal("0.01") if value >= 1 else Decimal("1e-8"), ROUND_CEILING)
