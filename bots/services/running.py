"""Starting, stopping and commanding bots, and what their money does then."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts.models import ExchangeAccount
from activity import journal
from bots.models import Bot, BotCommand, BotStatus, EquityPoint, Phase, Shortage, StopRequest
from bots.services.asked import (
    ServiceRefused,
    chosen_values,
    market_of,
    over_balance,
    quote_of,
    refused,
    settings_from,
)
from bots.services.killing import refuse_if_switched_off
from bots.services.room import Busy, Room, busy, free_on, refuse_if_not_trading, room_for
from bots.strategies.base import CommandKind, Preflight
from bots.strategies.registry import BOT_TYPES
from bots.strategies.settings import Settings
from orders.accounting import product
from orders.gateways.base import Exchanges
from orders.matching import Quote
from orders.models import Market, Order
from orders.money import Left, NotEnough, fund, fund_coins
from orders.records import replace
from orders.rules import OrderKind, floor_to
from orders.services import cancel_request
from orders.states import LIVE

# An account on which orders are on their way is asked again so often.
ROOM_TRIES_MAX = 3
# Cash has more places than a person reads.
SHOWN_STEP = Decimal("0.00000001")


def preflight(
    *, account: ExchangeAccount, bot_type: str, ticker: str, values: Mapping[str, Any], exchanges: Exchanges
) -> Preflight:
    """What a start would do now, with every problem found; settings that cannot be raise
    `ServiceRefused`."""
    settings = settings_from(bot_type, values)
    market = market_of(account.place, ticker)
    quote = quote_of(account.place, ticker, exchanges)
    found = BOT_TYPES[bot_type].build(settings, market.rules()).preflight(quote.last)
    free = free_on(account=account, currency=market.rules().quote, exchanges=exchanges)
    if free is not None and settings.investment > free:
        found = replace(found, problems=(*found.problems, over_balance(settings, free, ticker)))
    return found


def bot_start(*, bot: Bot, exchanges: Exchanges, now: datetime, room: Room | None = None) -> Bot:
    """Fund the bot and set it going. Starting an active bot changes nothing.

    On a real account the exchange is asked what is there, outside any transaction; who is in one has asked
    for the `room` before. Raises `ServiceRefused` with every problem its preflight found, or naming a kill
    switch, or what keeps the account from trading.
    """
    if bot.status == BotStatus.ACTIVE:
        return bot
    refuse_if_switched_off(bot)
    refuse_if_not_trading(bot.account)
    settings = settings_from(bot.bot_type, chosen_values(bot))
    market = market_of(bot.exchange, bot.ticker)
    quote = quote_of(bot.exchange, bot.ticker, exchanges)
    fresh = bot.deal_number is None  # an open deal goes on under the settings it began with
    if fresh:
        found = BOT_TYPES[bot.bot_type].build(settings, market.rules()).preflight(quote.last)
        if not found.ok:
            raise ServiceRefused(*(problem for problem in found.problems if not problem.warning))
    rooms = [room] if room else (room_for(bot.account, exchanges, now) for _ in range(ROOM_TRIES_MAX))
    for asked in rooms:
        with suppress(Busy):
            return _started(bot, settings, market, quote, asked, fresh=fresh, now=now)
    raise busy(bot.account)


def _started(
    bot: Bot,
    settings: Settings,
    market: Market,
    quote: Quote,
    room: Room | None,
    *,
    fresh: bool,
    now: datetime,
) -> Bot:
    with transaction.atomic():
        if not _set_active(bot, fresh, now):
            return Bot.objects.get(pk=bot.pk)
        bot = Bot.objects.select_related("account").get(pk=bot.pk)
        BotCommand.objects.filter(bot=bot, decision_number__isnull=True).delete()  # of before the stop
        Shortage.objects.filter(closing=bot).update(closing=None)  # its owner has thought better of it
        if bot.memory is not None:
            BotCommand.objects.create(user_id=bot.user_id, bot=bot, kind=CommandKind.RESTART, made_at=now)
        left = None if room is None else room.left((bot.base, bot.quote))
        _fund(bot, settings, market, quote, left, now)
        mark_equity(bot=bot, quote=quote, now=now)
        journal.say(user_id=bot.user_id, bot_id=bot.pk, message="Started.", now=now)
        journal.changed([(bot.user_id, bot.pk)], now=now)
    return bot


def _set_active(bot: Bot, fresh: bool, now: datetime) -> bool:
    """Whether it was this call that set the bot going."""
    stopped = Bot.objects.filter(pk=bot.pk, hidden_at__isnull=True).exclude(status=BotStatus.ACTIVE)
    fields: dict[str, Any] = {
        "status": BotStatus.ACTIVE,
        "phase": Phase.WAITING,
        "phase_why": "",
        "stop_request": "",
        "failures": 0,
        "retry_at": None,
        "started_at": now,
        "events": F("events") + 1,
    }
    if fresh:
        fields["settings_in_use"] = bot.settings_version
    return bool(stopped.update(**fields))


def _fund(bot: Bot, settings: Settings, market: Market, quote: Quote, left: Left, now: datetime) -> None:
    """Bring the pocket up to the investment; what the bot still holds counts at its cost."""
    try:
        coins = Decimal(getattr(settings, "initial_base", 0))
        missing_coins = max(coins - bot.position_amount, Decimal(0))
        fund_coins(bot=bot, base=missing_coins, price=quote.bid, left=left, now=now)
        missing = max(settings.investment - bot.cash - bot.position_cost, Decimal(0))
        fund(bot=bot, quote=missing, left=left, now=now)
    except NotEnough as short:
        if short.currency != market.rules().quote:
            message = f"Initial base asks for coins the account does not hold: {short}."
            raise refused("coins_missing", "initial_base", message, f"{short.free:f}") from short
        raise ServiceRefused(over_balance(settings, short.free, bot.ticker)) from short


def bot_stop(*, bot: Bot, now: datetime, how: str = "") -> Bot:
    """Ask the bot to stop, by its own `on_stop` or as `how` says. Stopping twice changes nothing.

    Raises `ServiceRefused` for a `how` that is no `StopRequest`.
    """
    if how and how not in StopRequest.values:
        ways = ", ".join(way.lower() for way in StopRequest.labels)
        raise refused("how", "how", f"How to stop must be one of: {ways}.")
    request = how or _on_stop(bot)
    with transaction.atomic():
        rows = Bot.objects.filter(pk=bot.pk, hidden_at__isnull=True)
        if request == StopRequest.KEEP_ORDERS:
            _stop_at_once(rows, now)
        elif not rows.filter(status=BotStatus.ACTIVE).update(
            stop_request=request, phase=Phase.CLOSING, events=F("events") + 1
        ):
            _cancel_what_rests(rows, request, now)
        journal.say(user_id=bot.user_id, bot_id=bot.pk, message="Told to stop.", now=now)
        journal.changed([(bot.user_id, bot.pk)], now=now)
    return Bot.objects.get(pk=bot.pk)


def _on_stop(bot: Bot) -> str:
    """Read without validation: a bot must stop even when its settings are no longer what they may be."""
    chosen = str(chosen_values(bot).get("on_stop", ""))
    return chosen if chosen in StopRequest.values else StopRequest.CANCEL_ORDERS


def bots_stop_all(*, bots: Sequence[Bot], now: datetime) -> int:
    for bot in bots:
        bot_stop(bot=bot, now=now)
    return len(bots)


def bot_command(*, bot: Bot, kind: CommandKind, now: datetime, quote: Decimal = Decimal(0)) -> None:
    """Hand a running bot a command for its next decision; `quote` is what ADD_FUNDS may spend."""
    if kind is CommandKind.ADD_FUNDS and (not quote.is_finite() or quote <= 0 or quote > bot.cash):
        most = floor_to(bot.cash, SHOWN_STEP).normalize()
        message = f"Amount must be above 0 and at most the {most:f} {bot.quote} in the bot's pocket."
        raise refused("amount", "quote", message, f"{most:f}")
    if kind is not CommandKind.CLOSE_NOW:
        refuse_if_switched_off(bot)
    with transaction.atomic():
        if not Bot.objects.filter(pk=bot.pk, status=BotStatus.ACTIVE).update(events=F("events") + 1):
            raise refused("not_active", "name", f"{bot.name} is not running; start it first.")
        BotCommand.objects.create(user_id=bot.user_id, bot=bot, kind=kind, quote=quote, made_at=now)


def mark_equity(*, bot: Bot, quote: Quote, now: datetime) -> None:
    """Note what the bot is worth now, marked to the bid."""
    equity = bot.cash + product(bot.position_amount, quote.bid)
    EquityPoint.objects.get_or_create(
        bot=bot,
        at=now,
        defaults={"user_id": bot.user_id, "equity": equity, "price": quote.bid, "funded": bot.funded},
    )


def _stop_at_once(rows: Any, now: datetime) -> None:
    """Keep the orders resting: the bot only stops deciding."""
    rows.update(status=BotStatus.STOPPED, phase=Phase.WAITING, phase_why="", stop_request="", stopped_at=now)


def _cancel_what_rests(rows: Any, request: str, now: datetime) -> None:
    """A bot in error, or one stopped with its orders kept, decides nothing: they are cancelled for it; the
    stop that protects what it holds when that is asked for alone."""
    resting = Order.objects.filter(bot__in=rows, status__in=sorted(LIVE))
    if request == StopRequest.CANCEL_ORDERS:
        resting = resting.exclude(kind=OrderKind.STOP)
    cancel_request(orders=list(resting), now=now)
    _stop_at_once(rows.filter(status=BotStatus.ERROR), now)
