"""How open pages learn of a change: numbered fragments for a user, prices for a market.

A message is a hint and may be lost. Each delivery raises the user's number, so a page that missed
one sees the gap and fetches its parts again; the truth is only ever in the rows.
"""

import logging
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.core.cache import cache
from django.utils.html import format_html
from redis.exceptions import RedisError

from accounts.models import User
from activity.models import Delivery, LiveCursor, Topic
from activity.queries import live_sequence, waiting_rows
from bots.templatetags.figures import price
from orders.gateways.base import Exchanges
from orders.matching import Quote
from orders.queries import latest_markets
from orders.rules import Market

WATCHED_FOR_S = 150
NUMBERING_TRIES_MAX = 5
# A channel holds 100 messages; beyond half of that a page is quicker by fetching its parts anew.
FRAGMENTS_MAX = 50
NUMBER_PLACE = 'data-seq="__SEQ__"'
NEWS = f'<i id="activity-news" {NUMBER_PLACE} hx-swap-oob="true" hidden></i>'
LAYER_DOWN = (OSError, RedisError)

log = logging.getLogger(__name__)

Topics = Sequence[tuple[str, UUID | None]]


class Render(Protocol):
    """Makes the fragments of what changed: each one root element that contains `NUMBER_PLACE`."""

    def __call__(self, *, user: User, topics: Topics, exchanges: Exchanges, now: datetime) -> list[str]: ...


def user_group(user_id: UUID) -> str:
    return f"user.{user_id.hex}"


def market_group(exchange: str, ticker: str) -> str:
    return f"market.{_word(exchange)}.{_word(ticker)}"


def _word(name: str) -> str:
    """A name as groups and ids may hold it."""
    return re.sub(r"[^A-Za-z0-9]", "-", name)


def send_to(group: str, messages: Iterable[dict[str, Any]]) -> None:
    """Raises one of `LAYER_DOWN` when nobody can be told now."""

    async def send_all() -> None:
        layer = get_channel_layer()
        for message in messages:
            await layer.group_send(group, message)

    async_to_sync(send_all)()


def publish_part(user_id: UUID, fragment: str) -> None:
    """Show a part that changes all the time on the user's pages. Lossy: the next one says more."""
    if not cache.get(watch_key(user_id)):
        return
    try:
        send_to(user_group(user_id), [{"type": "live.part", "text": fragment}])
    except LAYER_DOWN as fault:
        log.warning("publish_part.lost", extra={"user_id": str(user_id), "fault": str(fault)})


def watch_key(user_id: UUID) -> str:
    """Kept in the cache while one of the user's pages is open."""
    return f"live.watched.{user_id.hex}"


def deliver_to(*, user: User, render: Render | None, exchanges: Exchanges, now: datetime) -> int:
    """Tell the user's pages what waits for them; returns how many fragments were sent.

    Without `render`, or when no page seems open, only the new number is told: a page that is there
    after all fetches its parts. The number is taken after rendering, and only if nobody took one
    meanwhile, so a higher number never carries an older look.
    """
    rows = waiting_rows(user.pk)
    if not rows:
        return 0
    topics = topics_of(rows)
    for _ in range(NUMBERING_TRIES_MAX):
        before = live_sequence(user.pk)
        fragments = _rendered(user, topics, render, exchanges, now)
        # Only the number is told: to a page that is open, it is a gap.
        length = len(fragments) or 1
        if _advance(user.pk, before, length):
            _send(user.pk, before, fragments, topics)
            Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(delivered_at=now)
            return len(fragments)
    return 0  # the rows still wait, for the next sweep


def topics_of(rows: Iterable[Delivery]) -> Topics:
    """What changed, each thing once, in the order it changed first."""
    return list(dict.fromkeys((row.topic, row.bot_id or row.subject) for row in rows))


def _rendered(
    user: User, topics: Topics, render: Render | None, exchanges: Exchanges, now: datetime
) -> list[str]:
    if render is None or not cache.get(watch_key(user.pk)):
        return []
    fragments = render(user=user, topics=topics, exchanges=exchanges, now=now)
    if any(topic == Topic.ACTIVITY for topic, _ in topics):
        fragments = [*fragments, NEWS]
    if any(NUMBER_PLACE not in fragment for fragment in fragments):
        raise ValueError(f"a fragment has no place for its number, {NUMBER_PLACE}")
    return fragments if len(fragments) <= FRAGMENTS_MAX else []


def _advance(user_id: UUID, before: int, count: int) -> bool:
    LiveCursor.objects.get_or_create(user_id=user_id)
    held = LiveCursor.objects.filter(user_id=user_id, sequence=before)
    return bool(held.update(sequence=before + count))


def _send(user_id: UUID, before: int, fragments: Sequence[str], topics: Topics) -> None:
    if not fragments:
        send_to(user_group(user_id), [{"type": "live.latest", "sequence": before + 1}])
        return
    bots = sorted({str(bot_id) for topic, bot_id in topics if topic == Topic.BOT})
    messages = [
        {
            "type": "live.fragment",
            "text": fragment.replace(NUMBER_PLACE, f'data-seq="{number}"', 1),
            "bots": bots,
        }
        for number, fragment in enumerate(fragments, start=before + 1)
    ]
    send_to(user_group(user_id), messages)


@lru_cache(maxsize=4096)
def _rules(exchange: str, ticker: str) -> Market:
    """Kept, since a tick hardly ever changes. Raises KeyError for a market never loaded."""
    return latest_markets({(exchange, ticker)})[exchange, ticker].rules()


def price_fragment(exchange: str, ticker: str, quote: Quote) -> str:
    """The last price, as it stands in a page; it carries no number."""
    return format_html(
        '<span class="price" id="price-{}-{}" data-price="{}" data-at="{}" hx-swap-oob="true">{}</span>',
        _word(exchange),
        _word(ticker),
        f"{quote.last.normalize():f}",
        quote.at,
        price(quote.last, _rules(exchange, ticker)),
    )
