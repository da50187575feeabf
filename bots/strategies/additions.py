"""Funds that a person adds to an open deal."""

from collections.abc import Iterable
from decimal import Decimal

from bots.strategies.base import OrderIntent, Role, Seen
from orders.records import Frozen, replace
from orders.rules import ZERO, Market, OrderKind, Side


class Added(Frozen):
    """Funds a person added: a buy of `amount` base at market, `filled` of it so far."""

    number: int
    amount: Decimal
    filled: Decimal = ZERO

    @property
    def rest(self) -> Decimal:
        return self.amount - self.filled


def filled_by(added: tuple[Added, ...], number: int, amount: Decimal) -> tuple[Added, ...]:
    """The additions once `number` has filled `amount` base more."""
    return tuple(replace(one, filled=one.filled + amount) if one.number == number else one for one in added)


def unfilled(added: Iterable[Added]) -> Decimal:
    """Base that the additions have still to buy."""
    return sum((one.rest for one in added), ZERO)


def wish(one: Added, slot: str, market: Market, seen: Seen) -> OrderIntent | None:
    """The buy that `one` rests as, None when nothing worth an order is left of it."""
    live = seen.live.get(slot)
    if live is not None:
        return live.intent
    if not market.enough(one.rest, seen.ask):
        return None
    return OrderIntent(Side.BUY, OrderKind.MARKET, one.rest, None, Role.ADD)


def wishes(added: Iterable[Added], deal_slot: str, market: Market, seen: Seen) -> dict[str, OrderIntent]:
    slots = ((f"{deal_slot}/added-{one.number}", one) for one in added)
    wanted = ((slot, wish(one, slot, market, seen)) for slot, one in slots)
    return {slot: intent for slot, intent in wanted if intent is not None}
