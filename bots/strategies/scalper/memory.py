"""What a scalper remembers. What it holds is the position's to say."""

from decimal import Decimal

from bots.strategies.additions import Added
from orders.records import Frozen
from orders.rules import ZERO


class Deal(Frozen):
    """One deal, from its first fill at `opened_at` (ms) on.

    `bought` base for `value` quote, before fees; `offered` is the base its target rests with, None
    after a buy; `takes` says that a post-only target was refused. `leaving` is why all is being sold.
    """

    number: int
    opened_at: int
    bought: Decimal = ZERO
    value: Decimal = ZERO
    added: tuple[Added, ...] = ()
    offered: Decimal | None = None
    sold: bool = False
    takes: bool = False
    leaving: str = ""
    attempts: int = 0

    @property
    def average(self) -> Decimal:
        """The average fill price, before fees."""
        return self.value / self.bought

    @property
    def slot(self) -> str:
        return f"deal-{self.number}"

    def slot_of(self, what: str) -> str:
        return f"deal-{self.number}/{what}"


class ScalperMemory(Frozen):
    """`deals` counts the deals opened, `opened` when the last of them did. `quote` is the price of the
    resting entry, `fair` the fair value it was made from, `quoted_at` when. `signal_at` is when the
    signal in force was seen; `retry_at` holds an entry back that was refused. `flat_realised` is the
    P&L realised before the open deal, `losses` the losing deals in a row. Times in ms."""

    deals: int = 0
    deal: Deal | None = None
    opened: tuple[int, ...] = ()
    quote: Decimal | None = None
    fair: Decimal = ZERO
    quoted_at: int = 0
    signal_at: int | None = None
    retry_at: int = 0
    flat_realised: Decimal = ZERO
    losses: int = 0
    pause_until: int = 0
    said: str = ""
