"""What follows from a kill switch: planned orders abandoned, resting ones cancelled, coins sold.

Written right after a press, and made good by every sweep until it is released: whatever died in
between, or was on its way at the cut, is found then.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from activity import journal
from activity.models import Severity
from bots.models import Bot, BotCommand, BotStatus, KillSwitch, Level, Phase, StopRequest
from bots.queries import taken_in_order
from bots.strategies.base import CommandKind
from orders.models import Order
from orders.services import cancel_request, order_abandon
from orders.states import OrderStatus
from orders.switches import bots_under, in_force, let_out_by, may_rest, said


def switches_sweep(*, now: datetime) -> None:
    """Make every switch in force true, and note whether all is quiet under it."""
    for switch in in_force().select_related("bot").order_by("pressed_at"):
        if switch.carried_out_at is None:
            carry_out(switch=switch, now=now)
        else:
            _make_so(switch, now)
        _verify(switch, now)


def carry_out(*, switch: KillSwitch, now: datetime) -> None:
    """Write all that follows from a press; doing so again changes nothing."""
    switch = KillSwitch.objects.select_related("bot").get(pk=switch.pk)
    if switch.released_at is not None or switch.carried_out_at is not None:
        return
    _make_so(switch, now)
    with transaction.atomic():
        waiting = KillSwitch.objects.filter(pk=switch.pk, level=switch.level, released_at__isnull=True)
        if waiting.filter(carried_out_at__isnull=True).update(carried_out_at=now):
            if switch.level == Level.FLATTEN:
                _wake_holders(switch, now)
            tell(switch, f"Kill switch pressed. {said(switch)}", Severity.WARNING, now)


def resting_under(switch: KillSwitch) -> QuerySet[Order]:
    """What may still rest on an exchange."""
    return Order.objects.filter(may_rest(), bot__in=bots_under(switch))


def selling_under(switch: KillSwitch) -> QuerySet[Bot]:
    """Under flatten: the bots that have not ended yet."""
    running = bots_under(switch).filter(status=BotStatus.ACTIVE)
    return running if switch.level == Level.FLATTEN else running.none()


def tell(switch: KillSwitch, message: str, level: Severity, now: datetime) -> None:
    """Everybody whose bots are under it, once each; and their pages, of those that run."""
    shown = bots_under(switch).filter(hidden_at__isnull=True)
    people = {switch.user_id} if switch.user_id else set(shown.values_list("user_id", flat=True))
    journal.write(
        journal.entry(user_id=user_id, bot_id=switch.bot_id, level=level, message=message, now=now)
        for user_id in sorted(people)
    )
    running = shown.filter(status=BotStatus.ACTIVE)
    journal.changed(running.values_list("user_id", "pk"), now=now)


def _make_so(switch: KillSwitch, now: datetime) -> None:
    _abandon_planned(switch, now)
    if switch.level == Level.BLOCK:
        return
    with transaction.atomic():
        # An order that somebody writes this moment is passed over, for the next sweep: whoever takes
        # many must not wait for one of them.
        found = resting_under(switch).filter(cancel_requested_at__isnull=True)
        resting = found.exclude(let_out_by(switch.level)).select_for_update(skip_locked=True)
        cancel_request(orders=list(resting.only("pk")), now=now)
    if switch.level == Level.FLATTEN:
        with transaction.atomic():
            running = selling_under(switch).exclude(stop_request=StopRequest.CANCEL_AND_SELL)
            _sell(taken_in_order(running))


def _abandon_planned(switch: KillSwitch, now: datetime) -> None:
    """One by one, and passing over what a turn writes this moment: it may hold the bot and wait for the
    order, or the other way round. One that is being planned now is stopped when it is to be claimed."""
    planned = Order.objects.filter(status=OrderStatus.PLANNED, bot__in=bots_under(switch))
    for order in planned.exclude(let_out_by(switch.level)).order_by("pk"):
        with transaction.atomic():
            still_planned = Order.objects.filter(pk=order.pk, status=OrderStatus.PLANNED)
            if _untouched(Bot.objects.filter(pk=order.bot_id)) and _untouched(still_planned):
                order_abandon(order=order, why=said(switch), now=now)


def _untouched(row: QuerySet[Bot] | QuerySet[Order]) -> bool:
    """Whether it is there and nobody is writing it; then it is ours until the commit."""
    return bool(row.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True))


def _sell(ids: Sequence[UUID]) -> None:
    Bot.objects.filter(pk__in=ids).update(
        status=BotStatus.ACTIVE,
        stop_request=StopRequest.CANCEL_AND_SELL,
        phase=Phase.CLOSING,
        phase_why="",
        failures=0,
        retry_at=None,
        events=F("events") + 1,
    )


def _wake_holders(switch: KillSwitch, now: datetime) -> None:
    """Bots that do not run and hold coins run once more, to sell them. One that cannot is in error again,
    and is not asked a second time."""
    held = bots_under(switch).filter(position_amount__gt=0, hidden_at__isnull=True)
    ids = taken_in_order(held.exclude(status=BotStatus.ACTIVE))
    _sell(ids)
    # What had ended it, such as a limit on its losses, must not end it before it has sold.
    BotCommand.objects.bulk_create(
        BotCommand(user_id=bot.user_id, bot=bot, kind=CommandKind.RESTART, made_at=now)
        for bot in Bot.objects.filter(pk__in=ids, memory__isnull=False)
    )


def _verify(switch: KillSwitch, now: datetime) -> None:
    """An order's row ends only by its exchange's own word, so the rows tell what rests there."""
    if switch.level == Level.BLOCK:
        return
    quiet = not resting_under(switch).exists() and not selling_under(switch).exists()
    with transaction.atomic():
        held = KillSwitch.objects.filter(pk=switch.pk, level=switch.level, released_at__isnull=True)
        if not quiet:
            held.filter(verified_at__isnull=False).update(verified_at=None)
        elif held.filter(verified_at__isnull=True, carried_out_at__isnull=False).update(verified_at=now):
            tell(switch, f"Under the kill switch for {switch.name} nothing rests.", Severity.SUCCESS, now)
