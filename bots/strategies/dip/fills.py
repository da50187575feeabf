"""What a fill does to a dip bot's memory."""

from bots.strategies.additions import filled_by
from bots.strategies.dip.episodes import over
from bots.strategies.dip.memory import Bought, Deal, DipMemory, Phase
from bots.strategies.dust import after_sale, joined, kept, less
from bots.strategies.legs import Leg
from orders.accounting import Fill, Position
from orders.records import replace
from orders.rules import ZERO, Side


def booked(memory: DipMemory, fill: Fill) -> DipMemory:
    """The memory after `fill`. One of an earlier deal goes to the dust: never lost, and sold with
    whatever is sold next."""
    place, _, what = fill.slot.partition("/")
    number = int(place.removeprefix("deal-"))
    deal = memory.deal
    if deal is None and fill.amount and what == "buy-1" and number == memory.deals + 1:
        deal = Deal(number=number, opened_at=fill.at)
        memory = over(replace(memory, deals=number))
    if fill.side is Side.SELL:
        return _sold(memory, deal, fill, what)
    if deal is None or deal.number != number:
        return replace(memory, dust=memory.dust.after(fill))
    return replace(memory, deal=_bought(deal, fill, what))


def _bought(deal: Deal, fill: Fill, what: str) -> Deal:
    kind, _, number = what.partition("-")
    deal = replace(
        deal,
        held=deal.held.after(fill),
        amount=deal.amount + fill.amount,
        value=deal.value + fill.value,
        # Where the average has moved the trail arms anew from it; a fee told late moves nothing.
        peak=None if fill.amount else deal.peak,
    )
    if kind == "buy":
        return replace(deal, buys=_with(deal.buys, int(number), fill))
    return replace(deal, added=filled_by(deal.added, int(number), fill.amount))


def _with(buys: tuple[Bought, ...], number: int, fill: Fill) -> tuple[Bought, ...]:
    before = next((one for one in buys if one.number == number), Bought(number, ZERO, ZERO))
    now = Bought(number, before.amount + fill.amount, before.value + fill.value)
    others = (one for one in buys if one.number != number)
    return tuple(sorted((*others, now), key=lambda one: one.number))


def step_of(what: str) -> int | None:
    """The step a sale's slot belongs to: 0 for the profit by age, None for an exit at market."""
    if what == "roi":
        return 0
    kind, _, number = what.partition("-")
    return int(number) if kind == "target" else None


def _sold(memory: DipMemory, deal: Deal | None, fill: Fill, what: str) -> DipMemory:
    if deal is None:
        return replace(memory, dust=kept(less(memory.dust, fill)))
    step = step_of(what)
    legs = tuple(replace(leg, sold=leg.sold + fill.amount) if leg.step == step else leg for leg in deal.legs)
    deal = replace(deal, legs=legs, done=_done(deal.done, legs), stepped=deal.stepped or step is not None)
    held, dust = after_sale(deal.held, memory.dust, fill)
    return replace(memory, deal=replace(deal, held=held), dust=dust)


def _done(done: tuple[int, ...], legs: tuple[Leg, ...]) -> tuple[int, ...]:
    sold = (leg.step for leg in legs if leg.sold and leg.left <= 0 and leg.step not in done)
    return (*done, *sold)


def closed(memory: DipMemory, deal: Deal) -> DipMemory:
    """The memory once `deal` is over: what it could not sell is dust."""
    return replace(memory, deal=None, ordered=None, dust=joined(memory.dust, deal.held), said="")


def reopened(memory: DipMemory, now: int, phase: Phase) -> DipMemory:
    """Coins that came after their deal had closed make that deal's exit once more."""
    held = memory.dust
    deal = Deal(
        number=max(memory.deals, 1),
        opened_at=now,
        phase=phase,
        held=held,
        amount=held.amount,
        value=held.cost,
        stepped=True,
    )
    return replace(memory, deal=deal, ordered=None, dust=Position())
