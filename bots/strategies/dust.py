"""What a deal could not sell: never lost, and sold with whatever is sold next."""

from decimal import Decimal

from orders.accounting import Fill, Position, share
from orders.records import replace
from orders.rules import ZERO

NOTHING = Position()


def joined(dust: Position, rest: Position) -> Position:
    """The dust and the rest of a deal that is over, with what both cost."""
    return Position(dust.amount + rest.amount, dust.cost + rest.cost)


def kept(dust: Position) -> Position:
    """The dust without what it has realised."""
    return Position(dust.amount, dust.cost)


def less(dust: Position, fill: Fill) -> Position:
    """The dust after a sale of it, and what that has realised. Coins sold beyond what is known here were
    never ours to count: the position's books have them."""
    return dust.after(fill if fill.amount <= dust.amount else replace(fill, amount=dust.amount))


def after_sale(held: Position, dust: Position, fill: Fill) -> tuple[Position, Position]:
    """A deal's position and the old dust after a sale: the deal's own coins go first. Of a fee told late,
    which is a sale of nothing, what is beyond them is the books' to adopt."""
    if not fill.amount:
        return held.after(replace(fill, fee_base=min(fill.fee_base, held.amount))), dust
    if fill.amount + fill.fee_base <= held.amount:
        return held.after(fill), dust
    own, rest = split_sale(fill, held.amount)
    held, dust = held.after(own), less(dust, rest)
    return replace(held, realised=held.realised + dust.realised), kept(dust)


def split_sale(fill: Fill, own: Decimal) -> tuple[Fill, Fill]:
    """A sale of more than the deal's `own` base, as the deal's part and the old dust's part."""
    fee = share(fill.fee_quote, own, fill.amount)
    other = share(fill.fee_other, own, fill.amount)
    first = replace(fill, amount=own, fee_base=ZERO, fee_quote=fee, fee_other=other)
    rest = replace(
        fill, amount=fill.amount - own, fee_quote=fill.fee_quote - fee, fee_other=fill.fee_other - other
    )
    return first, rest
