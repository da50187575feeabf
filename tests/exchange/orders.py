"""The records of the ledger: what was asked for, what became of it, and the trades that came of it."""

from dataclasses import dataclass
from decimal import Decimal

OPEN = frozenset({"NEW", "PARTIALLY_FILLED"})
D = Decimal


@dataclass(frozen=True)
class Wish:
    """An order as it was asked for. A market order has no price; `quote_quantity` replaces its quantity. One
    with a `stop_price` waits for it before it is a limit order."""

    symbol: str
    side: str
    kind: str
    client_id: str
    quantity: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    time_in_force: str = "GTC"
    quote_quantity: Decimal = Decimal(0)
    stop_price: Decimal = Decimal(0)

    @property
    def stops(self) -> bool:
        return self.stop_price > 0

    def triggered_by(self, price: Decimal) -> bool:
        """Whether a trade at this price makes it a limit order."""
        return price >= self.stop_price if self.buys else price <= self.stop_price

    @property
    def buys(self) -> bool:
        return self.side == "BUY"


@dataclass
class Order:
    """An order on the books. `locked` is what of the account's money it still holds."""

    id: int
    account: str
    wish: Wish
    quantity: Decimal
    created: int
    updated: int
    status: str = "NEW"
    filled: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    locked: Decimal = Decimal(0)
    # The id of the request that cancelled it; the streams tell it in place of the order's own.
    cancel_id: str = ""
    triggered: bool = False

    @property
    def symbol(self) -> str:
        return self.wish.symbol

    @property
    def client_id(self) -> str:
        return self.wish.client_id

    @property
    def open(self) -> bool:
        return self.status in OPEN

    @property
    def waits(self) -> bool:
        """Whether it is not on the book yet."""
        return self.open and self.wish.stops and not self.triggered

    @property
    def remaining(self) -> Decimal:
        return max(self.quantity - self.filled, D(0))


@dataclass(frozen=True)
class Trade:
    """One fill of one account's order. `id` is unique in its symbol only, as at Binance."""

    id: int
    order_id: int
    account: str
    symbol: str
    price: Decimal
    quantity: Decimal
    commission: Decimal
    commission_asset: str
    time: int
    buyer: bool
    maker: bool

    @property
    def cost(self) -> Decimal:
        return self.price * self.quantity
