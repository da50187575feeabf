"""The kill switch: whose orders are stopped, how far, and whether it has been seen that nothing rests."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from bots.models.bot import Bot
from tradingbot.db import SameOwner, one_of

WHY_MAX = 300
NO_MARKET = Q(exchange="", ticker="")


class Scope(models.TextChoices):
    BOT = "bot"
    MARKET = "market"
    USER = "user"
    SYSTEM = "system"


class Level(models.TextChoices):
    """From the mildest to the strongest; `orders.switches.lets_out` says what each still lets out."""

    BLOCK = "block", "no new buys"
    CANCEL = "cancel", "all orders cancelled"
    FLATTEN = "flatten", "all orders cancelled and all coins sold"

    @property
    def strength(self) -> int:
        return list(Level).index(self)


def _one_active(*fields: str, scope: Scope, name: str, **whose: bool) -> models.UniqueConstraint:
    condition = Q(scope=scope, released_at__isnull=True, **whose)
    return models.UniqueConstraint(fields=fields, condition=condition, name=name)


class KillSwitch(models.Model):
    """Pressed at `pressed_at`, in force until `released_at`; a target has one in force at most.

    `user` is whose bots it stops; None: everybody's. `pressed_by` None: an operator at a terminal.
    `carried_out_at`: its cancels and stops stand in the rows; `verified_at`: it was seen that nothing
    rests. Both begin anew when its level is raised.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    scope = models.CharField(max_length=8, choices=Scope)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    bot = models.ForeignKey(Bot, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    exchange = models.CharField(max_length=32, blank=True)
    ticker = models.CharField(max_length=32, blank=True)
    level = models.CharField(max_length=8, choices=Level)
    why = models.CharField(max_length=WHY_MAX, blank=True)

    pressed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    pressed_at = models.DateTimeField()
    carried_out_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            one_of("level", Level.values, "switch_level_known"),
            # It also keeps the scope to the four there are.
            models.CheckConstraint(
                condition=Q(NO_MARKET, scope=Scope.BOT, bot__isnull=False, user__isnull=False)
                | Q(scope=Scope.MARKET, bot__isnull=True, exchange__gt="", ticker__gt="")
                | Q(NO_MARKET, scope=Scope.USER, bot__isnull=True, user__isnull=False)
                | Q(NO_MARKET, scope=Scope.SYSTEM, bot__isnull=True, user__isnull=True),
                name="switch_target_fits_scope",
            ),
            _one_active("bot", scope=Scope.BOT, name="switch_one_per_bot"),
            _one_active(
                "user",
                "exchange",
                "ticker",
                scope=Scope.MARKET,
                name="switch_one_per_users_market",
                user__isnull=False,
            ),
            _one_active(
                "exchange", "ticker", scope=Scope.MARKET, name="switch_one_per_market", user__isnull=True
            ),
            _one_active("user", scope=Scope.USER, name="switch_one_per_user"),
            _one_active("scope", scope=Scope.SYSTEM, name="switch_one_for_all"),
            SameOwner(column="bot_id", table="bots_bot", name="switch_of_users_bot"),
        ]
        verbose_name_plural = "kill switches"

    def __str__(self) -> str:
        return f"{self.name}: {self.get_level_display()}"

    @property
    def name(self) -> str:
        """What it stops, as the owner of the bots reads it."""
        if self.bot is not None:
            return self.bot.name
        if self.scope == Scope.MARKET:
            everybody = ", for everybody" if self.user_id is None else ""
            return f"{self.ticker} on {self.exchange}{everybody}"
        return "all your bots" if self.scope == Scope.USER else "the whole platform"

    @property
    def is_operators(self) -> bool:
        """Pressed by another than the owner of the bots: an operator alone releases it."""
        return self.user_id is None or self.pressed_by_id != self.user_id

    def reaches(self, bot: Bot) -> bool:
        if self.scope == Scope.BOT:
            return self.bot_id == bot.pk
        whose = self.user_id is None or self.user_id == bot.user_id
        if self.scope == Scope.MARKET:
            return whose and (self.exchange, self.ticker) == (bot.exchange, bot.ticker)
        return whose
