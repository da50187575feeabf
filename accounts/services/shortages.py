"""Holding what an account holds against its bots' books: less than they say is a shortage.

More is nobody's business here: it is foreign. Less may be a fill that is not booked yet, so the books are
read before the question and once more after every resting order was asked about, the smaller of the two
counts, and it is looked at once more before it is sure. Then the bots are held, and their owner chooses:
put it back, or close a bot that should hold it. Nothing is guessed.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Q, QuerySet

from accounts.models import TRADES, ExchangeAccount
from accounts.queries import bots_on, pockets_on, with_key
from accounts.services.balance import is_short
from activity import journal
from activity.models import Severity
from bots.models import Bot, BotStatus, Phase, Shortage, StopRequest
from bots.queries import taken_in_order
from bots.services import ServiceRefused, bot_delete, bot_stop, refused
from bots.services.room import NOTHING, Room, room_asked, takes
from orders.gateways.base import Exchanges, GatewayError
from orders.money import LostRace
from orders.rules import ZERO
from orders.switches import close_gate, sure_shortages

COMPARED_EVERY = timedelta(seconds=60)
SURE_AFTER = timedelta(seconds=20)
LOOK_AGAIN = timedelta(seconds=30)
ACCOUNTS_AT_ONCE_MAX = 20

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Compared:
    """One currency of an account: what its bots should hold, and what it holds."""

    currency: str
    ours: Decimal
    found: Decimal

    @property
    def is_short(self) -> bool:
        return is_short(self.ours, self.found)


def compare_due_accounts(*, exchanges: Exchanges, now: datetime, limit: int = ACCOUNTS_AT_ONCE_MAX) -> int:
    """Compare the accounts whose turn it is, `limit` at most; returns how many answered."""
    due = Q(compare_due_at__isnull=True) | Q(compare_due_at__lte=now)
    accounts = with_key().filter(due, state__in=TRADES, exchange__in=exchanges.venues.keys())
    answered = 0
    for account in accounts.order_by(F("compare_due_at").asc(nulls_first=True))[:limit]:
        claimed = with_key().filter(pk=account.pk, compare_due_at=account.compare_due_at)
        if claimed.update(compare_due_at=now + COMPARED_EVERY):
            answered += _compare_quietly(account, exchanges, now)
    return answered


def _compare_quietly(account: ExchangeAccount, exchanges: Exchanges, now: datetime) -> bool:
    try:
        account_compare(account=account, exchanges=exchanges, now=now)
    except (GatewayError, LostRace) as silence:
        log.warning("comparing.silence", extra={"account": str(account.pk), "why": str(silence)})
        return False
    return True


def account_compare(*, account: ExchangeAccount, exchanges: Exchanges, now: datetime) -> None:
    """Ask what the account holds, and begin, confirm or end its shortages. Raises a `GatewayError`, or
    `LostRace` when others are settling its orders all the time."""
    before = pockets_on(account)
    if before or shortages_of(account).exists():
        room = room_asked(account=account, exchanges=exchanges, now=now)
        for one in _compared(account, before, room):
            if one.is_short:
                _short(account, one, now)
            else:
                _whole(account, one.currency, now)
    for shortage in shortages_of(account).filter(closing__isnull=False):
        _close(shortage, exchanges, now)


def shortages_of(account: ExchangeAccount) -> QuerySet[Shortage]:
    """Those that are not over, sure or not."""
    return Shortage.objects.filter(account=account, ended_at__isnull=True).order_by("currency")


def sure_shortages_of(account: ExchangeAccount) -> QuerySet[Shortage]:
    found = sure_shortages().filter(account=account).order_by("currency")
    return found.select_related("account", "closing")


def holders_of(shortage: Shortage) -> QuerySet[Bot]:
    """The account's bots that should hold some of the currency."""
    base, quote = f"{shortage.currency}/", f"/{shortage.currency}"
    held = Q(ticker__startswith=base, position_amount__gt=0) | Q(ticker__endswith=quote, cash__gt=0)
    return bots_on(shortage.account).filter(held)


