"""How a position is left: the escalation of an exit at market, and where a stop stands.

An exit is first an immediate limit a little under the bid, then twice as far, then plain market:
no limit on slippage may keep a bot in a position it wants to leave.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal

from bots.strategies.base import EXIT, Closed, OrderIntent, Seen
from orders.rules import AT_MARKET, HUNDRED, IOC, ONE, SELL, ZERO, Market
from orders.states import OrderStatus

LIMITED_TRIES = 2
# An order that never reached the exchange is not a try.
TRIED = frozenset({OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.REFUSED})


def exit_intent(
    market: Market, bid: Decimal, amount: Decimal, attempt: int, max_slippage_pct: Decimal
) -> OrderIntent:
    """Sell `amount` base now. `attempt` counts the tries that ended before this one, from 0."""
    price = market.price(SELL, bid * (ONE - max_slippage_pct * 2**attempt / HUNDRED))
    if attempt >= LIMITED_TRIES or price <= 0:
        return OrderIntent(SELL, AT_MARKET, amount, None, EXIT)
    return OrderIntent(SELL, IOC, amount, price, EXIT)


def alone(slot: str, exit_now: Callable[[], OrderIntent], seen: Seen) -> dict[str, OrderIntent]:
    """Cancel first, then sell: nothing but the exit, and that only when nothing else is live."""
    live = seen.live.get(slot)
    if live is not None:
        return {slot: live.intent}
    return {} if seen.live else {slot: exit_now()}


def left_by_tries(slot: str, closed: Iterable[Closed]) -> list[Decimal]:
    """For each try of the exit in `slot` that has ended, the base it left unsold."""
    left = []
    for order in closed:
        if order.slot == slot and order.status in TRIED:
            left.append(order.intent.amount - order.filled)
    return left


def below(price: Decimal, pct: Decimal) -> Decimal:
    """`pct` percent under `price`."""
    return price * (ONE - pct / HUNDRED)


def above(price: Decimal, pct: Decimal) -> Decimal:
    return price * (ONE + pct / HUNDRED)


def trail(
    *, entry: Decimal, peak: Decimal, stop_pct: Decimal, trail_pct: Decimal = ZERO, arm_pct: Decimal = ZERO
) -> Decimal:
    """The stop's price: `stop_pct` under the entry until the peak is `arm_pct` over it, from then on
    `trail_pct` under the peak. It only ever rises with the peak. `trail_pct` 0: the stop is fixed."""
    fixed = below(entry, stop_pct)
    if not trail_pct or peak < above(entry, arm_pct):
        return fixed
    return max(fixed, below(peak, trail_pct))


def trail_keeps_profit(arm_pct: Decimal, trail_pct: Decimal) -> bool:
    """Whether a trail that arms `arm_pct` over the entry can only stop in profit, before fees."""
    return trail_pct < arm_pct / (ONE + arm_pct / HUNDRED)


def trail_limit(arm_pct: Decimal) -> Decimal:
    """The widest trail in percent, to two places, that still keeps a profit armed at `arm_pct`."""
    places = Decimal("0.01")
    widest = (arm_pct / (ONE + arm_pct / HUNDRED)).quantize(places, rounding="ROUND_FLOOR")
    return widest if trail_keeps_profit(arm_pct, widest) else widest - places


def trail_nets_profit(arm_pct: Decimal, trail_pct: Decimal, fee: Decimal) -> bool:
    """The same after a fee (a fraction) on both sides."""
    return above(below(ONE, trail_pct), arm_pct) * (ONE - fee) / (ONE + fee) > ONE


def break_even(average_cost: Decimal, fee: Decimal) -> Decimal:
    """Where a sale at `fee` (a fraction) returns the average cost, which holds the fees of buying.

    With fees in quote that is avg·(1+f)/(1−f); with fees in what is received avg/(1−f)².
    """
    return average_cost / (ONE - fee)
