"""People, and the exchange accounts they trade on."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from tradingbot.db import Fixed, one_of


class UserManager(BaseUserManager["User"]):
    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person, known by e-mail. `timezone` says when their trading day begins."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    timezone = models.CharField(max_length=64, default="UTC")
    reporting_currency = models.CharField(max_length=16, default="USDT")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]

    def __str__(self) -> str:
        return self.email


class Environment(models.TextChoices):
    PAPER = "paper"
    SANDBOX = "sandbox"
    LIVE = "live"


class AccountState(models.TextChoices):
    """What is known of an account's key."""

    WORKING = "working"
    UNCHECKED = "unchecked", "Not checked"
    BROKEN = "broken"
    SUSPENDED = "suspended"


SANDBOX_OF = "-sandbox"


def place_of(exchange: str, environment: str) -> str:
    """A sandbox is an exchange of its own: it has other markets, and other prices."""
    return exchange + SANDBOX_OF if environment == Environment.SANDBOX else exchange


TRADES = (AccountState.WORKING, AccountState.UNCHECKED)
REASON_MAX = 300


class ExchangeAccount(models.Model):
    """A place where a person's orders go: an exchange, on paper or with money.

    `sealed_key` holds the credentials (see `accounts.keys`) and `key_number` tells which of our
    encryption keys sealed it. `may_*` and `ip_restricted` are what the exchange last said of the key,
    None where it does not say; `check_due_at` is when it is asked again, None for not by itself.
    `compare_due_at`: when what it holds is held against its bots' books again; None for at once.
    `held_at`: suspended by an operator, who alone can lift that.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="exchange_accounts")
    exchange = models.CharField(max_length=32)
    label = models.CharField(max_length=64)
    environment = models.CharField(max_length=8, choices=Environment)

    sealed_key = models.TextField(blank=True)
    key_hint = models.CharField(max_length=4, blank=True)
    key_number = models.CharField(max_length=8, blank=True)

    may_trade = models.BooleanField(null=True)
    may_withdraw = models.BooleanField(null=True)
    may_transfer = models.BooleanField(null=True)
    ip_restricted = models.BooleanField(null=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    check_due_at = models.DateTimeField(null=True, blank=True)
    compare_due_at = models.DateTimeField(null=True, blank=True)
    consented_at = models.DateTimeField(null=True, blank=True)

    state = models.CharField(max_length=9, choices=AccountState, default=AccountState.WORKING)
    state_reason = models.CharField(max_length=REASON_MAX, blank=True)
    held_at = models.DateTimeField(null=True, blank=True)
    hidden_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "id"], name="exchange_account_owner"),
            models.UniqueConstraint(
                "user",
                Lower("label"),
                condition=Q(hidden_at__isnull=True),
                name="exchange_account_label_in_use_once",
            ),
            one_of("environment", Environment.values, "exchange_account_environment_known"),
            one_of("state", AccountState.values, "exchange_account_state_known"),
            models.CheckConstraint(
                condition=Q(environment=Environment.PAPER, sealed_key="")
                | Q(hidden_at__isnull=False, sealed_key="")
                | (~Q(environment=Environment.PAPER) & Q(hidden_at__isnull=True) & ~Q(sealed_key="")),
                name="exchange_account_key_when_real",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=TRADES, may_withdraw=True) & ~Q(state__in=TRADES, may_transfer=True),
                name="exchange_account_trades_without_withdrawal",
            ),
            models.CheckConstraint(
                condition=Q(held_at__isnull=True) | Q(state=AccountState.SUSPENDED),
                name="exchange_account_held_is_suspended",
            ),
            # Where an account is decides what its orders cost: an exchange, with play money or with real.
            Fixed(columns=["user_id", "exchange", "environment"], name="exchange_account_place_fixed"),
        ]
        indexes = [
            models.Index(
                fields=["check_due_at"],
                condition=Q(check_due_at__isnull=False),
                name="exchange_account_check_due",
            )
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def is_real(self) -> bool:
        """Whether its orders go to an exchange."""
        return self.environment != Environment.PAPER

    @property
    def place(self) -> str:
        """Whose markets and prices its bots have, as their rows name it."""
        return place_of(self.exchange, self.environment)
