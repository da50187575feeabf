"""What an account holds: in all, free, in its bots' pockets, and the rest that is none of theirs."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from accounts.models import Environment, ExchangeAccount
from accounts.queries import paper_money_on, pockets_on
from accounts.services.asked import checked_place
from accounts.services.opening import credentials_of
from bots.services.asked import refused
from bots.services.room import NOTHING
from orders.gateways.base import Exchanges, GatewayError, Holding, KeyRefused

# Exchanges round what they take; our books do not.
TOLERANCE = Decimal("0.0001")


def is_short(ours: Decimal, found: Decimal) -> bool:
    """Whether an account holds less than its bots should."""
    return found < ours - ours * TOLERANCE


@dataclass(frozen=True, slots=True)
class Held:
    """One currency. `free` is what no order locks; `ours` is in the pockets of the account's bots."""

    currency: str
    total: Decimal
    free: Decimal
    ours: Decimal

    @property
    def foreign(self) -> Decimal:
        """The rest, which our bots leave alone. Below zero, coins of the bots are gone."""
        return self.total - self.ours

    @property
    def short(self) -> bool:
        return is_short(self.ours, self.total)


def account_balance(*, account: ExchangeAccount, exchanges: Exchanges, keys: Sequence[str]) -> list[Held]:
    """By currency. Asks the exchange; raises `ServiceRefused` when it does not answer."""
    ours = pockets_on(account)
    if account.environment == Environment.PAPER:
        free = paper_money_on(account)
        totals = {name: free.get(name, Decimal(0)) + ours.get(name, Decimal(0)) for name in {*free, *ours}}
        holdings = {name: Holding(total, free.get(name, Decimal(0))) for name, total in totals.items()}
    else:
        holdings = _asked(account, exchanges, keys)
    return [
        Held(name, (held := holdings.get(name, NOTHING)).total, held.free, ours.get(name, Decimal(0)))
        for name in sorted({*holdings, *ours})
    ]


def _asked(account: ExchangeAccount, exchanges: Exchanges, keys: Sequence[str]) -> dict[str, Holding]:
    offer = checked_place(account.exchange, account.environment, exchanges)
    credentials_of(account, keys)  # says so in words if it cannot be opened
    try:
        return dict(exchanges.venues[account.exchange].holdings(account))
    except KeyRefused:
        why = f"{offer.name} does not accept the key of {account.label}: test it, and replace it if need be."
        raise refused("key_refused", "key", why) from None
    except GatewayError:
        why = f"{offer.name} could not be reached. Try again in a minute."
        raise refused("unreachable", "exchange", why) from None
