"""An account in words: where it is, how its key stands, and what that key may do."""

from collections.abc import Iterable
from dataclasses import dataclass

from accounts.models import AccountState, Environment, ExchangeAccount
from orders.gateways.listed import EXCHANGE
from orders.gateways.offers import OFFERS

STATE_LOOKS = {
    AccountState.WORKING: "success",
    AccountState.UNCHECKED: "warning",
    AccountState.BROKEN: "error",
    AccountState.SUSPENDED: "suspended",
}
# For yes, for no, and for an exchange that does not say.
TRADES = (("may trade", "success"), ("may not trade", "error"), ("trading: not told", "warning"))
WITHDRAWS = (("may withdraw", "error"), ("no withdrawals", "success"), ("withdrawals: not told", "warning"))
TRANSFERS = (("may transfer", "error"), ("no transfers", "success"), ("transfers: not told", "warning"))
ADDRESSES = (
    ("allowed addresses only", "success"),
    ("from any address", "warning"),
    ("addresses: not told", "warning"),
)


@dataclass(frozen=True, slots=True)
class Word:
    """A few words with how good they are, as the look of a badge."""

    text: str
    look: str


@dataclass(frozen=True, slots=True)
class Card:
    account: ExchangeAccount

    @property
    def exchange(self) -> str:
        offer = OFFERS.get(self.account.exchange)
        return offer.name if offer else "Built-in exchange"

    @property
    def paper(self) -> bool:
        return self.account.environment == Environment.PAPER

    @property
    def built_in(self) -> bool:
        """The account without a key that everybody has: there is nothing to change in it."""
        return self.account.exchange == EXCHANGE

    @property
    def money(self) -> str:
        """Of an account on paper: what is invented there, and what is real."""
        if self.built_in:
            return "Invented prices and invented money. It has no key."
        return f"Paper money, {self.exchange}’s prices. It has no key, and nothing is ever sent there."

    @property
    def state(self) -> Word:
        state = AccountState(self.account.state)
        return Word(state.label, STATE_LOOKS[state])

    @property
    def rights(self) -> list[Word]:
        row = self.account
        told = ((row.may_trade, TRADES), (row.may_withdraw, WITHDRAWS), (row.may_transfer, TRANSFERS))
        return [_word(may, words) for may, words in told]

    @property
    def addresses(self) -> Word:
        return _word(self.account.ip_restricted, ADDRESSES)

    @property
    def open_to_all(self) -> bool:
        """Whether there is something to be done about where the key may be used from."""
        return not self.account.ip_restricted


def _word(may: bool | None, words: tuple[tuple[str, str], ...]) -> Word:
    yes, no, untold = words
    return Word(*(untold if may is None else yes if may else no))


def cards_of(accounts: Iterable[ExchangeAccount]) -> list[Card]:
    return [Card(account) for account in accounts]
