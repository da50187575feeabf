"""Reads of activity and of the outbox. What a person may see starts at their own rows."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import User
from activity.models import ActivityLog, Delivery, LiveCursor
from bots.queries import bots_of

PAGE_ROWS = 50
WAITING_USERS_MAX = 2000
ROWS_PER_DELIVERY_MAX = 1000


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """Newest first; `older` is the row the next page goes on behind, None on the last one."""

    rows: list[ActivityLog]
    older: int | None


def activity_of(user: User) -> QuerySet[ActivityLog]:
    return ActivityLog.objects.filter(user=user).order_by("-timestamp", "-pk")


def page_of(activity: QuerySet[ActivityLog], behind: ActivityLog | None) -> ActivityPage:
    """Up to `PAGE_ROWS` rows that come after `behind` in the order of `activity_of`."""
    if behind is not None:
        same_moment = Q(timestamp=behind.timestamp, pk__lt=behind.pk)
        activity = activity.filter(Q(timestamp__lt=behind.timestamp) | same_moment)
    found = list(activity.select_related("bot")[: PAGE_ROWS + 1])
    rows = found[:PAGE_ROWS]
    return ActivityPage(rows, rows[-1].pk if len(found) > PAGE_ROWS else None)


def live_sequence(user_id: UUID) -> int:
    """The number of the last fragment the user's pages were sent; read it before rendering a page."""
    return LiveCursor.objects.filter(user_id=user_id).values_list("sequence", flat=True).first() or 0


def waiting_users() -> list[UUID]:
    """Whose pages have not been told of a change yet."""
    waiting = Delivery.objects.filter(delivered_at__isnull=True).order_by()
    return list(waiting.values_list("user_id", flat=True).distinct()[:WAITING_USERS_MAX])


def waiting_rows(user_id: UUID) -> list[Delivery]:
    waiting = Delivery.objects.filter(user_id=user_id, delivered_at__isnull=True)
    return list(waiting.order_by("pk")[:ROWS_PER_DELIVERY_MAX])


def told_before(moment: datetime, *, limit: int) -> list[int]:
    """Of the `limit` oldest rows of the outbox, those delivered before `moment`."""
    oldest = Delivery.objects.order_by("pk").values_list("pk", "delivered_at")[:limit]
    return [pk for pk, delivered_at in oldest if delivered_at is not None and delivered_at < moment]


def markets_followed(user: User) -> tuple[set[UUID], set[tuple[str, str]]]:
    """The user's bots, and the (exchange, ticker) of each market they trade on."""
    rows = list(bots_of(user).values_list("pk", "exchange", "ticker"))
    return {pk for pk, _, _ in rows}, {(exchange, ticker) for _, exchange, ticker in rows}
