"""A fill, and what was told of its fee later: rows that never change."""

import uuid
from collections.abc import Iterable
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q

from bots.models import Bot
from orders.accounting import Fill
from orders.models.choices import choices
from orders.models.order import Order
from orders.rules import ZERO, Side
from tradingbot.clock import ms_of
from tradingbot.db import MONEY_MAX, Immutable, Money, SameOwner, a_number, above_zero


class Trade(models.Model):
    """One fill, immutable. `number` counts the bot's trades from 1; `pnl` is realised, net of fees.

    `fee_pending`: the exchange has not told the fee yet, and `fee` is what its rules let expect. What it
    tells later is a row of its own under the same `exchange_trade_id`: the nth `correction`, of no
    quantity, with the difference as its fee, so that every sum over trades stays right.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    bot = models.ForeignKey(Bot, on_delete=models.PROTECT, related_name="+")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveBigIntegerField()
    exchange_trade_id = models.CharField(max_length=64)
    symbol = models.CharField(max_length=32)
    slot = models.CharField(max_length=48)
    side = models.CharField(max_length=4, choices=choices(Side))
    quantity = Money()
    price = Money()
    fee = Money(default=0)
    fee_currency = models.CharField(max_length=16)
    fee_value = Money(default=0, help_text="the fee in quote, at this fill's price")
    fee_pending = models.BooleanField(default=False)
    correction = models.PositiveSmallIntegerField(default=0, help_text="0: the fill itself")
    pnl = Money(default=0)
    maker = models.BooleanField(default=False)
    executed_at = models.DateTimeField(help_text="market time")
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "id"], name="trade_owner"),
            models.UniqueConstraint(fields=["order", "exchange_trade_id", "correction"], name="trade_once"),
            models.UniqueConstraint(fields=["bot", "number"], name="trade_number_once"),
            SameOwner(column="bot_id", table="bots_bot", name="trade_of_users_bot"),
            SameOwner(column="order_id", table="orders_order", name="trade_of_users_order"),
            models.CheckConstraint(
                condition=Q(correction=0, quantity__gt=0, quantity__lte=MONEY_MAX)
                | Q(correction__gt=0, quantity=0, fee_pending=False),
                name="trade_quantity_fits",
            ),
            above_zero("price", "trade_price_positive"),
            a_number("fee", "trade_fee_is_a_number"),
            a_number("pnl", "trade_pnl_is_a_number"),
            Immutable(name="trade_immutable"),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.symbol} at {self.price}"

    def as_fill(self) -> Fill:
        """The pure fill, its fee sorted by the currency it was taken in."""
        base, quote = self.symbol.split("/")
        return Fill(
            slot=self.slot,
            side=Side(self.side),
            amount=self.quantity,
            price=self.price,
            at=ms_of(self.executed_at),
            fee_base=self.fee if self.fee_currency == base else ZERO,
            fee_quote=self.fee if self.fee_currency == quote else ZERO,
            fee_other=self.fee_value if self.other_fee else ZERO,
        )

    @property
    def other_fee(self) -> tuple[str, Decimal] | None:
        """The (currency, amount) of a fee in a third currency."""
        if self.fee_currency in self.symbol.split("/"):
            return None
        return self.fee_currency, self.fee


def fees_awaited(rows: Iterable[Trade]) -> set[str]:
    """The fills among `rows`, by the exchange's ids, of which no fee has been told."""
    waiting, told = set[str](), set[str]()
    for row in rows:
        if row.correction:
            told.add(row.exchange_trade_id)
        elif row.fee_pending:
            waiting.add(row.exchange_trade_id)
    return waiting - told
