"""What the invariants are checked on: a bot's row with all that must agree with it, read set-wise."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from bots.models import Bot, BotSettings, Deal, Decision
from orders.accounting import Pocket, Purpose
from orders.models import LedgerEntry, Order, Trade
from orders.models.order import UNCOVERED
from orders.rules import ZERO
from orders.states import LIVE

BOTS_PER_READ = 50


@dataclass(frozen=True, slots=True)
class Breach:
    """An invariant that does not hold: its number in the list of invariants, where, and how."""

    code: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.code} {self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Step:
    """A journal row without its contents."""

    number: int
    epoch: int
    settings_version: int


@dataclass(slots=True)
class Books:
    """One bot and its rows. Trades are in the order of their numbers, entries as they were written."""

    bot: Bot
    orders: list[Order] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    journal: list[Step] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)

    @property
    def live(self) -> list[Order]:
        return [order for order in self.orders if order.status in LIVE]

    def trades_by_order(self) -> dict[UUID, list[Trade]]:
        grouped: dict[UUID, list[Trade]] = defaultdict(list)
        for trade in self.trades:
            grouped[trade.order_id].append(trade)
        return grouped

    def coin_moves(self) -> list[LedgerEntry]:
        """Coins that came into the pocket, or left it, other than by a trade."""
        return [row for row in self.entries if row.trade_id is None and row.currency == self.bot.base]

    def adopted(self) -> list[LedgerEntry]:
        """What a trade took beyond what the pocket held, and was brought in with it."""
        return [row for row in self.entries if row.purpose == Purpose.ADOPTED]

    def still_offered(self) -> list[Order]:
        """Live orders that what the bot holds must cover; those a fill has left uncovered are being ended."""
        return [
            order for order in self.live if not (order.cancel_requested_at and order.refusal == UNCOVERED)
        ]

    def breach(self, code: str, what: str, row: Order | Trade | None = None) -> Breach:
        noun = "order" if isinstance(row, Order) else "trade"
        of_row = f"{noun} {row.pk} of " if row else ""
        return Breach(code, f'{of_row}bot {self.bot.pk} "{self.bot.name}"', what)


def into_pocket(entries: Iterable[LedgerEntry], currency: str) -> Decimal:
    """What the entries leave in the bot's pocket, in `currency`."""
    total = ZERO
    for row in entries:
        if row.currency == currency:
            total += signed(row)
    return total


def signed(entry: LedgerEntry) -> Decimal:
    """The entry's amount as the bot's pocket feels it."""
    amount: Decimal = entry.amount
    if entry.debit == Pocket.BOT:
        return amount
    return -amount if entry.credit == Pocket.BOT else ZERO


def plain(value: Decimal) -> str:
    """A number for people: no zeros at its end."""
    return f"{value.normalize():f}"


def every_book(bots: QuerySet[Bot], counted: Counter[str]) -> Iterator[Books]:
    """The books of all `bots`, a chunk at a time; counts the rows read into `counted`."""
    ids = list(bots.order_by("id").values_list("pk", flat=True))
    for start in range(0, len(ids), BOTS_PER_READ):
        with one_moment():
            books = _read(ids[start : start + BOTS_PER_READ])
        for book in books:
            counted["bots"] += 1
            counted["orders"] += len(book.orders)
            counted["trades"] += len(book.trades)
            counted["ledger entries"] += len(book.entries)
            counted["decisions"] += len(book.journal)
            counted["deals"] += len(book.deals)
        yield from books


@contextmanager
def one_moment() -> Iterator[None]:
    """All reads within see the same moment, whatever trades meanwhile.

    SQLite's transactions are such by nature; an outer transaction is the caller's choice.
    """
    nested = connection.in_atomic_block
    with transaction.atomic():
        if connection.vendor == "postgresql" and not nested:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _read(ids: list[UUID]) -> list[Books]:
    bots = Bot.objects.select_related("account").filter(pk__in=ids).order_by("id")
    books = {bot.pk: Books(bot) for bot in bots}
    of_these = {"bot__in": ids}
    for order in Order.objects.filter(**of_these).select_related("market").order_by("planned_at", "id"):
        books[order.bot_id].orders.append(order)
    for trade in Trade.objects.filter(**of_these).order_by("number"):
        books[trade.bot_id].trades.append(trade)
    for entry in LedgerEntry.objects.filter(**of_these).order_by("id"):
        if entry.bot_id:
            books[entry.bot_id].entries.append(entry)
    for deal in Deal.objects.filter(**of_these).order_by("number"):
        books[deal.bot_id].deals.append(deal)
    steps = Decision.objects.filter(**of_these).order_by("number")
    for bot_id, *step in steps.values_list("bot_id", "number", "epoch", "settings_version"):
        books[bot_id].journal.append(Step(*step))
    versions = BotSettings.objects.filter(**of_these).order_by("version")
    for bot_id, version in versions.values_list("bot_id", "version"):
        books[bot_id].versions.append(version)
    return list(books.values())
