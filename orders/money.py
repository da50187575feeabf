"""Moves of money that are not trades: deposits, a bot's funds, and their return.

Each is one ledger row and the balances it changes, in the caller's transaction. A paper account's free
money is in our books. A real account's is not: what its bots have not in their pockets is its owner's, who
may move it at any time, so a bot's funds come from outside, within what the exchange has said is there.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import F

from accounts.models import ExchangeAccount
from bots.models import Bot
from orders.accounting import Pocket, Purpose, product, share
from orders.models import Balance, LedgerEntry

TRIES_MAX = 5

# What a real account has left by currency, as told by its exchange just now; None on paper.
Left = Mapping[str, Decimal] | None


class NotEnough(Exception):
    """The account's free money does not cover what was asked."""

    def __init__(self, *, free: Decimal, asked: Decimal, currency: str) -> None:
        super().__init__(f"{asked.normalize():f} {currency} asked, {free.normalize():f} {currency} free")
        self.free, self.asked, self.currency = free, asked, currency


class LostRace(Exception):
    """Somebody else changed the row first; look again."""


def deposit(*, account: ExchangeAccount, currency: str, amount: Decimal, now: datetime) -> None:
    """Money from outside the platform, such as a paper account's start."""
    _free(user_id=account.user_id, account_id=account.id, currency=currency, change=amount)
    LedgerEntry.objects.create(
        user_id=account.user_id,
        account=account,
        debit=Pocket.FREE,
        credit=Pocket.OUTSIDE,
        currency=currency,
        amount=amount,
        purpose=Purpose.DEPOSIT,
        at=now,
    )


def fund(*, bot: Bot, quote: Decimal, now: datetime, left: Left = None) -> None:
    """Put `quote` of the account's money into the bot's pocket; raises `NotEnough`."""
    if quote:
        _take(bot, bot.quote, quote, left)
        _pocket(bot=bot, quote=quote)
        _entry(bot, bot.quote, quote, debit=Pocket.BOT, credit=_home(bot), purpose=Purpose.FUND, now=now)


def fund_coins(*, bot: Bot, base: Decimal, price: Decimal, now: datetime, left: Left = None) -> None:
    """Put coins the account already holds into the bot's pocket, valued at `price`."""
    if base:
        _take(bot, bot.base, base, left)
        value = product(base, price)
        moved = Bot.objects.filter(
            pk=bot.pk, position_amount=bot.position_amount, position_cost=bot.position_cost, funded=bot.funded
        ).update(
            position_amount=bot.position_amount + base,
            position_cost=bot.position_cost + value,
            funded=bot.funded + value,
        )
        _must(moved)
        bot.position_amount += base
        bot.position_cost += value
        bot.funded += value
        _entry(bot, bot.base, base, debit=Pocket.BOT, credit=_home(bot), purpose=Purpose.FUND, now=now)


def release(*, bot: Bot, quote: Decimal, now: datetime) -> None:
    """Give `quote` of the bot's pocket back to the account's free money."""
    if quote:
        _pocket(bot=bot, quote=-quote)
        _give(bot, bot.quote, quote)
        _entry(bot, bot.quote, quote, debit=_home(bot), credit=Pocket.BOT, purpose=Purpose.RELEASE, now=now)


def release_coins(*, bot: Bot, base: Decimal, price: Decimal, now: datetime) -> None:
    """Give coins of the bot's pocket back to the account, taken out at `price`.

    What they gained or lost against their cost is realised, so the bot's total still adds up.
    """
    if base:
        value = product(base, price)
        cost = share(bot.position_cost, base, bot.position_amount)
        moved = Bot.objects.filter(
            pk=bot.pk, position_amount=bot.position_amount, position_cost=bot.position_cost, pnl=bot.pnl
        ).update(
            position_amount=bot.position_amount - base,
            position_cost=bot.position_cost - cost,
            funded=bot.funded - value,
            pnl=bot.pnl + value - cost,
        )
        _must(moved)
        bot.refresh_from_db(fields=["position_amount", "position_cost", "funded", "pnl"])
        _give(bot, bot.base, base)
        _entry(bot, bot.base, base, debit=_home(bot), credit=Pocket.BOT, purpose=Purpose.RELEASE, now=now)


def free_of(*, account_id: UUID, currency: str) -> Decimal:
    found = Balance.objects.filter(account_id=account_id, currency=currency).values_list("free", flat=True)
    return next(iter(found), Decimal(0))


def _home(bot: Bot) -> Pocket:
    """Where the money of the bot's account is that no bot has."""
    return Pocket.OUTSIDE if bot.account.is_real else Pocket.FREE


def _take(bot: Bot, currency: str, amount: Decimal, left: Left) -> None:
    if not bot.account.is_real:
        _free(user_id=bot.user_id, account_id=bot.account_id, currency=currency, change=-amount)
    elif amount > (free := (left or {}).get(currency, Decimal(0))):
        raise NotEnough(free=free, asked=amount, currency=currency)


def _give(bot: Bot, currency: str, amount: Decimal) -> None:
    if not bot.account.is_real:
        _free(user_id=bot.user_id, account_id=bot.account_id, currency=currency, change=amount)


def _free(*, user_id: UUID, account_id: UUID, currency: str, change: Decimal) -> None:
    """Change free money by compare and set, so two bots never spend the same money."""
    for _ in range(TRIES_MAX):
        row, _made = Balance.objects.get_or_create(
            account_id=account_id, currency=currency, defaults={"user_id": user_id}
        )
        if row.free + change < 0:
            raise NotEnough(free=row.free, asked=-change, currency=currency)
        if Balance.objects.filter(pk=row.pk, free=row.free).update(free=row.free + change):
            return
    raise LostRace(f"balance of {currency}")


def _pocket(*, bot: Bot, quote: Decimal) -> None:
    moved = Bot.objects.filter(pk=bot.pk, cash=bot.cash, funded=bot.funded).update(
        cash=bot.cash + quote, funded=bot.funded + quote, events=F("events") + 1
    )
    _must(moved)
    bot.cash += quote
    bot.funded += quote


def _must(moved: int) -> None:
    if not moved:
        raise LostRace("the bot's money moved meanwhile")


def _entry(
    bot: Bot,
    currency: str,
    amount: Decimal,
    *,
    debit: Pocket,
    credit: Pocket,
    purpose: Purpose,
    now: datetime,
) -> None:
    LedgerEntry.objects.create(
        user_id=bot.user_id,
        account_id=bot.account_id,
        bot=bot,
        debit=debit,
        credit=credit,
        currency=currency,
        amount=amount,
        purpose=purpose,
        at=now,
    )
