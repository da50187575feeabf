"""The real exchanges an account may be at, as the pages that ask for one have to know them."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from accounts.models import SANDBOX_OF
from orders.gateways.others import OTHERS, Other, paper_money_in


@dataclass(frozen=True, slots=True)
class Offer:
    """One exchange. `quote`: what most of its markets are counted in; `sandbox`: it has one with play
    money; `needs_password`: its keys come with a passphrase; `proven`: our tests have traded on it, not
    only on what its documents say; `paper_only`: nobody has proven how it takes orders, so no key of it is
    taken."""

    exchange: str
    name: str
    quote: str
    sandbox: bool
    needs_password: bool
    proven: bool
    how_to_make_a_key: str
    paper_only: bool = False

    @property
    def paper_money(self) -> Decimal:
        """What an account on paper begins with, in the quote."""
        return paper_money_in(self.quote)

    @property
    def environments(self) -> tuple[str, ...]:
        """Where an account with a key may be, the harmless one first. Paper is no exchange's to offer."""
        if self.paper_only:
            return ()
        return ("sandbox", "live") if self.sandbox else ("live",)


_ALL = (
    Offer(
        exchange="binance",
        name="Binance",
        quote="USDT",
        sandbox=True,
        needs_password=False,
        proven=True,
        how_to_make_a_key=(
            "Under API Management make a system-generated key. Restrict it to your server's IP address, "
            "then allow reading and spot trading. Leave withdrawals, internal transfer and universal "
            "transfer off. Sandbox keys are made on testnet.binance.vision and work nowhere else."
        ),
    ),
    Offer(
        exchange="bybit",
        name="Bybit",
        quote="USDT",
        sandbox=True,
        needs_password=False,
        proven=False,
        how_to_make_a_key=(
            "Under API make a system-generated key, read and write, for spot trading alone. Leave "
            "withdrawal and every kind of transfer off. Bind it to your server's IP address: a key that is "
            "bound to none expires after three months. Sandbox keys are made on testnet.bybit.com."
        ),
    ),
    Offer(
        exchange="okx",
        name="OKX",
        quote="USDT",
        sandbox=True,
        needs_password=True,
        proven=False,
        how_to_make_a_key=(
            "Under API make a key with the rights to read and trade, without the right to withdraw, and "
            "link it to your server's IP address. The passphrase is the one you choose for the key, not "
            "your sign-in. Sandbox keys are made under demo trading and work nowhere else."
        ),
    ),
    Offer(
        exchange="kraken",
        name="Kraken",
        quote="USD",
        sandbox=False,
        needs_password=False,
        proven=False,
        how_to_make_a_key=(
            "Under API make a key that may query funds, query open and closed orders and trades, create "
            "and modify orders, and cancel orders. Leave deposit and withdraw off. Turn on the IP address "
            "restriction and enter your server's. The secret is what Kraken calls the private key."
        ),
    ),
    Offer(
        exchange="coinbase",
        name="Coinbase",
        quote="USD",
        sandbox=False,
        needs_password=False,
        proven=False,
        how_to_make_a_key=(
            "On the Coinbase Developer Platform make a secret API key with view and trade, without "
            "transfer, and put your server's IP address on its allow-list. The key is its whole name, "
            "organizations/…/apiKeys/…; the secret is the private key with its BEGIN and END lines."
        ),
    ),
)


def _on_paper(other: Other) -> Offer:
    return Offer(
        exchange=other.exchange,
        name=other.name,
        quote=other.quote,
        sandbox=False,
        needs_password=False,
        proven=False,
        how_to_make_a_key="",
        paper_only=True,
    )


# Those that take our orders come first.
OFFERS: Mapping[str, Offer] = {
    offer.exchange: offer
    for offer in (*_ALL, *sorted(map(_on_paper, OTHERS.values()), key=lambda offer: offer.name.casefold()))
}


def name_of(place: str) -> str:
    """The exchange, or the sandbox of one, as people know it; nothing for the built-in exchange."""
    offer = OFFERS.get(place.removesuffix(SANDBOX_OF))
    if offer is None:
        return ""
    return f"{offer.name}’s sandbox" if place.endswith(SANDBOX_OF) else offer.name
