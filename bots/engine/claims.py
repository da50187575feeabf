"""Who may act for a bot: leases with an epoch, taken by one conditional update.

Database time drives them. Whoever lost a lease finds out at its next write, which names the token.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from bots.models import Bot, BotStatus
from bots.queries import taken_in_order
from orders.models import Order, SimulatedMarket
from orders.states import LIVE, OrderStatus

LEASE_S = 30
# What is due later than anything we ever wait for was written before the clock was set back.
AHEAD_MAX_S = 120
BOTS_PER_TURN_MAX = 100


def claim(ids: Collection[UUID]) -> tuple[UUID, list[UUID]]:
    """Take the lease of those bots that nobody holds; returns the token and whose lease it is."""
    token = uuid4()
    free = unheld()
    with transaction.atomic():
        mine = taken_in_order(Bot.objects.filter(free, pk__in=list(ids)[:BOTS_PER_TURN_MAX]))
        Bot.objects.filter(free, pk__in=mine).update(
            lease_token=token, lease_until=Now() + timedelta(seconds=LEASE_S), epoch=F("epoch") + 1
        )
    return token, mine


def unheld() -> Q:
    """Bots whose lease nobody holds, or nobody can hold any more."""
    return Q(lease_token__isnull=True) | passed("lease_until")


def passed(name: str) -> Q:
    """Rows whose moment `name` is over, or so far ahead that the clock must have been set back since."""
    ahead = Now() + timedelta(seconds=AHEAD_MAX_S)
    return Q(**{f"{name}__lte": Now()}) | Q(**{f"{name}__gt": ahead})


def renew(token: UUID) -> None:
    with transaction.atomic():
        held = taken_in_order(Bot.objects.filter(lease_token=token))
        Bot.objects.filter(pk__in=held).update(lease_until=Now() + timedelta(seconds=LEASE_S))


@dataclass(slots=True)
class Hold:
    """The leases under one token; they last until `since_s` (monotonic) + `LEASE_S` at least. This spares
    writes, and is no guard: each write under a lease asks the database whether it holds."""

    token: UUID
    since_s: float
    clock: Callable[[], float] = monotonic

    def keep(self) -> None:
        """Renew them when half of their time is over."""
        now_s = self.clock()
        if now_s - self.since_s > LEASE_S / 2:
            renew(self.token)
            self.since_s = now_s


def release(token: UUID) -> None:
    with transaction.atomic():
        held = taken_in_order(Bot.objects.filter(lease_token=token))
        Bot.objects.filter(pk__in=held).update(lease_token=None, lease_until=None)


def release_all_leases() -> int:
    """For the start of the one process there is: whoever held a lease, on a market too, is dead."""
    SimulatedMarket.objects.filter(owner_token__isnull=False).update(owner_token=None, owner_until=None)
    return Bot.objects.filter(lease_token__isnull=False).update(lease_token=None, lease_until=None)


def unfinished_orders() -> QuerySet[Order]:
    """Orders that some turn must still deal with: unsent, unproven, asked to end, or to be looked at; and
    those whose fees are not told yet, however they have ended."""
    return Order.objects.filter(
        Q(status__in=[OrderStatus.PLANNED, OrderStatus.SENDING])
        | Q(status=OrderStatus.UNKNOWN, look_again_at__isnull=True)
        | Q(passed("look_again_at"), status__in=[OrderStatus.UNKNOWN, OrderStatus.OPEN])
        | Q(status=OrderStatus.NOT_PLACED, look_again_at__lte=Now())
        | Q(status=OrderStatus.OPEN, cancel_requested_at__isnull=False)
        | Q(fee_look_at__lte=Now())
    )


def with_idle_cash() -> Q:
    """Stopped bots whose money nothing reserves any more: it belongs back in the account."""
    resting = Order.objects.filter(bot=OuterRef("pk"), status__in=sorted(LIVE))
    return Q(~Exists(resting), status=BotStatus.STOPPED, cash__gt=0, hidden_at__isnull=True)


def with_news() -> Q:
    """Bots that have something to look at which no committed decision has seen."""
    return Q(status=BotStatus.ACTIVE, events__gt=F("events_seen"))


def rested() -> Q:
    """Bots whose pause after a failure is over, or that have none."""
    return Q(retry_at__isnull=True) | passed("retry_at")


def still_news(ids: Collection[UUID]) -> list[UUID]:
    """Those of `ids` that have something to look at now."""
    return list(
        Bot.objects.filter(with_news(), rested(), pk__in=ids).order_by("id").values_list("pk", flat=True)
    )


def due_ids(limit: int = 1000) -> list[UUID]:
    """Bots that need a turn now and that nobody is working on, the longest waiting first."""
    free = unheld()
    unfinished = Exists(unfinished_orders().filter(bot=OuterRef("pk")))
    found = Bot.objects.filter(free, with_news() & rested() | Q(unfinished) | with_idle_cash()).order_by(
        "updated_at"
    )
    return list(found.values_list("pk", flat=True)[:limit])


def market_is_quiet(exchange: str, ticker: str) -> bool:
    """Whether every bot and order touched so far is committed: the simulated clock may move."""
    if Bot.objects.filter(with_news(), exchange=exchange, ticker=ticker).exists():
        return False
    restless = Q(status__in=[OrderStatus.PLANNED, OrderStatus.SENDING, OrderStatus.UNKNOWN])
    ending = Q(status=OrderStatus.OPEN, cancel_requested_at__isnull=False)
    return not Order.objects.filter(restless | ending, exchange=exchange, ticker=ticker).exists()
