"""What a momentum bot remembers. What has filled is known from fills, and from nothing else."""

from decimal import Decimal
from enum import StrEnum

from bots.strategies.additions import Added
from bots.strategies.dust import NOTHING
from orders.accounting import Position
from orders.records import Frozen
from orders.rules import ZERO


class Phase(StrEnum):
    """Opening: the entry order is not whole. Exiting: cancel all, then sell at market."""

    OPENING = "opening"
    HOLDING = "holding"
    EXITING = "exiting"


OPENING, HOLDING, EXITING = Phase


class Signal(Frozen):
    """A candle that said buy: its open time, and until when that holds (ms). `price` is where the
    limit entry rests, in quote."""

    at: int
    until: int
    price: Decimal | None = None


class Target(Frozen):
    """The resting sale: `amount` base at `price`, of which `sold` is gone."""

    price: Decimal
    amount: Decimal
    sold: Decimal = ZERO

    @property
    def left(self) -> Decimal:
        return self.amount - self.sold


class Protection(Frozen):
    """The stop that rests on the exchange: it sells `amount` base, of which `sold` is gone, for `limit` at
    the least, once the price is down to `trigger`. `trails`: it stands for the profit trail. `refused`: it
    does not rest there, and the bot watches instead."""

    trigger: Decimal
    limit: Decimal
    amount: Decimal
    trails: bool = False
    sold: Decimal = ZERO
    refused: bool = False

    @property
    def left(self) -> Decimal:
        return self.amount - self.sold


class Deal(Frozen):
    """One deal, from the first fill of its entry on.

    `bought` (base) and `value` (quote) are its buys before fees; `held` is what it owns now with fees
    in its cost. `peak` is the highest price since, `stop` and `trail` the stop's and the profit
    trail's price: both only ever rise. `stopped`: the stop ended it. `refusals` counts how often its
    `protection` was not taken.
    """

    number: int
    opened_at: int
    phase: Phase = Phase.OPENING
    bought: Decimal = ZERO
    value: Decimal = ZERO
    held: Position = NOTHING
    added: tuple[Added, ...] = ()
    target: Target | None = None
    peak: Decimal = ZERO
    stop: Decimal | None = None
    trail: Decimal | None = None
    stopped: bool = False
    attempts: int = 0
    protection: Protection | None = None
    refusals: int = 0

    @property
    def entry(self) -> Decimal:
        """The average fill price, before fees."""
        return self.value / self.bought

    @property
    def slot(self) -> str:
        return f"deal-{self.number}"

    def slot_of(self, what: str) -> str:
        return f"deal-{self.number}/{what}"


class MomentumMemory(Frozen):
    """`deals` counts the deals opened; `dust` is what earlier deals could not sell, with its cost;
    `atr` the last closed candle's, in quote, None while warming up; `looked_at` that candle's open
    time; candles that open before `cool_until` enter nothing. Times in ms."""

    deals: int = 0
    deal: Deal | None = None
    dust: Position = NOTHING
    signal: Signal | None = None
    atr: Decimal | None = None
    looked_at: int = -1
    cool_until: int = 0
    said: str = ""
