"""The filters an order must pass before it is placed: one small function each, in the order of the checks."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from tests.exchange.orders import Wish
from tests.exchange.rejections import Rejection, filter_failure
from tests.exchange.symbols import Symbol

D = Decimal


@dataclass(frozen=True)
class Candidate:
    """An order to be judged, with what the judgement depends on."""

    wish: Wish
    symbol: Symbol
    price: Decimal  # the market's
    open_orders: int  # the account's on this symbol
    waiting_stops: int = 0  # of these

    @property
    def limit(self) -> bool:
        return self.wish.kind != "MARKET"

    @property
    def notional(self) -> Decimal:
        if self.wish.quote_quantity:
            return self.wish.quote_quantity
        return self.wish.quantity * (self.wish.price if self.limit else self.price)


def price_filter(candidate: Candidate) -> bool:
    symbol, price = candidate.symbol, candidate.wish.price
    if not candidate.limit:
        return True
    stop = candidate.wish.stop_price
    return symbol.min_price <= price <= symbol.max_price and not (price % symbol.tick or stop % symbol.tick)


def percent_price_by_side(candidate: Candidate) -> bool:
    symbol, price = candidate.symbol, candidate.wish.price
    if not candidate.limit:
        return True
    return candidate.price * symbol.multiplier_down <= price <= candidate.price * symbol.multiplier_up


def lot_size(candidate: Candidate) -> bool:
    symbol, quantity = candidate.symbol, candidate.wish.quantity
    if candidate.wish.quote_quantity:
        return True
    return symbol.min_quantity <= quantity <= symbol.max_quantity and quantity % symbol.step == 0


def notional(candidate: Candidate) -> bool:
    symbol = candidate.symbol
    above = candidate.notional >= symbol.min_notional
    return above and (not candidate.limit or candidate.notional <= symbol.max_notional)


def max_num_orders(candidate: Candidate) -> bool:
    return not candidate.limit or candidate.open_orders < candidate.symbol.max_orders


def max_num_algo_orders(candidate: Candidate) -> bool:
    return not candidate.wish.stops or candidate.waiting_stops < candidate.symbol.max_algo_orders


FILTERS: dict[str, Callable[[Candidate], bool]] = {
    "PRICE_FILTER": price_filter,
    "PERCENT_PRICE_BY_SIDE": percent_price_by_side,
    "LOT_SIZE": lot_size,
    "NOTIONAL": notional,
    "MAX_NUM_ORDERS": max_num_orders,
    "MAX_NUM_ALGO_ORDERS": max_num_algo_orders,
}


def check(candidate: Candidate) -> None:
    """Raises the rejection of the first filter that the order fails."""
    wish = candidate.wish
    if wish.quantity <= 0 and wish.quote_quantity <= 0:
        raise Rejection(-1013, "Invalid quantity.")
    if candidate.limit and wish.price <= 0:
        raise Rejection(-1013, "Invalid price.")
    for name, passes in FILTERS.items():
        if not passes(candidate):
            raise filter_failure(name)
