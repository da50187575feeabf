"""Orders: sent once, one for a slot, their columns telling the same story as their status."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from orders.invariants.books import Books, Breach, plain
from orders.models import Order
from orders.rules import ZERO, OrderKind, Side
from orders.states import FINAL, OrderStatus

NEVER_FILLS = frozenset(
    {OrderStatus.PLANNED, OrderStatus.ABANDONED, OrderStatus.REFUSED, OrderStatus.NOT_PLACED}
)
NOT_SENT = frozenset({OrderStatus.PLANNED, OrderStatus.ABANDONED})
CAME_TO_NOTHING = frozenset({OrderStatus.ABANDONED, OrderStatus.REFUSED, OrderStatus.NOT_PLACED})
# Reservations shrink with each fill and are rounded each time.
ROUNDING_MAX = Decimal("1e-12")


def sent_once(books: Books) -> Iterator[Breach]:
    """I1, I2: an order has our id, and was sent once if its status says that it was sent."""
    for order in books.orders:
        if not order.client_id:
            yield books.breach("I1", "has no client id", order)
        times = 0 if order.status in NOT_SENT else 1
        if order.send_count != times:
            yield books.breach("I2", f"is {order.status} and was sent {order.send_count} times", order)
        if (order.claimed_at is None) != (order.send_count == 0):
            yield books.breach("I2", f"was sent {order.send_count} times, claimed {order.claimed_at}", order)


def exchange_ids_once(books: Books) -> Iterator[Breach]:
    """I3: an order of the exchange is one order of ours."""
    seen: dict[str, Order] = {}
    for order in books.orders:
        if order.exchange_order_id is None:
            continue
        if order.send_count == 0:
            yield books.breach("I3", "was never sent, yet the exchange has an id for it", order)
        other = seen.setdefault(order.exchange_order_id, order)
        if other is not order:
            yield books.breach("I3", f"has the exchange's id of order {other.pk}", order)


def one_per_slot(books: Books) -> Iterator[Breach]:
    """I4: a slot is taken once until it is settled, and a decision fills it at most once."""
    taken = Counter(order.slot for order in books.orders if not order.settled)
    for slot, times in taken.items():
        if times > 1:
            yield books.breach("I4", f"the slot {slot} is taken by {times} orders")
    tried = Counter(
        (order.decision_number, order.slot) for order in books.orders if order.status not in CAME_TO_NOTHING
    )
    for (number, slot), times in tried.items():
        if times > 1:
            yield books.breach("I4", f"decision {number} filled the slot {slot} {times} times")
    last = books.bot.decisions_made
    for order in books.orders:
        if order.decision_number > last:
            yield books.breach("I4", f"comes from decision {order.decision_number} of {last}", order)


def status_fits(books: Books) -> Iterator[Breach]:
    """I6: what the columns say is what the status says."""
    for order in books.orders:
        for what in _contradictions(order):
            yield books.breach("I6", f"is {order.status}, but {what}", order)


def _contradictions(order: Order) -> Iterator[str]:
    final, full = order.status in FINAL, order.filled >= order.amount
    if order.status == OrderStatus.FILLED and not full:
        yield f"only {plain(order.filled)} of {plain(order.amount)} is filled"
    if full and not final:
        yield "all of it is filled"
    if order.status in NEVER_FILLS and order.filled and not order.late:
        yield f"{plain(order.filled)} is filled"
    if order.late and not (final and order.filled):
        yield "it is marked as filled late"
    if final and order.finished_at is None:
        yield "it has no time at which it ended"
    if not final and order.finished_at is not None:
        yield f"it ended at {order.finished_at}"
    if order.status in (OrderStatus.OPEN, OrderStatus.FILLED) and order.placed_at is None:
        yield "it has no time at which it was placed"
    if order.settled and not final:
        yield "its slot is given away"


def within_rules(books: Books) -> Iterator[Breach]:
    """I13: on the tick and the lot, and not under the minimums of the rules it was made by."""
    for order in books.orders:
        rules = order.market
        if (rules.exchange, rules.ticker) != (order.exchange, order.ticker):
            yield books.breach("I13", f"has the rules of {rules}", order)
            continue
        if order.amount % rules.lot:
            yield books.breach(
                "I13", f"the amount {plain(order.amount)} is not on the lot {plain(rules.lot)}", order
            )
        for name, price in (("price", order.price), ("trigger", order.trigger)):
            if price is not None and price % rules.tick:
                yield books.breach(
                    "I13", f"the {name} {plain(price)} is not on the tick {plain(rules.tick)}", order
                )
        # An exchange that refused an order kept its minimums; the others it took.
        if order.status not in CAME_TO_NOTHING and (why := _too_small(order)):
            yield books.breach("I13", why, order)


def _too_small(order: Order) -> str:
    rules = order.market
    if order.amount < rules.min_amount:
        return f"the amount {plain(order.amount)} is under the minimum {plain(rules.min_amount)}"
    if order.kind == OrderKind.MARKET or order.price is None:
        return ""
    # Taken at once at a better price, a sell may be worth more than its limit says.
    value = max(order.amount * order.price, order.cost)
    if value < rules.min_cost:
        return f"its value {plain(value)} is under the minimum {plain(rules.min_cost)}"
    return ""


def reservations_covered(books: Books) -> Iterator[Breach]:
    """I16: live orders reserve what they may still take, no more than there is; final ones nothing."""
    for order in books.orders:
        if why := _final_reserve(order) if order.status in FINAL else _live_reserve(order):
            yield books.breach("I16", why, order)
    offered = books.still_offered()
    quote = sum((order.reserved_quote for order in offered), ZERO)
    if quote > books.bot.cash:
        yield books.breach("I16", f"live orders reserve {plain(quote)}, its cash is {plain(books.bot.cash)}")
    base = sum((order.reserved_base for order in offered), ZERO)
    held = books.bot.position_amount
    if base > held:
        yield books.breach("I16", f"live orders reserve {plain(base)} base, it holds {plain(held)}")


def _final_reserve(order: Order) -> str:
    if order.reserved_quote or order.reserved_base:
        return f"is {order.status} and reserves {plain(order.reserved_quote or order.reserved_base)}"
    return ""


def _live_reserve(order: Order) -> str:
    left = order.amount - order.filled
    if order.side == Side.SELL:
        if order.reserved_quote or order.reserved_base != left:
            return f"sells {plain(left)} more and reserves {plain(order.reserved_base)}"
        return ""
    cost = left * (order.price or ZERO)
    if order.reserved_base or order.reserved_quote < cost - ROUNDING_MAX:
        return f"may cost {plain(cost)} more and reserves {plain(order.reserved_quote)}"
    return ""


def sells_covered(books: Books) -> Iterator[Breach]:
    """I17: all that is on sale is there to be sold."""
    sales = (order for order in books.still_offered() if order.side == Side.SELL)
    on_sale = sum((order.amount - order.filled for order in sales), ZERO)
    held = books.bot.position_amount
    if on_sale > held:
        yield books.breach("I17", f"{plain(on_sale)} is on sale, it holds {plain(held)}")
