"""A bot whose turn fails: tried again later and later, then set aside until its user looks."""

from datetime import datetime, timedelta

from django.db import transaction

from activity import journal
from activity.models import Severity
from bots.models import Bot, BotStatus

TRIES = 3
WAIT_S = 5


def bot_failed(*, bot: Bot, why: str, now: datetime) -> None:
    """Count the failure. The third in a row sets the bot to ERROR; its orders stay as they are."""
    failures = bot.failures + 1
    last = failures >= TRIES
    fields = {"failures": failures, "retry_at": now + timedelta(seconds=WAIT_S * 2**bot.failures)}
    with transaction.atomic():
        row = Bot.objects.filter(pk=bot.pk, epoch=bot.epoch, status=BotStatus.ACTIVE)
        if last:
            fields |= {"status": BotStatus.ERROR, "phase_why": why[:300], "retry_at": None}
        if row.update(**fields):
            message = f"Stopped on an error: {why}" if last else f"Failed, and tries again: {why}"
            level = Severity.ERROR if last else Severity.WARNING
            journal.say(user_id=bot.user_id, bot_id=bot.pk, level=level, message=message, now=now)
            journal.changed([(bot.user_id, bot.pk)], now=now)
