"""A shortage: an account holds less of a currency than its bots' books say."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models import ExchangeAccount
from bots.models.bot import Bot
from tradingbot.db import Money, SameOwner, at_least


class Shortage(models.Model):
    """Its bots should hold `ours` of `currency`, and the account holds `found` in all.

    `sure_at` NULL: a fill on its way may explain it, so it is looked at once more. Once it is sure, no bot
    of the account buys where the currency is traded, until `ended_at`. `closing`: the bot its owner has
    chosen to give up what it holds.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(ExchangeAccount, on_delete=models.CASCADE, related_name="+")
    currency = models.CharField(max_length=16)
    ours = Money()
    found = Money()
    seen_at = models.DateTimeField()
    sure_at = models.DateTimeField(null=True, blank=True)
    closing = models.ForeignKey(Bot, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "currency"],
                condition=Q(ended_at__isnull=True),
                name="shortage_one_at_a_time",
            ),
            models.CheckConstraint(condition=Q(found__lt=F("ours")), name="shortage_is_one"),
            at_least("found", 0, "shortage_found_not_negative"),
            SameOwner(
                column="account_id", table="accounts_exchangeaccount", name="shortage_of_users_account"
            ),
            SameOwner(column="closing_id", table="bots_bot", name="shortage_of_users_bot"),
        ]

    def __str__(self) -> str:
        return f"{self.missing.normalize():f} {self.currency} missing on {self.account}"

    @property
    def under(self) -> Q:
        """The bots of its account that it holds, by what they trade."""
        return Q(ticker__startswith=f"{self.currency}/") | Q(ticker__endswith=f"/{self.currency}")

    @property
    def why(self) -> str:
        """For people: what is the matter, and what they can do."""
        ours, found = (f"{Decimal(value).normalize():,f}" for value in (self.ours, self.found))
        return (
            f"The bots should hold {ours} {self.currency}, and the account holds {found}. Nothing more is "
            "bought until it is put back, or a bot that should hold it is closed, on the account's page."
        )

    @property
    def missing(self) -> Decimal:
        ours, found = Decimal(self.ours), Decimal(self.found)
        return ours - found
