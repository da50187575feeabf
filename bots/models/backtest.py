"""A backtest as a job: what was asked, how far it is, and what came of it."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from bots.models.bot import Bot
from bots.states import FINISHED, BacktestStatus
from tradingbot.db import SameOwner, one_of

PROGRESS_WHOLE = 1000


class Backtest(models.Model):
    """One request of a user. The series is one of the candle store's, `since` ≤ open time < `until`.

    `terms` are strings and flags as `bots.backtest.request.Request` reads them. A RUNNING row has a
    lease, in database time, and one of the places there are: a unique index keeps more from running.
    `result` holds the sums that the child told, `rows_kept` how many rows of each kind there are.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    bot = models.ForeignKey(Bot, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=64)
    bot_type = models.CharField(max_length=16)
    values = models.JSONField()
    exchange = models.CharField(max_length=32)
    ticker = models.CharField(max_length=32)
    timeframe = models.CharField(max_length=4)
    since = models.DateTimeField()
    until = models.DateTimeField()
    terms = models.JSONField(default=dict)

    status = models.CharField(
        max_length=12,
        choices=[(one.value, one.value.replace("_", " ")) for one in BacktestStatus],
        default=BacktestStatus.QUEUED,
    )
    progress = models.PositiveSmallIntegerField(default=0, help_text="in thousandths")
    why = models.CharField(max_length=500, blank=True)
    problems = models.JSONField(default=list, blank=True)
    result = models.JSONField(null=True, blank=True)
    rows_kept = models.JSONField(default=dict, blank=True)

    attempts = models.PositiveSmallIntegerField(default=0)
    place = models.PositiveSmallIntegerField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "id"], name="backtest_owner"),
            SameOwner(column="bot_id", table="bots_bot", name="backtest_of_users_bot"),
            models.UniqueConstraint(fields=["place"], name="backtest_one_per_place"),
            models.CheckConstraint(
                condition=Q(progress__gte=0, progress__lte=PROGRESS_WHOLE), name="backtest_progress_bounds"
            ),
            models.CheckConstraint(condition=Q(since__lt=F("until")), name="backtest_period_forward"),
            models.CheckConstraint(
                condition=Q(status=BacktestStatus.DONE, result__isnull=False)
                | (~Q(status=BacktestStatus.DONE) & Q(result__isnull=True)),
                name="backtest_result_when_done",
            ),
            models.CheckConstraint(
                condition=Q(
                    status=BacktestStatus.RUNNING,
                    lease_token__isnull=False,
                    lease_until__isnull=False,
                    place__isnull=False,
                )
                | (
                    ~Q(status=BacktestStatus.RUNNING)
                    & Q(lease_token__isnull=True, lease_until__isnull=True, place__isnull=True)
                ),
                name="backtest_lease_when_running",
            ),
            models.CheckConstraint(
                condition=Q(status__in=sorted(FINISHED), finished_at__isnull=False)
                | (~Q(status__in=sorted(FINISHED)) & Q(finished_at__isnull=True)),
                name="backtest_finished_when_final",
            ),
            one_of("status", BacktestStatus, "backtest_status_known"),
        ]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="backtest_of_user"),
            models.Index(
                fields=["created_at"], condition=Q(status=BacktestStatus.QUEUED), name="backtest_waiting"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def base(self) -> str:
        return self.ticker.split("/")[0]

    @property
    def quote(self) -> str:
        return self.ticker.split("/")[1]


class RowKind(models.TextChoices):
    TRADES = "trades"
    DEALS = "deals"
    EQUITY = "equity"


class BacktestRows(models.Model):
    """A block of a result's rows: gzip of a JSON list, in the order they were told.

    In the database, since that is all that many hosts share; in blocks, so that a page of a long
    list unpacks one. A result's rows together are at most `bots.jobs.child.LINE_BYTES_MAX` unpacked,
    a tenth of that here.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    backtest = models.ForeignKey(Backtest, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=RowKind)
    number = models.PositiveIntegerField()
    packed = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["backtest", "kind", "number"], name="backtest_rows_once"),
            SameOwner(column="backtest_id", table="bots_backtest", name="backtest_rows_of_user"),
            one_of("kind", RowKind.values, "backtest_rows_kind_known"),
        ]
        verbose_name_plural = "backtest rows"

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"
