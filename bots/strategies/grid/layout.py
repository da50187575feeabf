"""How a grid is laid at a price: what every line wants first, and the purchase that backs the sells."""

from collections.abc import Iterator
from decimal import Decimal

from bots.strategies.grid.lines import Ladder, gap_line, ladder_of, steps_below
from bots.strategies.grid.memory import Line
from bots.strategies.grid.settings import GridSettings, SizeMode
from orders.accounting import product
from orders.records import Frozen, replace
from orders.rules import HUNDRED, ONE, ZERO, FeeIn, Market, Side, ceil_to, floor_to

# The sells of an infinity grid that rest at once; the next is offered when the nearest has filled.
INFINITY_SELLS = 10
UNIT_STEP = Decimal("1e-8")
FITTINGS_MAX = 20


class Layout(Frozen):
    """A grid as it would start: `unit` is the order size, in quote or base by the size mode.

    `base_needed` is what the sells will give, `first_amount` what is bought at market for it,
    `first_cost` that in quote with fee and slippage, `buys_cost` the grid buys with their fees.
    `small` and `raised` name the lines whose orders are under the minimum, and were lifted to it.
    """

    ladder: Ladder
    gap: int
    unit: Decimal
    lines: tuple[Line, ...]
    base_needed: Decimal
    first_amount: Decimal
    first_cost: Decimal
    buys_cost: Decimal
    small: tuple[int, ...] = ()
    raised: tuple[int, ...] = ()

    @property
    def required_quote(self) -> Decimal:
        return self.buys_cost + self.first_cost


class Plot(Frozen):
    """The ground a grid is laid on: settings, market, the price now and the coins already held."""

    settings: GridSettings
    market: Market
    price: Decimal
    held: Decimal
    ladder: Ladder
    count: int
    gap: int

    def sides(self) -> Iterator[tuple[int, Side]]:
        """Each line that has an order, with its side."""
        for index in range(self.count):
            if index != self.gap:
                yield index, Side.BUY if index < self.gap else Side.SELL

    def wanted(self, index: int, side: Side, unit: Decimal) -> Decimal:
        """Base wanted at a line, before rounding. Base mode: `unit` itself. Quote: unit / price.

        An infinity grid sells at a line what it buys one line lower, so that from P to P·r it
        sells A/P·(1−1/r) of a constant value A.
        """
        if self.settings.size_mode is SizeMode.BASE:
            return unit
        low = self.settings.infinity and side is Side.SELL
        return unit / self.ladder.price(index - 1 if low else index)

    def stop_fraction(self, price: Decimal) -> Decimal:
        """How far under `price` the stop loss stands, as a fraction; 0 without one."""
        stop = self.settings.stop_loss_price
        return ZERO if stop is None or stop >= price else ONE - stop / price

    def amount(self, index: int, side: Side, unit: Decimal) -> Decimal | None:
        """The order at a line in base, raised to the minimum if need be, or None when too small."""
        price = self.ladder.price(index)
        return self.market.sized(self.wanted(index, side, unit), price, self.stop_fraction(price))

    @property
    def coin_cost(self) -> Decimal:
        """Quote that one coin to be sold costs at market now, with fee and slippage."""
        dear = self.price * (ONE + self.settings.max_slippage_pct / HUNDRED)
        fee = self.market.taker_fee
        return dear * (ONE + fee) if self.market.fee_in is FeeIn.QUOTE else dear / (ONE - fee)

    def coins(self, unit: Decimal) -> Decimal:
        """Base an infinity grid holds at its first price: A/P, with A = unit·r/(r−1)."""
        rate = self.settings.step_pct / HUNDRED
        return unit * (ONE + rate) / rate / self.ladder.price(self.gap)


def plot(settings: GridSettings, market: Market, price: Decimal, held: Decimal) -> Plot:
    """`price` in quote, `held` in base."""
    ladder = ladder_of(settings, market, price)
    if settings.infinity:
        gap = steps_below(settings, price)
        return Plot(settings, market, price, held, ladder, gap + 1 + INFINITY_SELLS, gap)
    gap = gap_line(ladder.prices(settings.lines), price, settings.gap_rule)
    return Plot(settings, market, price, held, ladder, settings.lines, gap)


