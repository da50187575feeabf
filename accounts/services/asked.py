"""What is asked before an account is made or changed; each answer is fit to store, or a `ServiceRefused`
says why not. No sentence repeats a part of a key."""

import re
from dataclasses import dataclass
from unicodedata import category

from django.db.models import QuerySet

from accounts.keys import Credentials
from accounts.models import Environment, ExchangeAccount, User
from accounts.queries import accounts_of, in_use
from bots.services.asked import ServiceRefused, refused
from bots.strategies.settings import Problem
from orders.gateways.base import Exchanges
from orders.gateways.listed import EXCHANGE
from orders.gateways.offers import OFFERS, Offer

LABEL_MAX = 64
PART_MIN, PART_MAX = 8, 512
ACCOUNTS_PER_USER_MAX = 20
# By this name the account without real money is found.
PAPER_LABEL = "paper"
PEM = re.compile(r"(-----BEGIN [A-Z ]+-----)(.*?)(-----END [A-Z ]+-----)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A new account as its owner asks for it. `consent`: they know what the key may do, where the
    exchange does not say."""

    exchange: str
    environment: str
    label: str
    credentials: Credentials
    consent: bool = False


def user_named(email: str) -> User:
    """Who is meant by an address that an operator has typed. Raises `ServiceRefused`."""
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        raise refused("unknown_user", "user", f"User: nobody here has the address {email}.")
    return user


def on_real_exchanges() -> QuerySet[ExchangeAccount]:
    """Everybody's accounts that may be renamed and deleted: all but those on the built-in exchange."""
    return in_use().exclude(exchange=EXCHANGE)


def offer_of(exchange: str) -> Offer:
    if exchange not in OFFERS:
        raise refused("unknown_exchange", "exchange", f"Exchange: there is no {exchange}; choose another.")
    return OFFERS[exchange]


def checked_place(exchange: str, environment: str, exchanges: Exchanges) -> Offer:
    """An exchange that this installation reaches, in an environment that it has."""
    offer = offer_of(exchange)
    if offer.paper_only:
        why = f"Exchange: {offer.name} is offered on paper only: it is unproven live; choose another."
        raise refused("paper_only", "exchange", why)
    if exchange not in exchanges.venues:
        why = f"Exchange: this installation does not reach {offer.name}; choose another."
        raise refused("unknown_exchange", "exchange", why)
    if environment not in offer.environments:
        ways = " or ".join(Environment(way).label.lower() for way in offer.environments)
        raise refused(
            "environment", "environment", f"Environment: {offer.name} has {ways} only; choose that."
        )
    return offer


def checked_paper_place(exchange: str, exchanges: Exchanges) -> Offer:
    """An exchange whose prices and markets this installation reaches; paper needs no more of it."""
    offer = offer_of(exchange)
    if exchange not in exchanges.markets:
        why = f"Exchange: this installation does not reach {offer.name}; choose another."
        raise refused("unknown_exchange", "exchange", why)
    return offer


def checked_label(label: str, user: User, account: ExchangeAccount | None = None) -> str:
    """A name that no other account of the user has, in whatever case."""
    label = label.strip()
    if not 1 <= len(label) <= LABEL_MAX:
        raise refused("label", "label", f"Label must have 1 to {LABEL_MAX} characters.")
    if any(category(character) == "Cc" for character in label):
        raise refused("label", "label", "Label must be one line of text without control characters.")
    if label.casefold() == PAPER_LABEL:
        raise refused(
            "label_taken", "label", "Label: Paper is the account without real money; choose another."
        )
    others = accounts_of(user).exclude(pk=account.pk) if account else accounts_of(user)
    if others.filter(label__iexact=label).exists():
        raise label_taken()
    return label


def label_taken() -> ServiceRefused:
    return refused("label_taken", "label", "Label: another account of yours has this one; choose another.")


def check_room(user: User) -> None:
    if accounts_of(user).count() >= ACCOUNTS_PER_USER_MAX:
        why = f"You have {ACCOUNTS_PER_USER_MAX} exchange accounts; delete one first."
        raise refused("too_many", "label", why)


def checked_credentials(offer: Offer, typed: Credentials) -> Credentials:
    """As typed, without the blanks around it, and the line ends of a private key put right."""
    found = Credentials(
        key=typed.key.strip(),
        secret=_lined(typed.secret),
        password=typed.password.strip() if offer.needs_password else "",
    )
    parts = {"key": found.key, "secret": found.secret}
    if offer.needs_password:
        parts["password"] = found.password
    wrong = [problem for name, text in parts.items() for problem in _problems(name, text)]
    if not wrong and len(set(parts.values())) < len(parts):
        wrong = [Problem("key_parts", "secret", "Secret must differ from the key and the passphrase.")]
    if wrong:
        raise ServiceRefused(*wrong)
    return found


def _problems(name: str, text: str) -> list[Problem]:
    title = {"key": "Key", "secret": "Secret", "password": "Passphrase"}[name]
    if not PART_MIN <= len(text) <= PART_MAX:
        return [Problem("key_parts", name, f"{title} must have {PART_MIN} to {PART_MAX} characters.")]
    lines = text.split("\n") if name == "secret" else [text]
    if not all(line.isprintable() for line in lines):
        return [Problem("key_parts", name, f"{title} must be text that can be printed; copy it once more.")]
    return []


def _lined(secret: str) -> str:
    """A private key comes with its line ends written as `\\n`, or with none where a browser's field took
    them out."""
    text = secret.replace("\\n", "\n").replace("\r\n", "\n").strip()
    pem = PEM.fullmatch(text)
    return "\n".join([pem[1], *pem[2].split(), pem[3]]) if pem else text
