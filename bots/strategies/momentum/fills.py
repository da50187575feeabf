"""What a fill does to a momentum bot's memory."""

from bots.strategies.additions import filled_by
from bots.strategies.dust import after_sale, joined, kept, less
from bots.strategies.momentum.memory import EXITING, Deal, MomentumMemory
from orders.accounting import Fill, Position
from orders.records import replace
from orders.rules import SELL


def booked(memory: MomentumMemory, fill: Fill) -> MomentumMemory:
    """The memory after `fill`. One of an earlier deal goes to the dust: never lost, and sold with
    whatever is sold next."""
    place, _, what = fill.slot.partition("/")
    number = int(place.removeprefix("deal-"))
    deal, deals = memory.deal, memory.deals
    if fill.side is SELL:
        return _sold(memory, deal, fill, what)
    if deal is None and fill.amount and what == "entry" and number == deals + 1:
        deal, deals = Deal(number, fill.at), number
    if deal is None or deal.number != number:
        return replace(memory, dust=memory.dust.after(fill))
    return replace(memory, deal=_bought(deal, fill, what), deals=deals)


def _bought(deal: Deal, fill: Fill, what: str) -> Deal:
    kind, _, number = what.partition("-")
    added = filled_by(deal.added, int(number), fill.amount) if kind == "added" else deal.added
    return replace(
        deal,
        bought=deal.bought + fill.amount,
        value=deal.value + fill.value,
        held=deal.held.after(fill),
        added=added,
    )


def _sold(memory: MomentumMemory, deal: Deal | None, fill: Fill, what: str) -> MomentumMemory:
    if deal is None:
        return replace(memory, dust=kept(less(memory.dust, fill)))
    target = deal.target
    if what == "target" and target is not None:
        target = replace(target, sold=target.sold + fill.amount)
    held, dust = after_sale(deal.held, memory.dust, fill)
    if what == "stop" and deal.protection is not None:
        stop = replace(deal.protection, sold=deal.protection.sold + fill.amount)
        deal = replace(deal, protection=stop)
    return replace(memory, deal=replace(deal, held=held, target=target), dust=dust)


def closed(memory: MomentumMemory, deal: Deal, cool_until: int) -> MomentumMemory:
    """The memory once `deal` is over: what it could not sell is dust."""
    return replace(
        memory,
        deal=None,
        dust=joined(memory.dust, deal.held),
        signal=None,
        cool_until=max(memory.cool_until, cool_until),
        said="",
    )


def reopened(memory: MomentumMemory, now: int) -> MomentumMemory:
    """Coins that came after their deal had closed are sold at market as that deal once more."""
    held = memory.dust
    deal = Deal(
        number=max(memory.deals, 1),
        opened_at=now,
        phase=EXITING,
        bought=held.amount,
        value=held.cost,
        held=held,
    )
    return replace(memory, deal=deal, dust=Position())
