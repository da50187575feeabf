"""A bot, what its user chose, what it decided, and how it fared."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models import ExchangeAccount
from bots.strategies.base import CommandKind
from tradingbot.db import Money, SameOwner, a_number, above_zero, at_least, one_of


class BotStatus(models.TextChoices):
    STOPPED = "stopped"
    ACTIVE = "active"
    ERROR = "error"


class Phase(models.TextChoices):
    WAITING = "waiting"
    IN_DEAL = "in_deal", "in a deal"
    CLOSING = "closing"
    PAUSED = "paused"
    SUSPENDED = "suspended"


class Mode(models.TextChoices):
    """Whose money: that of its account's environment."""

    PAPER = "paper"
    SANDBOX = "sandbox"
    LIVE = "live"


class StopRequest(models.TextChoices):
    KEEP_ORDERS = "keep_orders", "keep the orders"
    CANCEL_ORDERS = "cancel_orders", "cancel the orders"
    CANCEL_AND_SELL = "cancel_and_sell", "cancel the orders and sell"


class Bot(models.Model):
    """A user's running strategy.

    `events` counts what the bot should look at, `events_seen` how far a committed decision has
    looked: the bot is due while they differ. `position_*` and `cash` change only with the trade or
    transfer that moves them, in one transaction; `trades_seen` is the last trade a decision saw.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(ExchangeAccount, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=64)
    bot_type = models.CharField(max_length=16)
    exchange = models.CharField(max_length=32)
    ticker = models.CharField(max_length=32)
    mode = models.CharField(max_length=8, choices=Mode, default=Mode.PAPER)

    status = models.CharField(max_length=8, choices=BotStatus, default=BotStatus.STOPPED)
    phase = models.CharField(max_length=12, choices=Phase, default=Phase.WAITING)
    phase_why = models.CharField(max_length=300, blank=True)
    phase_until = models.DateTimeField(null=True, blank=True)
    stop_request = models.CharField(max_length=16, choices=StopRequest, blank=True)

    settings_version = models.PositiveIntegerField(default=1)
    settings_in_use = models.PositiveIntegerField(default=1)
    memory = models.JSONField(null=True, blank=True)
    decisions_made = models.PositiveBigIntegerField(default=0)
    deal_number = models.PositiveIntegerField(null=True, blank=True)

    wake_below = Money(null=True, blank=True)
    wake_above = Money(null=True, blank=True)
    wake_peak = Money(null=True, blank=True)
    wake_trough = Money(null=True, blank=True)
    wake_at = models.DateTimeField(null=True, blank=True)
    wake_candle = models.CharField(max_length=4, blank=True)
    wake_mark = models.CharField(max_length=16, blank=True)
    candle_due_at = models.DateTimeField(null=True, blank=True)

    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    epoch = models.PositiveBigIntegerField(default=0)
    events = models.PositiveBigIntegerField(default=0)
    events_seen = models.PositiveBigIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True, blank=True)

    position_amount = Money(default=0)
    position_cost = Money(default=0)
    cash = Money(default=0)
    pnl = Money(default=0)
    funded = Money(default=0)
    total_trades = models.PositiveBigIntegerField(default=0)
    trades_seen = models.PositiveBigIntegerField(default=0)

    started_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    hidden_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "id"], name="bot_owner"),
            SameOwner(column="account_id", table="accounts_exchangeaccount", name="bot_account_of_user"),
            models.CheckConstraint(
                condition=Q(events_seen__lte=F("events")), name="bot_events_seen_not_ahead"
            ),
            models.CheckConstraint(
                condition=Q(trades_seen__lte=F("total_trades")), name="bot_trades_seen_not_ahead"
            ),
            models.CheckConstraint(
                condition=Q(lease_token__isnull=True, lease_until__isnull=True)
                | Q(lease_token__isnull=False, lease_until__isnull=False),
                name="bot_lease_whole",
            ),
            one_of("status", BotStatus.values, "bot_status_known"),
            one_of("phase", Phase.values, "bot_phase_known"),
            one_of("stop_request", ["", *StopRequest.values], "bot_stop_request_known"),
            at_least("position_amount", 0, "bot_holds_no_less_than_nothing"),
            at_least("cash", 0, "bot_spends_no_more_than_it_has"),
            a_number("position_cost", "bot_cost_is_a_number"),
            a_number("pnl", "bot_pnl_is_a_number"),
            a_number("funded", "bot_funded_is_a_number"),
            models.CheckConstraint(
                condition=Q(wake_below__isnull=True) | Q(wake_below__gt=0), name="bot_wake_below_positive"
            ),
            models.CheckConstraint(
                condition=Q(wake_above__isnull=True) | Q(wake_above__gt=0), name="bot_wake_above_positive"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="bot_of_user"),
            models.Index(
                fields=["exchange", "ticker", "wake_below"],
                condition=Q(status=BotStatus.ACTIVE, wake_below__isnull=False),
                name="bot_wake_below",
            ),
            models.Index(
                fields=["exchange", "ticker", "wake_above"],
                condition=Q(status=BotStatus.ACTIVE, wake_above__isnull=False),
                name="bot_wake_above",
            ),
            models.Index(
                fields=["wake_at"],
                condition=Q(status=BotStatus.ACTIVE, wake_at__isnull=False),
                name="bot_wake_at",
            ),
            models.Index(
                fields=["candle_due_at"],
                condition=Q(status=BotStatus.ACTIVE, candle_due_at__isnull=False),
                name="bot_candle_due",
            ),
            models.Index(
                fields=["exchange", "ticker"],
                condition=Q(status=BotStatus.ACTIVE, events__gt=F("events_seen")),
                name="bot_due",
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


class _OfBot(models.Model):
    """A row that belongs to a bot, and to its user by the database's own word."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="+")

    class Meta:
        abstract = True


