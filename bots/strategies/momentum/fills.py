"""What a fill does to a momentum bot's memory."""

from dataclasses import replace

from bots.strategies.dca.fills import split_sale
from bots.strategies.momentum.memory import Deal, MomentumMemory, Phase
from orders.accounting import Fill, Position
from orders.rules import Side


def booked(memory: MomentumMemory, fill: Fill) -> MomentumMemory:
    """The memory after `fill`. One of an earlier deal goes to the dust: never lost, and sold with
    whatever is sold next."""
    place, _, what = fill.slot.partition("/")
    number = int(place.removeprefix("deal-"))
    deal = memory.deal
    if deal is None and what == "entry" and number == memory.deals + 1:
        deal = Deal(number=number, opened_at=fill.at)
        memory = replace(memory, deals=number)
    if fill.side is Side.SELL:
        return _sold(memory, deal, fill, what)
    if deal is None or deal.number != number:
        return replace(memory, dust=memory.dust.after(fill))
    return replace(memory, deal=_bought(deal, fill, what))


def _bought(deal: Deal, fill: Fill, what: str) -> Deal:
    kind, _, number = what.partition("-")
    added = tuple(
        replace(one, filled=one.filled + fill.amount)
        if kind == "added" and one.number == int(number)
        else one
        for one in deal.added
    )
    return replace(
        deal,
        bought=deal.bought + fill.amount,
        value=deal.value + fill.value,
        held=deal.held.after(fill),
        added=added,
    )


def _sold(memory: MomentumMemory, deal: Deal | None, fill: Fill, what: str) -> MomentumMemory:
    if deal is None:
        return replace(memory, dust=_kept(memory.dust.after(_at_most(fill, memory.dust))))
    if what == "target" and deal.target is not None:
        deal = replace(deal, target=replace(deal.target, sold=deal.target.sold + fill.amount))
    if fill.amount + fill.fee_base <= deal.held.amount:
        return replace(memory, deal=replace(deal, held=deal.held.after(fill)))
    own, rest = split_sale(fill, deal.held.amount)
    dust = memory.dust.after(_at_most(rest, memory.dust))
    held = deal.held.after(own)
    held = replace(held, realised=held.realised + dust.realised)
    return replace(memory, deal=replace(deal, held=held), dust=_kept(dust))


def _at_most(fill: Fill, dust: Position) -> Fill:
    """Coins sold beyond what is known here were never ours to count: the position's books have them."""
    return fill if fill.amount <= dust.amount else replace(fill, amount=dust.amount)


def _kept(dust: Position) -> Position:
    return Position(dust.amount, dust.cost)


def closed(memory: MomentumMemory, deal: Deal, cool_until: int) -> MomentumMemory:
    """The memory once `deal` is over: what it could not sell is dust."""
    rest = deal.held
    return replace(
        memory,
        deal=None,
        dust=Position(memory.dust.amount + rest.amount, memory.dust.cost + rest.cost),
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
        phase=Phase.EXITING,
        bought=held.amount,
        value=held.cost,
        held=held,
    )
    return replace(memory, deal=deal, dust=Position())
