"""Accounts without a key and without money: a real exchange's markets and prices, and our own books."""

import logging
from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.models import Environment, ExchangeAccount, User
from accounts.queries import in_use
from accounts.services.asked import check_room, checked_label, checked_paper_place, label_taken
from activity import journal
from bots.services.asked import refused
from bots.services.making import PAPER_MONEY
from orders.gateways.base import Exchanges, GatewayError
from orders.money import deposit

log = logging.getLogger(__name__)


def paper_account_add(
    *, user: User, exchange: str, label: str, exchanges: Exchanges, now: datetime
) -> ExchangeAccount:
    """A new account with its starting money, once the exchange has told its markets. Raises
    `ServiceRefused`."""
    offer = checked_paper_place(exchange, exchanges)
    label = checked_label(label, user)
    check_room(user)
    try:
        exchanges.markets[exchange].load(now=now)
    except GatewayError:
        why = f"{offer.name} could not be reached, so nothing was saved. Try again in a minute."
        raise refused("unreachable", "exchange", why) from None
    try:
        with transaction.atomic():
            check_room(user)
            account = ExchangeAccount.objects.create(
                user=user, exchange=exchange, environment=Environment.PAPER, label=label
            )
            deposit(account=account, currency=offer.quote, amount=PAPER_MONEY, now=now)
            message = f"{label} was added, with {PAPER_MONEY:,} {offer.quote} of paper money."
            journal.say(user_id=user.pk, bot_id=None, message=message, now=now)
    except IntegrityError:
        raise label_taken() from None
    return account


def markets_refresh(*, exchanges: Exchanges, now: datetime) -> int:
    """Ask again for the markets of each exchange that somebody has an account on; returns how many answered.

    There are no more than the exchanges we know, and each is given up after a client's timeout.
    """
    used = in_use().filter(exchange__in=exchanges.markets.keys())
    answered = 0
    for exchange in sorted(set(used.values_list("exchange", flat=True))):
        try:
            exchanges.markets[exchange].load(now=now)
        except GatewayError as silence:
            # Its markets are as they were; the others have theirs loaded all the same.
            log.warning("markets.silence", extra={"exchange": exchange, "why": str(silence)})
        else:
            answered += 1
    return answered
