"""How a deal is entered."""

from enum import StrEnum


class EntryOrder(StrEnum):
    MARKET = "market"
    LIMIT = "limit"
