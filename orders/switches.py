"""What a kill switch lets out, and the cut: once a press is committed, no order is claimed against it.

A sure shortage of an account is such a stop as well, of what is bought there.

A claim names the switch in its own UPDATE, which sees what was committed before it began. What is
still missing is a claim that began earlier and commits later; so every claim passes a gate that a
press closes: it waits for those that are through, and holds up the others until it is committed.
"""

from collections.abc import Iterable
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User
from bots.models import Bot, KillSwitch, Level, Mode, Scope, Shortage
from orders.models import Order
from orders.money import LostRace
from orders.rules import OrderKind, Side
from orders.states import LIVE, OrderStatus

# They fill or end at once, and never rest.
AT_ONCE = frozenset({OrderKind.MARKET, OrderKind.IOC})
REFUSAL_MAX = 300
# Any number that nothing else in the database is locked by.
GATE = 0x6B_69_6C_6C


class SwitchedOff(LostRace):
    """A kill switch does not let the order out; the sentence names the switch."""


def lets_out(level: str, side: str, kind: str) -> bool:
    """Whether an order may still be placed. Of several switches over a bot, all must let it out.

    block stops what opens or adds; spot and long only, that is every buy. cancel lets nothing out: a sell
    that would rest is what it has just cancelled. flatten lets out sells that cannot rest: the exits of
    bots that are told to sell.
    """
    if side != Side.SELL:
        return False
    return level == Level.BLOCK or (level == Level.FLATTEN and kind in AT_ONCE)


def pass_gate() -> None:
    """For a claim, first of all in its transaction: no press is being committed until it is."""
    _lock("pg_advisory_xact_lock_shared")


def close_gate() -> None:
    """For a press, first of all in its transaction: every claim is committed, or waits for this one."""
    _lock("pg_advisory_xact_lock")


def _lock(function: str) -> None:
    """SQLite has one writer at a time, whose reads are of its own moment: the gate is there already."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s)", [GATE])


def in_force() -> QuerySet[KillSwitch]:
    return KillSwitch.objects.filter(released_at__isnull=True)


def switches_over(thing: Bot | Order) -> QuerySet[KillSwitch]:
    """Those in force whose scope the bot, or the order's bot, is in."""
    bot_id = thing.pk if isinstance(thing, Bot) else thing.bot_id
    theirs = Q(user__isnull=True) | Q(user=thing.user_id)
    # The database keeps each scope to its own target: no other has a bot, or a market.
    over = Q(scope__in=[Scope.SYSTEM, Scope.USER]) | Q(bot=bot_id)
    return in_force().filter(theirs, over | Q(exchange=thing.exchange, ticker=thing.ticker))


def switches_of(user: User) -> QuerySet[KillSwitch]:
    """Those in force that stop some bot of theirs."""
    here = Bot.objects.filter(user=user, exchange=OuterRef("exchange"), ticker=OuterRef("ticker"))
    shared = Q(scope=Scope.MARKET, user__isnull=True) & Q(Exists(here))
    found = in_force().filter(Q(scope=Scope.SYSTEM) | Q(user=user) | shared)
    return found.select_related("bot").order_by("pressed_at", "pk")


def stopping(order: Order) -> QuerySet[KillSwitch]:
    """The switches that do not let this order out."""
    stops = [level for level in Level if not lets_out(level, order.side, order.kind)]
    return switches_over(order).filter(level__in=stops)


def sure_shortages() -> QuerySet[Shortage]:
    return Shortage.objects.filter(sure_at__isnull=False, ended_at__isnull=True)


def short_of(order: Order) -> QuerySet[Shortage]:
    """The shortages that do not let this order out: while money is missing nothing more is bought."""
    if order.side != Side.BUY:
        return Shortage.objects.none()
    return sure_shortages().filter(account=order.account_id, currency__in=order.ticker.split("/"))


def shortages_over(bots: Iterable[Bot]) -> dict[UUID, Shortage]:
    """The sure shortage over each of these bots that has one, in one read."""
    rows = [bot for bot in bots if bot.mode != Mode.PAPER]
    if not rows:
        return {}
    found = list(sure_shortages().filter(account__in={bot.account_id for bot in rows}).order_by("sure_at"))
    held = {}
    for bot in rows:
        for shortage in found:
            if shortage.account_id == bot.account_id and shortage.currency in (bot.base, bot.quote):
                held[bot.pk] = shortage
    return held


def said(switch: KillSwitch) -> str:
    """Names it, in a sentence that fits an order's refusal."""
    text = f"The kill switch for {switch.name} is on: {switch.get_level_display()}."
    text += f" Why: {switch.why}" if switch.why else ""
    return text if len(text) <= REFUSAL_MAX else text[: REFUSAL_MAX - 1] + "…"


def levels_over(bots: Iterable[Bot]) -> dict[UUID, list[str]]:
    """The levels of the switches over each of these bots, in one read."""
    rows = list(bots)
    found = list(in_force().filter(Q(user__isnull=True) | Q(user__in={bot.user_id for bot in rows})))
    return {bot.pk: [switch.level for switch in found if switch.reaches(bot)] for bot in rows}


def bots_under(switch: KillSwitch) -> QuerySet[Bot]:
    """Every bot in its scope, hidden ones too: an order of theirs would be one as well."""
    if switch.scope == Scope.BOT:
        return Bot.objects.filter(pk__in=[switch.bot_id])
    whose = Q() if switch.user_id is None else Q(user=switch.user_id)
    if switch.scope == Scope.MARKET:
        return Bot.objects.filter(whose, exchange=switch.exchange, ticker=switch.ticker)
    return Bot.objects.filter(whose)


def let_out_by(level: str) -> Q:
    """The orders that a switch of this level lets out."""
    ways = [(side, kind) for side in Side for kind in OrderKind if lets_out(level, side, kind)]
    found = Q(pk__in=[])
    for side, kind in ways:
        found |= Q(side=side, kind=kind)
    return found


def may_rest() -> Q:
    """Orders that rest on an exchange as far as anybody knows, one that came back from the dead too."""
    returned = Q(status=OrderStatus.NOT_PLACED, exchange_order_id__isnull=False, look_again_at__isnull=False)
    return Q(status__in=sorted(LIVE)) | returned