def laid(ground: Plot, unit: Decimal) -> Layout:
    """The grid with orders of size `unit`."""
    lines, small, raised = [Line(ground.gap, ground.ladder.price(ground.gap))], [], []
    for index, side in ground.sides():
        price = ground.ladder.price(index)
        amount = ground.amount(index, side, unit)
        if amount is None:
            small.append(index)
        elif amount > ground.wanted(index, side, unit):
            raised.append(index)
        lines.append(Line(index, price, side if amount else None, amount or ZERO))
    buys = sum((product(line.amount, line.price) for line in lines if line.side is Side.BUY), ZERO)
    needed = sum((line.amount for line in lines if line.side is Side.SELL), ZERO)
    if ground.settings.infinity:
        needed = max(needed, ground.market.amount(ground.coins(unit)))
    first = first_purchase(ground, needed)
    return Layout(
        ladder=ground.ladder,
        gap=ground.gap,
        unit=unit,
        lines=tuple(sorted(lines, key=lambda line: line.index)),
        base_needed=needed,
        first_amount=first,
        first_cost=product(first, bought_price(ground), in_quote(ground.market)),
        buys_cost=product(buys, in_quote(ground.market)),
        small=tuple(small),
        raised=tuple(raised),
    )


def first_purchase(ground: Plot, needed: Decimal) -> Decimal:
    """Base to buy at market so that, net of a base fee, the sells are backed; 0 when they are."""
    missing = needed - ground.held
    if missing <= 0:
        return ZERO
    market = ground.market
    fee = market.taker_fee if market.fee_in is FeeIn.RECEIVED else ZERO
    return max(ceil_to(missing / (ONE - fee), market.lot), market.smallest(ground.price))


def bought_price(ground: Plot) -> Decimal:
    """The worst price the first purchase may pay."""
    return ground.price * (ONE + ground.settings.max_slippage_pct / HUNDRED)


def in_quote(market: Market) -> Decimal:
    """Quote that leaves the pocket per quote bought, at the dearer fee: a line that the price has
    jumped over is bought as taker."""
    return ONE + (max(market.maker_fee, market.taker_fee) if market.fee_in is FeeIn.QUOTE else ZERO)


def largest_unit(ground: Plot, budget: Decimal) -> Decimal:
    """The largest order size whose buys and first purchase `budget` (quote) covers.

    Linear in the size but for rounding, so it is solved and then stepped down until it fits.
    """
    one = ONE
    buys = sum(
        (
            ground.wanted(i, side, one) * ground.ladder.price(i)
            for i, side in ground.sides()
            if side is Side.BUY
        ),
        ZERO,
    )
    coins = sum((ground.wanted(i, side, one) for i, side in ground.sides() if side is Side.SELL), ZERO)
    if ground.settings.infinity:
        coins = ground.coins(one)
    buys *= in_quote(ground.market)
    coin = ground.coin_cost
    unit = (budget + ground.held * coin) / (buys + coins * coin)
    if coins * unit < ground.held:
        unit = budget / buys if buys else ground.held / coins
    return _fitted(ground, unit, budget)


def _fitted(ground: Plot, unit: Decimal, budget: Decimal) -> Decimal:
    step = ground.market.lot if ground.settings.size_mode is SizeMode.BASE else UNIT_STEP
    unit = floor_to(max(unit, ZERO), step)
    for _ in range(FITTINGS_MAX):
        required = laid(ground, unit).required_quote
        if required <= budget or unit <= 0:
            return unit
        unit = max(floor_to(unit * budget / required, step) - step, ZERO)
    return unit


def with_coins(layout: Layout, coins: Decimal, average: Decimal, market: Market) -> tuple[Line, ...]:
    """The lines once `coins` base at `average` quote back the sells, the nearest served first."""
    backed = []
    for line in layout.lines:
        if line.side is Side.SELL:
            amount = min(line.amount, market.amount(coins))
            if not market.enough(amount, line.price):
                line = Line(line.index, line.price)
            else:
                coins -= amount
                line = replace(line, amount=amount, paid=product(amount, average))
        backed.append(line)
    return tuple(backed)
