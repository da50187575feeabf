"""What a DCA bot remembers. What has filled is known from fills, and from nothing else."""

from decimal import Decimal
from enum import StrEnum

from bots.strategies.additions import Added
from bots.strategies.dust import NOTHING
from bots.strategies.legs import Leg
from orders.accounting import Position
from orders.records import Frozen
from orders.rules import ZERO


class Phase(StrEnum):
    """Opening: the base order is not whole. Winding: the target has sold, nothing more is bought.
    Exiting: cancel all, then sell at market."""

    OPENING = "opening"
    HOLDING = "holding"
    WINDING = "winding"
    EXITING = "exiting"


class Deal(Frozen):
    """One deal, from the first fill of its base order on.

    `base_amount` and `base_value` are the base order's fills before fees; `held` is what the deal
    owns now with fees in its cost; `safety` the base each safety order has filled, before fees.
    `terms` are the settings the legs were made by.
    """

    number: int
    opened_at: int
    phase: Phase = Phase.OPENING
    base_amount: Decimal = ZERO
    base_value: Decimal = ZERO
    held: Position = NOTHING
    safety: tuple[Decimal, ...] = ()
    added: tuple[Added, ...] = ()
    legs: tuple[Leg, ...] = ()
    terms: str = ""
    stepped: bool = False
    peak: Decimal | None = None
    under_since: int | None = None
    attempts: int = 0
    why: str = ""
    stops_bot: bool = False

    @property
    def reference(self) -> Decimal:
        """The base order's average price."""
        return self.base_value / self.base_amount

    @property
    def slot(self) -> str:
        return f"deal-{self.number}"


class DcaMemory(Frozen):
    """`deals` counts the deals opened, `counted_from` those before the bot's last start; `dust` is
    what earlier deals could not sell, with its cost; `profit` the quote all deals have realised.
    `quote` is the price of the resting base order, `quoted_at` since when. Times in ms."""

    deals: int = 0
    counted_from: int = 0
    deal: Deal | None = None
    dust: Position = NOTHING
    profit: Decimal = ZERO
    closed_at: int | None = None
    quote: Decimal | None = None
    quoted_at: int = 0
    signal: bool = False
    asked: bool = False
    next_at: int = 0
    ended: str = ""
    said: str = ""
