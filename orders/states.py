"""The life of an order: one table of the moves that may happen."""

from enum import StrEnum


class OrderStatus(StrEnum):
    """`unknown` means sent, and not yet known whether the exchange has it: such an order is live."""

    PLANNED = "planned"
    SENDING = "sending"
    UNKNOWN = "unknown"
    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUSED = "refused"
    NOT_PLACED = "not_placed"
    ABANDONED = "abandoned"


S = OrderStatus

MOVES: dict[OrderStatus, frozenset[OrderStatus]] = {
    S.PLANNED: frozenset({S.SENDING, S.ABANDONED}),
    # An answer that proves nothing leads to UNKNOWN; so does a crash between claim and answer.
    # CANCELLED and EXPIRED at once: an immediate-or-cancel order that did not fill whole.
    S.SENDING: frozenset({S.OPEN, S.FILLED, S.REFUSED, S.UNKNOWN, S.CANCELLED, S.EXPIRED}),
    S.UNKNOWN: frozenset({S.OPEN, S.FILLED, S.CANCELLED, S.EXPIRED, S.REFUSED, S.NOT_PLACED}),
    S.OPEN: frozenset({S.FILLED, S.CANCELLED, S.EXPIRED}),
    S.FILLED: frozenset(),
    # A final order may still be found to have filled (late): only `filled` rises, the status stays.
    S.CANCELLED: frozenset(),
    S.EXPIRED: frozenset(),
    S.REFUSED: frozenset(),
    S.NOT_PLACED: frozenset(),
    S.ABANDONED: frozenset(),
}

LIVE = frozenset({S.PLANNED, S.SENDING, S.UNKNOWN, S.OPEN})
FINAL = frozenset(S) - LIVE
UNSETTLED = frozenset({S.PLANNED, S.SENDING, S.UNKNOWN})


def may_move(old: OrderStatus, new: OrderStatus) -> bool:
    return new in MOVES[old]
