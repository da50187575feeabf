"""Exchanges for paper alone, as ccxt tells of them. They have no way to place an order: none is sent."""

from collections.abc import Mapping

from orders.gateways.exchange.errors import UNKNOWN
from orders.gateways.exchange.history import Past
from orders.gateways.exchange.source import Source
from orders.gateways.others import OTHERS, Other

OPEN_ORDERS_MAX = 100


def source_of(other: Other) -> Source:
    return Source(
        exchange=other.exchange,
        codes=UNKNOWN,
        hosts=frozenset(other.hosts),
        # Whether an empty page is the end is not known: the next one is asked for.
        past=Past(page=other.page, windowed=True),
        open_orders_max=OPEN_ORDERS_MAX,
        fee=other.fee,
        fee_in=other.fee_in,
        asks_books=True,
        # ccxt itself refuses any other number for it.
        book_levels=150 if other.exchange == "htx" else 100,
        options={"options": other.options},
    )


UNPROVEN: Mapping[str, Source] = {name: source_of(other) for name, other in OTHERS.items()}
