"""What a grid keeps between two decisions: what each line wants, and what became of it so far."""

from decimal import Decimal
from enum import StrEnum

from orders.records import Frozen
from orders.rules import ZERO, Side


class Phase(StrEnum):
    """`opening`: the first coins are being bought; `leaving`: orders go, coins are sold."""

    WAITING = "waiting"
    OPENING = "opening"
    RUNNING = "running"
    LEAVING = "leaving"
    DONE = "done"


class Line(Frozen):
    """A price line and its wish. Without a `side` the line is empty.

    `amount` in base is what its order was, or will be, placed with, and `paid` in quote what the
    coins to be sold here cost. `filled` is the part of the present order that has filled, `base`
    what a buy received (net of base fees) or a sell gave over all orders of this wish, `quote`
    what the one cost and the other brought, fees included.
    """

    index: int
    price: Decimal
    side: Side | None = None
    amount: Decimal = ZERO
    paid: Decimal = ZERO
    filled: Decimal = ZERO
    base: Decimal = ZERO
    quote: Decimal = ZERO

    @property
    def slot(self) -> str:
        return f"line-{self.index}"

    @property
    def rest(self) -> Decimal:
        """Base that the present order has still to fill."""
        return self.amount - self.filled


class GridMemory(Frozen):
    """Everything a grid knows.

    `lines` are in rising order of index and price; `queue` are wishes whose line is still taken,
    `dropped` lines that trailing left behind and whose orders are not yet known to be gone.
    `unit` is the order size in force, `anchor` the price at which the grid was laid, `first_amount`
    the base of the first purchase. `dust` is base on no line, which cost `dust_paid`; it joins the
    next sell that it makes larger. `reserve` is the base an infinity grid has yet to offer, at
    `first_average`. `grid_profit` is the net profit of all pairs, in quote.
    """

    phase: Phase = Phase.WAITING
    lines: tuple[Line, ...] = ()
    queue: tuple[Line, ...] = ()
    dropped: tuple[Line, ...] = ()
    gap: int = 0
    unit: Decimal = ZERO
    anchor: Decimal = ZERO
    first_amount: Decimal = ZERO
    first_average: Decimal = ZERO
    first_filled: Decimal = ZERO
    grid_profit: Decimal = ZERO
    pairs: int = 0
    shifts: int = 0
    dust: Decimal = ZERO
    dust_paid: Decimal = ZERO
    reserve: Decimal = ZERO
    extra: Decimal = ZERO
    wait_above: bool | None = None
    exit_tries: int = 0
    keep_coins: bool = False


def plain(value: Decimal) -> str:
    """A number as people read it: no exponent, no trailing zeros, thousands apart."""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
