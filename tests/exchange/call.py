"""One request as an endpoint sees it: its parameters, read through typed readers, and who sent it."""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.exchange import rejections
from tests.exchange.accounts import Account
from tests.exchange.ledger import Ledger
from tests.exchange.rejections import QUANTITY_PATTERN, Rejection
from tests.exchange.symbols import ASSET_DIGITS

D = Decimal
CLIENT_ID_PATTERN = r"^[a-zA-Z0-9-_]{1,36}$"
SYMBOL_PATTERN = r"^[A-Z0-9-_.]{1,20}$"
INTEGER_PATTERN = r"^[0-9]{1,20}$"
DAY_MS = 86_400_000


@dataclass
class Call:
    """`lag_ms` makes the answer older than it is: what happened within it is not told yet."""

    ledger: Ledger
    params: dict[str, str]
    sender: Account | None = None
    now: int = 0
    lag_ms: int = 0
    rate_limits: list[dict[str, Any]] = field(default_factory=list)

    @property
    def account(self) -> Account:
        if self.sender is None:
            raise rejections.bad_key()
        return self.sender

    def optional(self, name: str) -> str | None:
        value = self.params.get(name)
        if value == "":
            raise Rejection(-1105, f"Parameter '{name}' was empty.")
        return value

    def required(self, name: str) -> str:
        value = self.optional(name)
        if value is None:
            raise rejections.missing(name)
        return value

    def symbol(self) -> str:
        return self.named(self.required("symbol"))

    def named(self, symbol: str) -> str:
        """The symbol's name, if it is one and there is one of it."""
        if not re.fullmatch(SYMBOL_PATTERN, symbol):
            raise rejections.illegal("symbol", SYMBOL_PATTERN)
        return self.ledger.symbol(symbol).name

    def integer(self, name: str) -> int | None:
        value = self.optional(name)
        if value is None:
            return None
        if not re.fullmatch(INTEGER_PATTERN, value):
            raise rejections.illegal(name, INTEGER_PATTERN)
        return int(value)

    def number(self, name: str) -> Decimal:
        value = self.required(name)
        if not re.fullmatch(QUANTITY_PATTERN, value):
            raise rejections.illegal(name, QUANTITY_PATTERN)
        _, _, fraction = value.partition(".")
        if len(fraction.rstrip("0")) > ASSET_DIGITS:
            raise rejections.too_precise(name)
        return D(value)

    def limit(self, *, default: int, most: int) -> int:
        asked = self.integer("limit")
        if asked is None:
            return default
        if asked == 0:
            raise Rejection(-1130, "Data sent for parameter 'limit' is not valid.")
        return min(asked, most)

    def window(self) -> tuple[int | None, int | None]:
        """startTime and endTime, at most a day apart."""
        start, end = self.integer("startTime"), self.integer("endTime")
        if start is not None and end is not None and end - start > DAY_MS:
            raise Rejection(-1127, "More than 24 hours between startTime and endTime.")
        return start, end

    def client_id(self, name: str) -> str | None:
        value = self.optional(name)
        if value is not None and not re.fullmatch(CLIENT_ID_PATTERN, value):
            raise rejections.illegal(name, CLIENT_ID_PATTERN)
        return value
