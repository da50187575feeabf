"""What fills, refusals and the end of a deal do to a scalper's memory."""

from collections.abc import Iterable

from bots.strategies.additions import filled_by
from bots.strategies.base import Closed
from bots.strategies.scalper.memory import Deal, ScalperMemory
from bots.strategies.scalper.settings import ScalperSettings
from orders.accounting import Fill
from orders.records import replace
from orders.rules import SELL
from orders.states import OrderStatus

REFUSED = OrderStatus.REFUSED
REFUSED_PAUSE_MS = 1_000


def booked(settings: ScalperSettings, memory: ScalperMemory, fill: Fill) -> ScalperMemory:
    """The memory after `fill`. A buy without an open deal opens one, however late it comes."""
    deal = memory.deal
    if not fill.amount:
        return memory  # A fee told late: the position has it.
    if fill.side is SELL:
        return memory if deal is None else replace(memory, deal=replace(deal, sold=True))
    deals, opened = memory.deals, memory.opened
    if deal is None:
        deal, deals = Deal(deals + 1, fill.at), deals + 1
        opened = (*opened, fill.at)[-max(settings.max_trades_per_hour, 1) :]
    what, _, number = fill.slot.partition("/")[2].partition("-")
    added = filled_by(deal.added, int(number), fill.amount) if what == "added" else deal.added
    deal = replace(
        deal,
        bought=deal.bought + fill.amount,
        value=deal.value + fill.value,
        added=added,
        offered=None,
        takes=False,
    )
    return replace(memory, deals=deals, deal=deal, opened=opened)


def refused(memory: ScalperMemory, closed: Iterable[Closed], now: int) -> ScalperMemory:
    """A refused entry is placed anew a little later; a refused target may take."""
    for order in closed:
        if order.status is not REFUSED:
            continue
        if order.slot.endswith("/entry"):
            memory = replace(memory, quote=None, retry_at=now + REFUSED_PAUSE_MS)
        elif memory.deal is not None and order.slot == memory.deal.slot_of("target"):
            memory = replace(memory, deal=replace(memory.deal, takes=True))
    return memory
