"""The only writer of activity and of the outbox; called inside the transaction of what happened."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from activity.models import MESSAGE_MAX, ActivityLog, Delivery, Severity, Topic


def entry(
    *,
    user_id: UUID,
    bot_id: UUID | None,
    level: Severity,
    message: str,
    now: datetime,
    extra: dict[str, Any] | None = None,
) -> ActivityLog:
    """One activity row, not yet saved, its message cut to what the column holds."""
    text = message if len(message) <= MESSAGE_MAX else message[: MESSAGE_MAX - 1] + "…"
    return ActivityLog(
        user_id=user_id, bot_id=bot_id, level=level, message=text, timestamp=now, extra_data=extra or {}
    )


def write(entries: Iterable[ActivityLog], also: Iterable[Delivery] = ()) -> None:
    """Save the entries, and put each user's pages down for an update; `also` is put down with them."""
    rows = ActivityLog.objects.bulk_create(list(entries))
    told = {(row.user_id, row.timestamp) for row in rows}
    told_of = [Delivery(user_id=user_id, topic=Topic.ACTIVITY, made_at=now) for user_id, now in told]
    Delivery.objects.bulk_create([*told_of, *also])


def say(
    *, user_id: UUID, bot_id: UUID | None, message: str, now: datetime, level: Severity = Severity.INFO
) -> None:
    write([entry(user_id=user_id, bot_id=bot_id, level=level, message=message, now=now)])


def changed(bots: Iterable[tuple[UUID, UUID]], *, now: datetime) -> None:
    """Put down for an update what pages show of these (user, bot) pairs."""
    Delivery.objects.bulk_create(changes(bots, now=now))


def changes(bots: Iterable[tuple[UUID, UUID]], *, now: datetime) -> list[Delivery]:
    """The same, not yet saved."""
    pairs = set(bots)
    rows = [Delivery(user_id=user, bot_id=bot, topic=Topic.BOT, made_at=now) for user, bot in pairs]
    users = {user for user, _ in pairs}
    return rows + [Delivery(user_id=user, topic=Topic.SUMMARY, made_at=now) for user in users]


def backtest_changed(*, user_id: UUID, backtest_id: UUID, now: datetime) -> None:
    """Put down for an update what pages show of this backtest."""
    Delivery.objects.create(user_id=user_id, subject=backtest_id, topic=Topic.BACKTEST, made_at=now)
