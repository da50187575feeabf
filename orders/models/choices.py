"""The words of the pure core as choices of a column."""

from orders.accounting import Pocket, Purpose
from orders.rules import FeeIn, OrderKind, Side
from orders.states import OrderStatus


def choices(kinds: type[Side | OrderKind | FeeIn | OrderStatus | Pocket | Purpose]) -> list[tuple[str, str]]:
    return [(kind.value, kind.value.replace("_", " ")) for kind in kinds]