class BotSettings(_OfBot):
    """One version of what the user chose; versions are never changed, only added."""

    version = models.PositiveIntegerField()
    values = models.JSONField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bot", "version"], name="settings_version_once"),
            SameOwner(column="bot_id", table="bots_bot", name="settings_of_users_bot"),
        ]
        verbose_name_plural = "bot settings"

    def __str__(self) -> str:
        return f"version {self.version}"


class Decision(_OfBot):
    """One row of the journal: what was seen, what was wanted, why.

    `memory` is a snapshot (every 100th decision and the first); between snapshots it is rebuilt by
    replaying `seen`, and `memory_hash` proves the result.
    """

    number = models.PositiveBigIntegerField()
    epoch = models.PositiveBigIntegerField()
    at = models.DateTimeField(help_text="market time")
    made_at = models.DateTimeField()
    settings_version = models.PositiveIntegerField()
    strategy_version = models.PositiveIntegerField()
    seen = models.JSONField()
    plan = models.JSONField()
    reasons = models.JSONField(default=list)
    memory_hash = models.CharField(max_length=32)
    memory = models.JSONField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bot", "number"], name="decision_number_once"),
            SameOwner(column="bot_id", table="bots_bot", name="decision_of_users_bot"),
        ]
        ordering = ["bot", "number"]

    def __str__(self) -> str:
        return f"decision {self.number}"


class BotCommand(_OfBot):
    """What the user asked of a running bot; the next decision takes it, once."""

    kind = models.CharField(max_length=16)
    quote = Money(default=0)
    made_at = models.DateTimeField()
    decision_number = models.PositiveBigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            SameOwner(column="bot_id", table="bots_bot", name="command_of_users_bot"),
            at_least("quote", 0, "command_quote_not_negative"),
            one_of("kind", CommandKind, "command_kind_known"),
        ]
        indexes = [
            models.Index(fields=["bot"], condition=Q(decision_number__isnull=True), name="command_waiting")
        ]

    def __str__(self) -> str:
        return self.kind


class Deal(_OfBot):
    """From flat to flat; a bot's deals are numbered from 1. A deal keeps the settings it began with."""

    number = models.PositiveIntegerField()
    settings_version = models.PositiveIntegerField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    pnl_before = Money(default=0)
    pnl = Money(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bot", "number"], name="deal_number_once"),
            models.UniqueConstraint(
                fields=["bot"], condition=Q(closed_at__isnull=True), name="deal_one_open_per_bot"
            ),
            SameOwner(column="bot_id", table="bots_bot", name="deal_of_users_bot"),
            a_number("pnl", "deal_pnl_is_a_number"),
        ]

    def __str__(self) -> str:
        return f"deal {self.number}"


class EquityPoint(_OfBot):
    """What a bot was worth at a moment, in its quote."""

    at = models.DateTimeField()
    equity = Money()
    price = Money()
    funded = Money()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bot", "at"], name="equity_point_once"),
            SameOwner(column="bot_id", table="bots_bot", name="equity_point_of_users_bot"),
            a_number("equity", "equity_is_a_number"),
            above_zero("price", "equity_price_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.equity} at {self.at}"
