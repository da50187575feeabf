"""An order, stored before the exchange hears of it."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models import ExchangeAccount
from bots.models import Bot
from orders.models.choices import choices
from orders.models.market import Market
from orders.rules import OrderKind, Side
from orders.states import FINAL, LIVE, OrderStatus
from tradingbot.db import Money, SameOwner, above_zero, at_least, one_of

# A stop that waits for its price; from then on it is a limit.
UNTRIGGERED = Q(trigger__isnull=False, triggered_at__isnull=True)
# Why an order is ended when a fill took what it was to be paid with.
UNCOVERED = "what is left does not cover it any more"
FEE_LOOKS_MAX = 8


class Order(models.Model):
    """One order, stored before the exchange hears of it and sent at most once.

    A slot is taken until its last order is final and a committed decision has seen all its fills
    (`settled`). `placed_at`, `triggered_at` and `finished_at` are market time; `claimed_at` is database
    time. A stop has a `trigger`; on paper it is a limit like any other from `triggered_at` on, of a real
    exchange only that knows. Of the `looks` for an unknown order, `absences` counts those at which the
    exchange said that it knows no such order. `missing_since`: it rests as far as we know, and its exchange
    lists it nowhere since then.
    While fees of its fills are not told, `fee_look_at` says when to ask again, however it has ended.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    bot = models.ForeignKey(Bot, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(ExchangeAccount, on_delete=models.PROTECT, related_name="+")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+")
    exchange = models.CharField(max_length=32)
    ticker = models.CharField(max_length=32)

    client_id = models.CharField(max_length=36)
    # NULL until the exchange names it: an empty text would not be unique.
    exchange_order_id = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001
    slot = models.CharField(max_length=48)
    decision_number = models.PositiveBigIntegerField()
    role = models.CharField(max_length=8)
    side = models.CharField(max_length=4, choices=choices(Side))
    kind = models.CharField(max_length=8, choices=choices(OrderKind))
    price = Money(null=True, blank=True)
    trigger = Money(null=True, blank=True)
    amount = Money()
    post_only = models.BooleanField(default=False)

    status = models.CharField(max_length=12, choices=choices(OrderStatus), default=OrderStatus.PLANNED)
    reserved_quote = Money(default=0)
    reserved_base = Money(default=0)
    filled = Money(default=0)
    cost = Money(default=0)
    settled = models.BooleanField(default=False)
    late = models.BooleanField(default=False)
    overfilled = models.BooleanField(default=False)
    send_count = models.PositiveSmallIntegerField(default=0)
    refusal = models.CharField(max_length=300, blank=True)
    odd_word = models.CharField(max_length=32, blank=True, help_text="its status, in a word we do not know")

    planned_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True)
    look_again_at = models.DateTimeField(null=True, blank=True)
    looks = models.PositiveIntegerField(default=0)
    absences = models.PositiveSmallIntegerField(default=0)
    missing_since = models.DateTimeField(null=True, blank=True)
    fee_look_at = models.DateTimeField(null=True, blank=True)
    fee_looks = models.PositiveSmallIntegerField(default=0)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    placed_at = models.DateTimeField(null=True, blank=True)
    triggered_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "id"], name="order_owner"),
            models.UniqueConstraint(fields=["account", "client_id"], name="order_client_id_once"),
            models.UniqueConstraint(
                fields=["account", "ticker", "exchange_order_id"],
                condition=Q(exchange_order_id__isnull=False),
                name="order_exchange_id_once",
            ),
            models.UniqueConstraint(
                fields=["bot", "slot"], condition=Q(settled=False), name="order_one_per_slot"
            ),
            models.CheckConstraint(
                condition=Q(settled=False) | Q(status__in=sorted(FINAL)), name="order_settled_is_final"
            ),
            one_of("status", OrderStatus, "order_status_known"),
            one_of("side", Side, "order_side_known"),
            one_of("kind", OrderKind, "order_kind_known"),
            models.CheckConstraint(condition=Q(send_count__lte=1), name="order_sent_once"),
            models.CheckConstraint(
                condition=Q(status__in=[OrderStatus.PLANNED, OrderStatus.ABANDONED], send_count=0)
                | (~Q(status__in=[OrderStatus.PLANNED, OrderStatus.ABANDONED]) & Q(send_count=1)),
                name="order_send_counted",
            ),
            models.CheckConstraint(
                condition=Q(kind=OrderKind.MARKET, price__isnull=True)
                | (~Q(kind=OrderKind.MARKET) & Q(price__isnull=False, price__gt=0)),
                name="order_price_fits_kind",
            ),
            models.CheckConstraint(
                condition=Q(
                    kind=OrderKind.STOP, side=Side.SELL, trigger__isnull=False, trigger__gte=F("price")
                )
                | (~Q(kind=OrderKind.STOP) & Q(trigger__isnull=True, triggered_at__isnull=True)),
                name="order_trigger_fits_kind",
            ),
            above_zero("amount", "order_amount_positive"),
            models.CheckConstraint(
                condition=Q(filled__gte=0) & (Q(filled__lte=F("amount")) | Q(overfilled=True)),
                name="order_fill_bounds",
            ),
            at_least("reserved_quote", 0, "order_reserved_quote_not_negative"),
            at_least("reserved_base", 0, "order_reserved_base_not_negative"),
            at_least("cost", 0, "order_cost_not_negative"),
            SameOwner(column="bot_id", table="bots_bot", name="order_of_users_bot"),
            SameOwner(column="account_id", table="accounts_exchangeaccount", name="order_on_users_account"),
        ]
        indexes = [
            models.Index(
                fields=["exchange", "ticker", "side", "price"],
                condition=Q(status=OrderStatus.OPEN),
                name="order_resting",
            ),
            models.Index(
                fields=["bot"],
                condition=Q(status__in=[OrderStatus.PLANNED, OrderStatus.SENDING, OrderStatus.UNKNOWN]),
                name="order_unsettled",
            ),
            models.Index(
                fields=["bot"],
                condition=Q(status__in=sorted(LIVE), cancel_requested_at__isnull=False),
                name="order_to_cancel",
            ),
            models.Index(fields=["bot"], condition=Q(fee_look_at__isnull=False), name="order_fees_awaited"),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.slot}"
