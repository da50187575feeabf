"""The money that fills and deposits move: double entry, per currency, never changed."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models import ExchangeAccount
from bots.models import Bot
from orders.accounting import Pocket, Purpose
from orders.models.choices import choices
from orders.models.trade import Trade
from tradingbot.db import Immutable, Money, SameOwner, above_zero, at_least, one_of


class LedgerEntry(models.Model):
    """A transfer between two pockets of one account: balanced by construction, never changed."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(ExchangeAccount, on_delete=models.PROTECT, related_name="+")
    bot = models.ForeignKey(Bot, on_delete=models.PROTECT, null=True, related_name="+")
    trade = models.ForeignKey(Trade, on_delete=models.PROTECT, null=True, related_name="+")
    debit = models.CharField(max_length=8, choices=choices(Pocket))
    credit = models.CharField(max_length=8, choices=choices(Pocket))
    currency = models.CharField(max_length=16)
    amount = Money()
    purpose = models.CharField(max_length=8, choices=choices(Purpose))
    at = models.DateTimeField()

    class Meta:
        constraints = [
            above_zero("amount", "ledger_amount_positive"),
            models.CheckConstraint(condition=~Q(debit=F("credit")), name="ledger_moves_between_pockets"),
            one_of("debit", Pocket, "ledger_debit_known"),
            one_of("credit", Pocket, "ledger_credit_known"),
            one_of("purpose", Purpose, "ledger_purpose_known"),
            models.UniqueConstraint(
                fields=["trade", "purpose", "debit", "currency"],
                condition=Q(trade__isnull=False),
                name="ledger_trade_leg_once",
            ),
            SameOwner(column="account_id", table="accounts_exchangeaccount", name="ledger_of_users_account"),
            SameOwner(column="bot_id", table="bots_bot", name="ledger_of_users_bot"),
            SameOwner(column="trade_id", table="orders_trade", name="ledger_of_users_trade"),
            Immutable(name="ledger_immutable"),
        ]
        verbose_name_plural = "ledger entries"

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} from {self.credit} to {self.debit}"


class Balance(models.Model):
    """An account's free money in one currency: what no bot has in its pocket."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(ExchangeAccount, on_delete=models.CASCADE, related_name="+")
    currency = models.CharField(max_length=16)
    free = Money(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "currency"], name="balance_once"),
            at_least("free", 0, "balance_not_negative"),
            SameOwner(column="account_id", table="accounts_exchangeaccount", name="balance_of_users_account"),
        ]

    def __str__(self) -> str:
        return f"{self.free} {self.currency}"
