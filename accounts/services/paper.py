"""Accounts without a key and without money: a real exchange's markets and prices, and our own books."""

import logging
from collections import Counter
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction

from accounts.models import Environment, ExchangeAccount, User, place_of
from accounts.queries import in_use
from accounts.services.asked import check_room, checked_label, checked_paper_place, label_taken
from activity import journal
from bots.services.asked import refused
from orders.gateways.base import Exchanges, GatewayError
from orders.gateways.offers import Offer, name_of
from orders.gateways.others import paper_money_in
from orders.money import deposit
from orders.queries import markets_of, tickers_of

log = logging.getLogger(__name__)


def paper_account_add(
    *, user: User, exchange: str, label: str, exchanges: Exchanges, now: datetime
) -> ExchangeAccount:
    """A new account with its starting money, once the exchange has told its markets. Raises
    `ServiceRefused`."""
    offer = checked_paper_place(exchange, exchanges)
    label = checked_label(label, user)
    check_room(user)
    load_markets_of(exchange, exchanges, now)
    try:
        with transaction.atomic():
            check_room(user)
            account = ExchangeAccount.objects.create(
                user=user, exchange=exchange, environment=Environment.PAPER, label=label
            )
            quote, amount = _money(offer)
            deposit(account=account, currency=quote, amount=amount, now=now)
            message = f"{label} was added, with {amount:,} {quote} of paper money."
            journal.say(user_id=user.pk, bot_id=None, message=message, now=now)
    except IntegrityError:
        raise label_taken() from None
    return account


def load_markets_of(place: str, exchanges: Exchanges, now: datetime) -> None:
    """Without its markets there would be nothing to trade there. Raises `ServiceRefused`."""
    if place not in exchanges.markets:
        return
    try:
        exchanges.markets[place].load(now=now)
    except GatewayError:
        why = f"{name_of(place)} could not be reached, so nothing was saved. Try again in a minute."
        raise refused("unreachable", "exchange", why) from None


def _money(offer: Offer) -> tuple[str, Decimal]:
    """In the usual quote; should nothing be traded for that, in the one that most markets have."""
    if tickers_of(offer.exchange, [offer.quote]):
        return offer.quote, offer.paper_money
    quotes = Counter(market.rules().quote for market in markets_of(offer.exchange))
    quote = quotes.most_common(1)[0][0] if quotes else offer.quote
    return quote, paper_money_in(quote)


def markets_refresh(*, exchanges: Exchanges, now: datetime) -> int:
    """Ask again for the markets of each exchange that somebody has an account on; returns how many answered.

    There are no more than the exchanges we know, and each is given up after a client's timeout.
    """
    used = {place_of(*row) for row in in_use().values_list("exchange", "environment").distinct()}
    answered = 0
    for exchange in sorted(used & exchanges.markets.keys()):
        try:
            exchanges.markets[exchange].load(now=now)
        except GatewayError as silence:
            # Its markets are as they were; the others have theirs loaded all the same.
            log.warning("markets.silence", extra={"exchange": exchange, "why": str(silence)})
        else:
            answered += 1
    return answered
