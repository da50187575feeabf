"""Making, changing and removing bots."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts.models import Environment, ExchangeAccount, User
from activity import journal
from bots.models import Bot, BotSettings, BotStatus, Mode
from bots.services.asked import market_of, quote_of, refused, settings_from
from bots.strategies.settings import Settings
from orders.gateways.base import Exchanges
from orders.gateways.listed import EXCHANGE
from orders.models import Order
from orders.money import deposit, release, release_coins
from orders.rules import OrderKind
from orders.services import cancel_request
from orders.states import LIVE

NAME_MAX = 64
BOTS_PER_USER_MAX = 500
PAPER_MONEY = Decimal(10_000)
PAPER_START = {"USDT": PAPER_MONEY}


def paper_account(*, user: User, now: datetime) -> ExchangeAccount:
    """The user's paper account on the built-in exchange, made with its starting money when missing."""
    with transaction.atomic():
        account, made = ExchangeAccount.objects.get_or_create(
            user=user, label="Paper", environment=Environment.PAPER, defaults={"exchange": EXCHANGE}
        )
        if made:
            for currency, amount in PAPER_START.items():
                deposit(account=account, currency=currency, amount=amount, now=now)
    return account


def bot_create(
    *,
    user: User,
    account: ExchangeAccount,
    name: str,
    bot_type: str,
    ticker: str,
    values: Mapping[str, Any],
    now: datetime,
) -> Bot:
    """A stopped bot with version 1 of its settings. Raises `ServiceRefused`."""
    settings = settings_from(bot_type, values)
    market_of(account.place, ticker)
    with transaction.atomic():
        if Bot.objects.filter(user=user, hidden_at__isnull=True).count() >= BOTS_PER_USER_MAX:
            raise refused("too_many", "name", f"You have {BOTS_PER_USER_MAX} bots; delete one first.")
        bot = Bot.objects.create(
            user=user,
            account=account,
            name=checked_name(name),
            bot_type=bot_type,
            exchange=account.place,
            ticker=ticker,
            mode=Mode(account.environment),
        )
        # Asked after the bot's row, which holds the account's: who deletes it sees the bot, or we see that.
        if ExchangeAccount.objects.filter(pk=account.pk, hidden_at__isnull=False).exists():
            raise refused("account_gone", "account", "Account: it was deleted; choose another.")
        _settings_row(bot, 1, settings, now)
        journal.say(user_id=user.pk, bot_id=bot.pk, message="Created.", now=now)
        journal.changed([(user.pk, bot.pk)], now=now)
    return bot


def bot_edit(*, bot: Bot, name: str, values: Mapping[str, Any], this_deal_too: bool, now: datetime) -> Bot:
    """A new version of the settings, for the next deal, or for the open one too.

    A grid has one deal from start to stop: what it is laid out by changes with its next start.
    """
    settings = settings_from(bot.bot_type, values)
    version = bot.settings_version + 1
    with transaction.atomic():
        fields: dict[str, Any] = {
            "name": checked_name(name),
            "settings_version": version,
            "events": F("events") + 1,
        }
        if this_deal_too:
            fields["settings_in_use"] = version
        if not Bot.objects.filter(pk=bot.pk, settings_version=bot.settings_version).update(**fields):
            raise refused("changed", "name", "Somebody else saved this bot meanwhile; load the page again.")
        _settings_row(bot, version, settings, now)
        journal.say(
            user_id=bot.user_id, bot_id=bot.pk, message=f"Settings changed: version {version}.", now=now
        )
        journal.changed([(bot.user_id, bot.pk)], now=now)
    return Bot.objects.get(pk=bot.pk)


def bot_delete(*, bot: Bot, exchanges: Exchanges, now: datetime) -> None:
    """Hide a bot that is not running, and give its money and coins back to the account.

    Its rows stay, for the books. Deleting twice changes nothing. A protective stop that has stayed is
    cancelled first: that takes a moment, and the bot is deleted once it is seen.
    """
    _end_its_stop(bot, now)
    # Before the transaction: an exchange may be asked.
    quote = quote_of(bot.exchange, bot.ticker, exchanges) if bot.position_amount else None
    with transaction.atomic():
        rows = Bot.objects.filter(pk=bot.pk, hidden_at__isnull=True)
        # First of all: a start in another window finds the bot hidden, or makes this one refuse.
        if not rows.exclude(status=BotStatus.ACTIVE).update(hidden_at=now):
            if rows.exists():
                raise refused("active", "name", f"{bot.name} is running; stop it before you delete it.")
            return
        if Order.objects.filter(bot=bot, status__in=sorted(LIVE)).exists():
            why = f"{bot.name} still has orders; cancel them by stopping it with “cancel the orders”."
            raise refused("orders_rest", "name", why)
        bot = Bot.objects.get(pk=bot.pk)
        release(bot=bot, quote=bot.cash, now=now)
        if bot.position_amount:
            if quote is None:
                raise refused("just_bought", "name", f"{bot.name} has bought at this moment; try again.")
            release_coins(bot=bot, base=bot.position_amount, price=quote.bid, now=now)
        journal.say(user_id=bot.user_id, bot_id=bot.pk, message="Deleted.", now=now)
        journal.changed([(bot.user_id, bot.pk)], now=now)


def _end_its_stop(bot: Bot, now: datetime) -> None:
    """Ask for the end of the stop of a bot that is not running, and refuse until it has come."""
    idle = Bot.objects.filter(pk=bot.pk, hidden_at__isnull=True).exclude(status=BotStatus.ACTIVE)
    live = list(Order.objects.filter(bot__in=idle, status__in=sorted(LIVE)))
    if live and all(order.kind == OrderKind.STOP for order in live):
        cancel_request(orders=live, now=now)
        why = f"The protective stop of {bot.name} is being cancelled: delete it again in a moment."
        raise refused("stop_rests", "name", why)


def _settings_row(bot: Bot, version: int, settings: Settings, now: datetime) -> None:
    BotSettings.objects.create(
        user_id=bot.user_id,
        bot=bot,
        version=version,
        values=settings.model_dump(mode="json"),
        made_at=now,
    )


def checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > NAME_MAX:
        raise refused("name", "name", f"Name must have 1 to {NAME_MAX} characters.")
    if any(ord(character) < ord(" ") for character in name):
        raise refused("name", "name", "Name must be one line of text without control characters.")
    return name
