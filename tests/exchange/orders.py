"""The records of the ledger: what was asked for, what became of it, and the trades that came of it."""

from dataclasses import dataclass
from decimal import Decimal

OPEN = frozenset({"NEW", "PARTIALLY_FILLED"})
D = Decimal


@dataclass(frozen=True)
class Wish:
    """An order as it was asked for. A market order has no price; `quote_quantity` replaces its quantity."""

    symbol: str
    side: str
    kind: str
    client_id: str
    quantity: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    time_in_force: str = "GTC"
    quote_quantity: Decimal = Decimal(0)

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
