"""What a fill does to a DCA bot's memory."""

from decimal import Decimal

from bots.strategies.additions import filled_by
from bots.strategies.dca.memory import DcaMemory, Deal, Phase
from bots.strategies.dust import after_sale, joined, kept, less
from bots.strategies.legs import Leg
from orders.accounting import Fill, Position
from orders.records import replace
from orders.rules import ZERO, Side


def booked(memory: DcaMemory, fill: Fill) -> DcaMemory:
    """The memory after `fill`. One of an earlier deal goes to the dust: never lost, and sold with
    whatever is sold next."""
    place, _, what = fill.slot.partition("/")
    number = int(place.removeprefix("deal-"))
    deal = memory.deal
    if deal is None and fill.amount and what == "base" and number == memory.deals + 1:
        deal = Deal(number=number, opened_at=fill.at)
        memory = replace(memory, deals=number, signal=False, asked=False)
    if fill.side is Side.SELL:
        return _sold(memory, deal, fill, what)
    if deal is None or deal.number != number:
        return replace(memory, dust=memory.dust.after(fill))
    return replace(memory, deal=_bought(deal, fill, what))


def _bought(deal: Deal, fill: Fill, what: str) -> Deal:
    held = deal.held.after(fill)
    kind, _, number = what.partition("-")
    if kind == "base":
        base = deal.base_amount + fill.amount
        return replace(deal, held=held, base_amount=base, base_value=deal.base_value + fill.value)
    if kind == "safety":
        return replace(deal, held=held, safety=_raised(deal.safety, int(number), fill.amount))
    return replace(deal, held=held, added=filled_by(deal.added, int(number), fill.amount))


def _raised(filled: tuple[Decimal, ...], number: int, amount: Decimal) -> tuple[Decimal, ...]:
    whole = filled + (ZERO,) * (number - len(filled))
    return (*whole[: number - 1], whole[number - 1] + amount, *whole[number:])


def _sold(memory: DcaMemory, deal: Deal | None, fill: Fill, what: str) -> DcaMemory:
    if deal is None:
        dust = less(memory.dust, fill)
        return replace(memory, dust=kept(dust), profit=memory.profit + dust.realised)
    legs = _sold_of(deal.legs, what, fill.amount)
    stepped = deal.stepped or (len(legs) > 1 and what.startswith("target"))
    held, dust = after_sale(deal.held, memory.dust, fill)
    return replace(memory, deal=replace(deal, held=held, legs=legs, stepped=stepped), dust=dust)


def _sold_of(legs: tuple[Leg, ...], what: str, amount: Decimal) -> tuple[Leg, ...]:
    """The legs after a sale; a leg is known by its step, the only one by `target` alone."""
    kind, _, number = what.partition("-")
    if kind != "target":
        return legs
    return tuple(
        replace(leg, sold=leg.sold + amount) if leg.step == int(number or leg.step) else leg for leg in legs
    )


def closed(memory: DcaMemory, deal: Deal, now: int, every_ms: int) -> DcaMemory:
    """The memory once `deal` is over: what it could not sell is dust, a missed turn is left out."""
    rest = deal.held
    next_at = memory.next_at
    if next_at <= now:
        next_at += ((now - next_at) // every_ms + 1) * every_ms
    return replace(
        memory,
        deal=None,
        dust=joined(memory.dust, rest),
        profit=memory.profit + rest.realised,
        closed_at=now,
        quote=None,
        signal=False,
        next_at=next_at,
        said="",
        ended="stop loss" if deal.stops_bot else memory.ended,
    )


def reopened(memory: DcaMemory, now: int, phase: Phase) -> DcaMemory:
    """Coins that came after their deal had closed make that deal's exit once more."""
    held = memory.dust
    deal = Deal(
        number=max(memory.deals, 1),
        opened_at=now,
        phase=phase,
        base_amount=held.amount,
        base_value=held.cost,
        held=held,
    )
    return replace(memory, deal=deal, dust=Position())
