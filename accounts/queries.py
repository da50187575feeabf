"""Reads of exchange accounts. A person's reach begins at `accounts_of`."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from accounts.models import TRADES, Environment, ExchangeAccount, User
from bots.models import Bot
from orders.models import Balance


def accounts_of(user: User) -> QuerySet[ExchangeAccount]:
    return ExchangeAccount.objects.filter(user=user, hidden_at__isnull=True)


def with_key() -> QuerySet[ExchangeAccount]:
    """Everybody's accounts with a key, for operators and for what runs by itself."""
    return ExchangeAccount.objects.filter(hidden_at__isnull=True).exclude(environment=Environment.PAPER)


def in_use() -> QuerySet[ExchangeAccount]:
    """Everybody's accounts, with a key or on paper."""
    return ExchangeAccount.objects.filter(hidden_at__isnull=True)


def trading_accounts_of(user: User) -> QuerySet[ExchangeAccount]:
    """Those that a bot may trade on, oldest first."""
    return accounts_of(user).filter(state__in=TRADES).order_by("created_at", "pk")


def currencies_of(account: ExchangeAccount) -> list[str]:
    """What the account has, or had, to spend."""
    return list(
        Balance.objects.filter(account=account).order_by("currency").values_list("currency", flat=True)
    )


def due(*, exchanges: Collection[str], now: datetime) -> QuerySet[ExchangeAccount]:
    """Those whose key is to be asked about again, longest due first."""
    return with_key().filter(exchange__in=exchanges, check_due_at__lte=now).order_by("check_due_at")


def bots_on(account: ExchangeAccount) -> QuerySet[Bot]:
    return Bot.objects.filter(account=account, hidden_at__isnull=True).order_by("name")


def pockets_on(account: ExchangeAccount) -> dict[str, Decimal]:
    """What the bots of an account hold, cash and coins together, by currency."""
    held: dict[str, Decimal] = defaultdict(Decimal)
    for bot in Bot.objects.filter(account=account).defer("memory"):
        held[bot.quote] += bot.cash
        held[bot.base] += bot.position_amount
    return {currency: amount for currency, amount in held.items() if amount}


def paper_money_on(account: ExchangeAccount) -> dict[str, Decimal]:
    """What a paper account holds beside its bots, by currency."""
    rows = Balance.objects.filter(account=account).values_list("currency", "free")
    return {currency: free for currency, free in rows if free}
