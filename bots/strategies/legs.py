"""The parts in which a deal is sold, and the orders they rest as."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from bots.strategies.base import OrderIntent, Role, Seen
from orders.records import Frozen
from orders.rules import ZERO, Market, OrderKind, Side


class Leg(Frozen):
    """A part of the exit: `amount` base at `price`, of which `sold` is gone. `step` counts from 1."""

    step: int
    price: Decimal
    amount: Decimal
    sold: Decimal = ZERO

    @property
    def left(self) -> Decimal:
        return self.amount - self.sold


class Part(Frozen):
    """What a leg is made by: its step, its share of the whole, and its target in quote, off the tick."""

    step: int
    share: Decimal
    target: Decimal


def cut(market: Market, total: Decimal, parts: Sequence[Part]) -> tuple[Leg, ...]:
    """`total` base in legs, by the shares of `parts`. A part under the minimum joins the next, the last
    the one before."""
    shares = sum((part.share for part in parts), ZERO)
    legs: list[Leg] = []
    unsold, carried = total, ZERO
    for number, part in enumerate(parts, 1):
        last = number == len(parts)
        wanted = unsold if last else market.amount(total * part.share / shares) + carried
        price = max(market.price(Side.SELL, part.target), market.tick)
        if market.enough(wanted, price) or (last and not legs):
            legs.append(Leg(part.step, price, wanted))
            unsold, carried = unsold - wanted, ZERO
        elif last:
            legs[-1] = Leg(legs[-1].step, legs[-1].price, legs[-1].amount + wanted)
        else:
            carried = wanted
    return tuple(legs)


def unsold(legs: Iterable[Leg]) -> Decimal:
    return sum((leg.left for leg in legs), ZERO)


def resting(
    legs: Iterable[Leg], slot_of: Callable[[Leg], str], market: Market, seen: Seen, held: Decimal
) -> dict[str, OrderIntent]:
    """The sales that the legs of `held` base rest as. One whose rest is under the minimum joins the next,
    and one waits until the sale it takes over from is cancelled."""
    orders: dict[str, OrderIntent] = {}
    free, carried = held - _offered(seen), ZERO
    for leg in legs:
        slot = slot_of(leg)
        live = seen.live.get(slot)
        offers = live.intent.amount - live.filled if live else ZERO
        left = leg.left + carried
        # Fills may be known before the order that brought them says so: then its whole amount tells.
        same = live is not None and (offers == leg.left or live.intent.amount == leg.amount)
        if live is not None and same and live.intent.price == leg.price:
            orders[slot] = live.intent
        elif not market.enough(left, leg.price):
            carried = left
        elif left <= free + offers:
            orders[slot] = OrderIntent(Side.SELL, OrderKind.LIMIT, left, leg.price, Role.EXIT)
            free, carried = free + offers - left, ZERO
    return orders


def _offered(seen: Seen) -> Decimal:
    """Base that live sales hold."""
    sales = (order for order in seen.live.values() if order.intent.side is Side.SELL)
    return sum((order.intent.amount - order.filled for order in sales), ZERO)
