"""What an account has been found like after a start."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import ExchangeAccount
from tradingbot.db import SameOwner


class Recovery(models.Model):
    """A start of the platform while orders of an account were on their way or at rest.

    `asked` orders are looked up; once every one of them has been, `fills` came in meanwhile and of
    `unknown` nobody knows yet. `finished_at` NULL: it goes on.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(ExchangeAccount, on_delete=models.CASCADE, related_name="+")
    began_at = models.DateTimeField()
    asked = models.PositiveIntegerField()
    fills = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=Q(finished_at__isnull=True), name="recovery_one_at_a_time"
            ),
            SameOwner(
                column="account_id", table="accounts_exchangeaccount", name="recovery_of_users_account"
            ),
        ]
        verbose_name_plural = "recoveries"

    def __str__(self) -> str:
        return f"{self.account} at {self.began_at:%Y-%m-%d %H:%M}"

    @property
    def sentence(self) -> str:
        """For people, once it is finished."""
        orders = "1 order was" if self.asked == 1 else f"{self.asked} orders were"
        fills = "1 fill" if self.fills == 1 else f"{self.fills} fills"
        left = "none is unknown" if not self.unknown else f"{self.unknown} still unknown"
        return f"After the start {orders} recovered, with {fills}; {left}."
