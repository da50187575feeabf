"""When an exchange refuses an order, its rules may be others than those we know: they are asked for again.

A market that is closed is waited for, and so is an account that may not trade: their bots are held with a
sentence, and go on when the market is open, or the key in order, again. So are those whose coins are missing,
once a sale of theirs was refused.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.core.cache import cache
from django.db import transaction

from accounts.models import TRADES, Environment
from activity import journal
from activity.models import Severity
from bots.engine.look import Look
from bots.models import Bot, BotStatus, Phase, Shortage, StopRequest
from orders.gateways.base import Exchanges, GatewayError
from orders.rules import Side
from orders.states import OrderStatus

ASKED_EVERY_S = 60
REASON_MAX, SENTENCE_MAX = 200, 300
SELLS = StopRequest.CANCEL_AND_SELL


def asked_anew(looks: Iterable[Look], *, exchanges: Exchanges, now: datetime) -> bool:
    """Load the markets of the exchanges that refuse orders or have closed a market, each once a minute at
    most; returns whether any was loaded, so that the looks are old."""
    doubted = {look.bot.exchange for look in looks if _doubted(look)}
    loaded = {exchange for exchange in sorted(doubted) if _loaded(exchange, exchanges, now)}
    return bool(loaded)


def _doubted(look: Look) -> bool:
    if look.bot.account.environment == Environment.PAPER:
        return False
    refused = any(order.status == OrderStatus.REFUSED for order in look.closed)
    return refused or not look.market.active


def _loaded(exchange: str, exchanges: Exchanges, now: datetime) -> bool:
    markets = exchanges.markets.get(exchange)
    if markets is None or not cache.add(f"rules-anew:{exchange}", 1, timeout=ASKED_EVERY_S):
        return False
    try:
        markets.load(now=now)
    except GatewayError:
        return False  # Those we know are all there are.
    return True


def why_held(look: Look) -> str:
    """Why nothing can be placed for the bot now, though it would want to; nothing when something can be."""
    bot, account = look.bot, look.bot.account
    if bot.stop_request not in ("", SELLS):
        return ""
    if not look.market.active:
        return f"{bot.ticker} is not traded on {bot.exchange} now. The bot keeps what it has, and waits."
    if account.state not in TRADES:
        why = f"Its account is {account.get_state_display().lower()}: {account.state_reason[:REASON_MAX]}"
        return f"{why} The bot keeps what it has, and waits."
    if look.shortage is not None and _sold_in_vain(look, look.shortage):
        return look.shortage.why[:SENTENCE_MAX]
    return ""


def _sold_in_vain(look: Look, shortage: Shortage) -> bool:
    """Whether the coins that are missing were to be sold, and the exchange has refused it: it would again."""
    refused = [order for order in look.closed if order.status == OrderStatus.REFUSED]
    return shortage.currency == look.bot.base and any(order.side == Side.SELL for order in refused)


def set_waiting(looks: Sequence[Look], *, token: UUID, now: datetime) -> None:
    """Hold these bots; they look again in a minute. Their user is told once."""
    for look in looks:
        bot, why = look.bot, why_held(look)
        phase = Phase.SUSPENDED if look.market.active else Phase.PAUSED
        mine = Bot.objects.filter(pk=bot.pk, lease_token=token, epoch=bot.epoch, status=BotStatus.ACTIVE)
        again = now + timedelta(seconds=ASKED_EVERY_S)
        with transaction.atomic():
            if not mine.update(phase=phase, phase_why=why, phase_until=None, retry_at=again):
                continue
            if bot.phase_why != why:
                journal.say(user_id=bot.user_id, bot_id=bot.pk, level=Severity.WARNING, message=why, now=now)
                journal.changed([(bot.user_id, bot.pk)], now=now)
