"""A bot's own row: its journal, its settings' versions, its deal, its lease; and whose rows they are."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from django.db.models import F, Model, Q

from activity.models import ActivityLog, Delivery
from bots.models import Bot, BotCommand, BotSettings, Deal, Decision, EquityPoint
from orders.invariants.books import Books, Breach
from orders.models import Balance, LedgerEntry, Order, Trade

ROWS_NAMED_MAX = 20
OF_BOT: tuple[type[Model], ...] = (
    BotSettings,
    Decision,
    BotCommand,
    Deal,
    EquityPoint,
    Order,
    Trade,
    LedgerEntry,
    ActivityLog,
    Delivery,
)


def journal_whole(books: Books) -> Iterator[Breach]:
    """I19: decisions are numbered without a gap up to the bot's count (old ones may be gone), each
    under settings that are still there; versions are numbered from 1."""
    bot, numbers = books.bot, [step.number for step in books.journal]
    for number, following in pairwise([*numbers, bot.decisions_made + 1]):
        if following != number + 1:
            yield books.breach("I19", f"after decision {number} comes {following}, of {bot.decisions_made}")
    if bot.decisions_made and not numbers:
        yield books.breach("I19", f"has made {bot.decisions_made} decisions and none is there")
    if books.versions != list(range(1, bot.settings_version + 1)):
        yield books.breach("I19", f"settings version {bot.settings_version}, there are {books.versions}")
    unknown = {step.settings_version for step in books.journal} | {bot.settings_in_use}
    for version in sorted(unknown - set(books.versions)):
        yield books.breach("I19", f"settings version {version} was used and is not there")


def lease_whole(books: Books) -> Iterator[Breach]:
    """I5, I20: a lease has an end, and the epoch of decisions only rises, up to the bot's."""
    bot = books.bot
    if (bot.lease_token is None) != (bot.lease_until is None):
        yield books.breach("I20", f"its lease is {bot.lease_token} until {bot.lease_until}")
    epochs = [step.epoch for step in books.journal]
    for earlier, later in pairwise([*epochs, bot.epoch]):
        if later < earlier:
            yield books.breach("I5", f"epoch {later} comes after epoch {earlier}")


def deal_fits(books: Books) -> Iterator[Breach]:
    """One deal is open while the bot is in one, and none while it is not."""
    bot, still_open = books.bot, [deal for deal in books.deals if deal.closed_at is None]
    if len(still_open) > 1:
        yield books.breach("DEAL", f"{len(still_open)} deals are open")
    elif bool(still_open) != (bot.deal_number is not None):
        row = f"deal {still_open[0].number} is open" if still_open else "no deal is open"
        yield books.breach("DEAL", f"says that its deal is {bot.deal_number}, but {row}")
    numbers = [deal.number for deal in books.deals]
    if numbers != list(range(1, len(numbers) + 1)):
        yield books.breach("DEAL", f"its deals are numbered {numbers}")
    for deal in books.deals:
        if deal.closed_at is not None and deal.closed_at < deal.opened_at:
            yield books.breach("DEAL", f"deal {deal.number} was closed before it was opened")


def news_counted(books: Books) -> Iterator[Breach]:
    """I21: nothing counts as seen that has not happened."""
    bot = books.bot
    if bot.events_seen > bot.events:
        yield books.breach("I21", f"has seen {bot.events_seen} events of {bot.events}")
    if bot.trades_seen > bot.total_trades:
        yield books.breach("I21", f"has seen {bot.trades_seen} trades of {bot.total_trades}")


def on_its_account(books: Books) -> Iterator[Breach]:
    """S2: the account is the user's own and where the bot trades, and its orders go nowhere else."""
    bot = books.bot
    if bot.account.user_id != bot.user_id or bot.account.place != bot.exchange:
        yield books.breach("S2", f"trades on {bot.exchange} with {bot.account} of user {bot.account.user_id}")
    for order in books.orders:
        if order.account_id != bot.account_id:
            yield books.breach("S2", "is on another account than its bot", order)
        if (order.exchange, order.ticker) != (bot.exchange, bot.ticker):
            yield books.breach("S2", f"is for {order.ticker} on {order.exchange}", order)


def owners_agree(counted: Counter[str]) -> Iterator[Breach]:
    """S1: each row belongs to the user of its bot, each balance to that of its account."""
    for model in OF_BOT:
        yield from _strangers(model, "bot")
    yield from _strangers(Balance, "account")
    yield from _strangers(Bot, "account")
    counted["tables for their owners"] += len(OF_BOT) + 2


def _strangers(model: type[Model], parent: str) -> Iterator[Breach]:
    strange = ~Q(user_id=F(f"{parent}__user_id")) & Q(**{f"{parent}__isnull": False})
    for pk in model._default_manager.filter(strange).values_list("pk", flat=True)[:ROWS_NAMED_MAX]:
        name = model._meta.verbose_name
        yield Breach("S1", f"{name} {pk}", f"belongs to another user than its {parent}")
