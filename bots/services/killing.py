"""The kill switch: who may press and release it, for what, and how far.

A press is one short transaction behind the gate of `orders.switches`; its commit is the cut. What
follows from it is `sweeping`'s.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from unicodedata import category

from django.db import transaction
from django.db.models import F, Q

from accounts.models import User
from activity.models import Severity
from bots.models import Bot, BotStatus, KillSwitch, Level, Scope
from bots.models.switch import WHY_MAX
from bots.queries import taken_in_order
from bots.services.asked import refused
from bots.services.sweeping import carry_out, tell
from orders.models import Market
from orders.switches import bots_under, close_gate, in_force, said, switches_over


@dataclass(frozen=True, slots=True)
class Target:
    """What a switch is pressed for: one bot, one market, one person's bots, or all there are.

    A market is one person's, or everybody's where `user` is None.
    """

    scope: Scope
    user: User | None = None
    bot: Bot | None = None
    exchange: str = ""
    ticker: str = ""


def switch_press(
    *, target: Target, level: Level, by: User | None, now: datetime, why: str = ""
) -> KillSwitch:
    """In force from its commit on. Pressing it again raises its level, or changes nothing.

    `by` None: an operator at a terminal. Raises `ServiceRefused`.
    """
    _check(target, by)
    why = _checked_why(why)
    with transaction.atomic():
        close_gate()
        if level == Level.FLATTEN:
            _check_nothing_wider_cancels(target)
            _raise_narrower(target, by)
        switch = _pressed(target, level, by, why, now)
    carry_out(switch=switch, now=now)
    return KillSwitch.objects.get(pk=switch.pk)


def switch_release(*, switch: KillSwitch, by: User | None, now: datetime) -> None:
    """Out of force: its bots look again at once. What it cancelled, sold or told to stop stays so.

    Releasing twice changes nothing. Raises `ServiceRefused` for who may not.
    """
    if not may_release(switch, by):
        why = "An operator has pressed this kill switch; an operator alone releases it."
        raise refused("not_allowed", "switch", why)
    with transaction.atomic():
        held = KillSwitch.objects.filter(pk=switch.pk, released_at__isnull=True)
        if not held.update(released_at=now, released_by=by):
            return
        ids = taken_in_order(bots_under(switch).filter(status=BotStatus.ACTIVE))
        Bot.objects.filter(pk__in=ids).update(events=F("events") + 1)
        tell(switch, f"The kill switch for {switch.name} was released.", Severity.INFO, now)


def may_release(switch: KillSwitch, by: User | None) -> bool:
    """Its owner, if they pressed it themselves; and every operator."""
    return _is_operator(by) or (by is not None and switch.user_id == by.pk and not switch.is_operators)


def refuse_if_switched_off(bot: Bot) -> None:
    """Raises `ServiceRefused`, with a sentence that names the switch, if one is over the bot."""
    switch = switches_over(bot).select_related("bot").order_by("pressed_at").first()
    if switch is not None:
        fix = "An operator releases it." if switch.is_operators else "Release it first."
        raise refused("kill_switch", "name", f"{bot.name} may open nothing now. {said(switch)} {fix}")


def _is_operator(by: User | None) -> bool:
    return by is None or (by.is_staff and by.is_active)


def _check(target: Target, by: User | None) -> None:
    own = by is not None and target.user is not None and target.user.pk == by.pk
    if not own and not _is_operator(by):
        raise refused("not_allowed", "target", "You may stop your own bots only; ask an operator.")
    if target.bot is not None and (target.user is None or target.bot.user_id != target.user.pk):
        raise refused("target", "target", "The bot is another person's.")
    known = Market.objects.filter(exchange=target.exchange, ticker=target.ticker)
    if target.scope == Scope.MARKET and not known.exists():
        raise refused("unknown_market", "target", f"{target.ticker} is not traded on {target.exchange}.")


def _checked_why(why: str) -> str:
    why = why.strip()
    if len(why) > WHY_MAX or any(category(character) == "Cc" for character in why):
        raise refused("why", "why", f"Why must be one line of at most {WHY_MAX} characters.")
    return why


def _named(target: Target) -> Q:
    """The switches for exactly this."""
    market = Q(exchange=target.exchange, ticker=target.ticker)
    return Q(market, scope=target.scope, user=target.user, bot=target.bot)


def _check_nothing_wider_cancels(target: Target) -> None:
    """A sale that something else holds up would be promised and not made."""
    place = target.bot or target
    wider = Q(scope=Scope.SYSTEM) | Q(scope=Scope.USER, user=target.user)
    market = Q(scope=Scope.MARKET, exchange=place.exchange, ticker=place.ticker)
    wider |= market & (Q(user__isnull=True) | Q(user=target.user))
    switch = in_force().filter(wider, level=Level.CANCEL).exclude(_named(target)).first()
    if switch is not None:
        further = Level.FLATTEN.label
        message = (
            f"The kill switch for {switch.name} lets no sale out; raise it to “{further}”, or release it."
        )
        raise refused("wider", "level", message, Level.CANCEL)


def _raise_narrower(target: Target, by: User | None) -> None:
    """Who sells all of a market or a person sells what they had cancelled in it before."""
    inside: dict[Scope, Q] = {
        Scope.SYSTEM: Q(),
        Scope.USER: Q(user=target.user),
        Scope.MARKET: Q(exchange=target.exchange, ticker=target.ticker)
        | Q(bot__exchange=target.exchange, bot__ticker=target.ticker),
    }
    if target.scope not in inside:
        return
    whose = Q() if target.user is None else Q(user=target.user)
    narrower = in_force().filter(inside[target.scope], whose, level=Level.CANCEL).exclude(_named(target))
    _raise([switch for switch in narrower if may_release(switch, by)], Level.FLATTEN)


def _pressed(target: Target, level: Level, by: User | None, why: str, now: datetime) -> KillSwitch:
    switch = in_force().select_related("bot").filter(_named(target)).first()
    if switch is None:
        return KillSwitch.objects.create(
            scope=target.scope,
            user=target.user,
            bot=target.bot,
            exchange=target.exchange,
            ticker=target.ticker,
            level=level,
            why=why,
            pressed_by=by,
            pressed_at=now,
        )
    held = Level(switch.level)
    if level.strength < held.strength:
        message = f"The kill switch for {switch.name} is on, and stronger: {held.label}; release it first."
        raise refused("lower", "level", message, held)
    # What another presses than its owner is the operators' from then on.
    presser = switch.pressed_by if by is not None and by.pk == switch.user_id else by
    KillSwitch.objects.filter(pk=switch.pk).update(pressed_by=presser, why=why or switch.why)
    if level != held:
        _raise([switch], level)
    return switch


def _raise(switches: Iterable[KillSwitch], level: Level) -> None:
    rows = KillSwitch.objects.filter(pk__in=[switch.pk for switch in switches])
    rows.update(level=level, carried_out_at=None, verified_at=None)
