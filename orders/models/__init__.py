"""Orders, their fills, and the money they move: double entry, per currency, never changed."""

from orders.models.ledger import Balance, LedgerEntry
from orders.models.market import Market, SimulatedMarket
from orders.models.order import Order
from orders.models.recovery import Recovery
from orders.models.trade import Trade

__all__ = ["Balance", "LedgerEntry", "Market", "Order", "Recovery", "SimulatedMarket", "Trade"]