def shortage_close(*, shortage: Shortage, bot: Bot, exchanges: Exchanges, now: datetime) -> bool:
    """Let the bot give up what it holds: its orders are cancelled, it stops and is deleted, and what is left
    of its money is its owner's again. True when it is done; else it is done once its orders have ended.

    Raises `ServiceRefused`.
    """
    if not holders_of(shortage).filter(pk=bot.pk).exists():
        raise refused("no_holder", "bot", f"{bot.name} holds no {shortage.currency}; choose another bot.")
    if not sure_shortages().filter(pk=shortage.pk).update(closing=bot):
        raise refused("over", "bot", f"{shortage.currency} is all there again: nothing needs to be closed.")
    bot_stop(bot=bot, now=now, how=StopRequest.CANCEL_ORDERS)
    return _close(Shortage.objects.select_related("closing").get(pk=shortage.pk), exchanges, now)


def _compared(account: ExchangeAccount, before: Mapping[str, Decimal], room: Room) -> list[Compared]:
    """The currencies of which it can be told; one that an order on its way may take is left for later."""
    in_doubt = {takes(order) for order in room.doubts()}  # before the books: what has ended is in them
    after = pockets_on(account)
    open_ones = set(shortages_of(account).values_list("currency", flat=True))
    found = []
    for currency in sorted({*before, *after, *open_ones}):
        ours = min(before.get(currency, ZERO), after.get(currency, ZERO))
        if currency not in in_doubt:
            found.append(Compared(currency, ours, room.holdings.get(currency, NOTHING).total))
    return found


def _short(account: ExchangeAccount, one: Compared, now: datetime) -> None:
    with transaction.atomic():
        close_gate()  # Once it is sure, no buy is claimed any more.
        known = shortages_of(account).filter(currency=one.currency).select_for_update().first()
        if known is None:
            Shortage.objects.create(
                user_id=account.user_id,
                account=account,
                currency=one.currency,
                ours=one.ours,
                found=one.found,
                seen_at=now,
            )
            with_key().filter(pk=account.pk).update(compare_due_at=now + LOOK_AGAIN)
            return
        known.ours, known.found = one.ours, one.found
        fresh = known.sure_at is None and now - known.seen_at >= SURE_AFTER
        if fresh:
            known.sure_at = now
        known.save(update_fields=["ours", "found", "sure_at"])
        if fresh:
            _suspend(known, now)


def _suspend(shortage: Shortage, now: datetime) -> None:
    why = shortage.why
    bots = bots_on(shortage.account).filter(shortage.under, status=BotStatus.ACTIVE)
    ids = taken_in_order(bots)
    Bot.objects.filter(pk__in=ids).update(
        phase=Phase.SUSPENDED, phase_why=why[:300], phase_until=None, events=F("events") + 1
    )
    _tell(shortage, f"{shortage.account.label}: {why}", Severity.ERROR, now)


def _whole(account: ExchangeAccount, currency: str, now: datetime) -> None:
    """Nothing is missing, or nothing any more."""
    for shortage in shortages_of(account).filter(currency=currency):
        if shortage.sure_at is None:
            shortages_of(account).filter(pk=shortage.pk, sure_at__isnull=True).delete()
            continue
        with transaction.atomic():
            if sure_shortages().filter(pk=shortage.pk).update(ended_at=now, closing=None):
                ids = taken_in_order(bots_on(account).filter(shortage.under, status=BotStatus.ACTIVE))
                held = Bot.objects.filter(pk__in=ids)
                held.filter(phase=Phase.SUSPENDED).update(phase=Phase.WAITING, phase_why="")
                held.update(events=F("events") + 1, retry_at=None)
                told = f"{account.label}: all the {currency} that its bots should hold is there again."
                _tell(shortage, told, Severity.SUCCESS, now)


def _close(shortage: Shortage, exchanges: Exchanges, now: datetime) -> bool:
    """Whether the bot that is to give up its holding has done so."""
    bot = shortage.closing
    if bot is None:
        return True
    try:
        bot_delete(bot=bot, exchanges=exchanges, now=now)
    except (ServiceRefused, LostRace):
        return False  # Its orders are still being ended, or its money moves.
    Shortage.objects.filter(pk=shortage.pk).update(closing=None)
    with_key().filter(pk=shortage.account_id).update(compare_due_at=now)
    return True


def _tell(shortage: Shortage, message: str, level: Severity, now: datetime) -> None:
    journal.say(user_id=shortage.user_id, bot_id=None, level=level, message=message, now=now)
    running = bots_on(shortage.account).filter(shortage.under)
    journal.changed(running.values_list("user_id", "pk"), now=now)
