"""What a dip bot remembers. What has filled is known from fills, and from nothing else."""

from decimal import Decimal
from enum import StrEnum

from bots.strategies.additions import Added
from bots.strategies.dust import NOTHING
from bots.strategies.legs import Leg
from orders.accounting import Position
from orders.records import Frozen
from orders.rules import ZERO


class Phase(StrEnum):
    """Winding: the targets have sold, nothing more is bought. Exiting: cancel all, then sell at market."""

    HOLDING = "holding"
    WINDING = "winding"
    EXITING = "exiting"


class Episode(Frozen):
    """One fall from one high, known by the time of that high.

    `low` is the lowest price since it was armed. `spent`: it has been bought or its time is over, and
    no other begins before the fall is recovered or there is a fresh high. Times in ms, prices in quote.
    """

    high_at: int
    high: Decimal
    low: Decimal
    armed_at: int
    armed: bool = True
    spent: bool = False


class Ordered(Frozen):
    """The buy that is wanted now: `amount` base at `price` (None at market), since when in ms."""

    number: int
    amount: Decimal
    price: Decimal | None
    since: int


class Bought(Frozen):
    """What one buy has filled: base and quote, before fees."""

    number: int
    amount: Decimal
    value: Decimal


class Deal(Frozen):
    """One deal, from the first fill on. `held` is what it owns now, with fees in its cost; `amount`
    and `value` all it has bought, before fees; `done` the target steps wholly sold, `stepped` whether
    any has sold; `terms` are the settings the legs were made by."""

    number: int
    opened_at: int
    phase: Phase = Phase.HOLDING
    held: Position = NOTHING
    amount: Decimal = ZERO
    value: Decimal = ZERO
    buys: tuple[Bought, ...] = ()
    added: tuple[Added, ...] = ()
    legs: tuple[Leg, ...] = ()
    done: tuple[int, ...] = ()
    terms: str = ""
    stepped: bool = False
    peak: Decimal | None = None
    attempts: int = 0

    @property
    def average(self) -> Decimal:
        """The average fill price: the percents of targets, trail and stop are taken from it."""
        return self.value / self.amount

    @property
    def slot(self) -> str:
        return f"deal-{self.number}"


class DipMemory(Frozen):
    """`deals` counts the deals opened; `dust` is what earlier deals could not sell, with its cost;
    `said` the last standing fact told."""

    deals: int = 0
    deal: Deal | None = None
    episode: Episode | None = None
    ordered: Ordered | None = None
    dust: Position = NOTHING
    said: str = ""

    @property
    def buy_slot(self) -> str:
        """Where the buy that is wanted now rests."""
        number = self.deal.number if self.deal else self.deals + 1
        return f"deal-{number}/buy-{self.ordered.number if self.ordered else 1}"
