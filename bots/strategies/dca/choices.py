"""The choices a DCA bot offers."""

from enum import StrEnum


class StartCondition(StrEnum):
    NONSTOP = "nonstop"
    RSI = "rsi"
    SCHEDULE = "schedule"
    MANUAL = "manual"


class BaseOrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"


class Direction(StrEnum):
    BELOW = "below"
    ABOVE = "above"


class Reference(StrEnum):
    BASE = "base"
    LAST = "last"


class TakeProfitType(StrEnum):
    TOTAL = "total"
    BASE = "base"


class StopReference(StrEnum):
    AVERAGE = "average"
    BASE = "base"


class StopAction(StrEnum):
    CLOSE = "close"
    CLOSE_AND_STOP = "close_and_stop"
