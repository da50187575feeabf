"""Who trades: a key and its secret, what the key may do, and the money in the account."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

from tests.exchange import rejections

D = Decimal


@dataclass
class Balance:
    free: Decimal = Decimal(0)
    locked: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        return self.free + self.locked


def _rights() -> dict[str, bool]:
    return {
        "ipRestrict": True,
        "enableReading": True,
        "enableWithdrawals": False,
        "enableInternalTransfer": False,
        "permitsUniversalTransfer": False,
        "enableMargin": False,
        "enableFutures": False,
        "enableVanillaOptions": False,
        "enableSpotAndMarginTrading": True,
        "enablePortfolioMarginTrading": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
    }


@dataclass
class Account:
    """`fee_asset` pays the commissions while there is enough of it, as BNB does; else they come off what
    a trade brings in."""

    key: str
    secret: str
    uid: int
    maker_rate: Decimal = Decimal("0.001")
    taker_rate: Decimal = Decimal("0.001")
    fee_asset: str | None = None
    revoked: bool = False
    rights: dict[str, bool] = field(default_factory=_rights)
    balances: defaultdict[str, Balance] = field(default_factory=lambda: defaultdict(Balance))
    updated: int = 0

    def lock(self, asset: str, amount: Decimal) -> None:
        balance = self.balances[asset]
        if balance.free < amount:
            raise rejections.insufficient()
        balance.free -= amount
        balance.locked += amount

    def unlock(self, asset: str, amount: Decimal) -> None:
        balance = self.balances[asset]
        balance.locked -= amount
        balance.free += amount

    def change(self, asset: str, amount: Decimal) -> None:
        """Adds to the free balance, or takes from it; it never goes below zero."""
        balance = self.balances[asset]
        if balance.free + amount < 0:
            raise rejections.insufficient()
        balance.free += amount
