"""What happened, in words, and what still has to be told."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from bots.models import Bot
from tradingbot.db import SameOwner

MESSAGE_MAX = 500


class Severity(models.TextChoices):
    INFO = "INFO"
    SUCCESS = "SUCCESS"
    WARNING = "WARNING"
    ERROR = "ERROR"
    TELEGRAM = "TELEGRAM"


class ActivityLog(models.Model):
    """One sentence for the user; `timestamp` is when it was written."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    level = models.CharField(max_length=8, choices=Severity, default=Severity.INFO)
    message = models.CharField(max_length=MESSAGE_MAX)
    timestamp = models.DateTimeField()
    extra_data = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [SameOwner(column="bot_id", table="bots_bot", name="activity_of_users_bot")]
        indexes = [
            models.Index(fields=["user", "-timestamp"], name="activity_of_user"),
            models.Index(fields=["bot", "-timestamp"], name="activity_of_bot"),
        ]
        verbose_name_plural = "activity"

    def __str__(self) -> str:
        return self.message


class Topic(models.TextChoices):
    """What part of a page has changed."""

    BOT = "bot"
    ACTIVITY = "activity"
    SUMMARY = "summary"
    BACKTEST = "backtest"


class Delivery(models.Model):
    """The outbox: a row written with the change, gone once the user's pages were told.

    `subject` names the backtest that changed. It is no foreign key: a page must also be told of one
    that was deleted, and what it shows is read through the user's own door.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    topic = models.CharField(max_length=16, choices=Topic)
    subject = models.UUIDField(null=True, blank=True)
    made_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [SameOwner(column="bot_id", table="bots_bot", name="delivery_of_users_bot")]
        indexes = [
            models.Index(fields=["user"], condition=Q(delivered_at__isnull=True), name="delivery_waiting")
        ]
        verbose_name_plural = "deliveries"

    def __str__(self) -> str:
        return f"{self.topic} for {self.user_id}"


class LiveCursor(models.Model):
    """How many fragments a user's pages have been sent; the pages see a gap by it."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    sequence = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.sequence}"
