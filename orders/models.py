"""Orders, their fills, and the money they move: double entry, per currency, never changed."""

import uuid
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models import ExchangeAccount
from bots.models import Bot
from orders.accounting import Fill, Pocket, Purpose
from orders.rules import ZERO, FeeIn, OrderKind, Side
from orders.rules import Market as MarketOf
from orders.states import FINAL, LIVE, OrderStatus
from tradingbot.clock import ms_of
from tradingbot.db import Immutable, Money, SameOwner, a_number, above_zero, at_least, one_of


def choices(kinds: type[Side | OrderKind | FeeIn | OrderStatus | Pocket | Purpose]) -> list[tuple[str, str]]:
    return [(kind.value, kind.value.replace("_", " ")) for kind in kinds]


class Market(models.Model):
    """A market's rules as loaded; a change of rules is a new version."""

    exchange = models.CharField(max_length=32)
    ticker = models.CharField(max_length=32)
    version = models.PositiveIntegerField(default=1)
    tick = Money()
    lot = Money()
    min_amount = Money(default=0)
    min_cost = Money(default=0)
    maker_fee = Money(default=0)
    taker_fee = Money(default=0)
    fee_in = models.CharField(max_length=8, choices=choices(FeeIn), default=FeeIn.QUOTE)
    open_orders_max = models.PositiveIntegerField(default=200)
    active = models.BooleanField(default=True)
    loaded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["exchange", "ticker", "version"], name="market_version_once"),
            above_zero("tick", "market_tick_positive"),
            above_zero("lot", "market_lot_positive"),
            at_least("min_amount", 0, "market_min_amount_not_negative"),
            at_least("min_cost", 0, "market_min_cost_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.ticker} on {self.exchange}"

    def rules(self) -> MarketOf:
        """The pure rules a strategy is given."""
        return MarketOf(
            exchange=self.exchange,
            ticker=self.ticker,
            tick=self.tick.normalize(),
            lot=self.lot.normalize(),
            min_amount=self.min_amount.normalize(),
            min_cost=self.min_cost.normalize(),
            maker_fee=self.maker_fee.normalize(),
            taker_fee=self.taker_fee.normalize(),
            fee_in=FeeIn(self.fee_in),
            open_orders_max=self.open_orders_max,
        )


class Order(models.Model):
    """One order, stored before the exchange hears of it and sent at most once.

    A slot is taken until its last order is final and a committed decision has seen all its fills
    (`settled`). `placed_at` and `finished_at` are market time; `claimed_at` is database time. Of the `looks`
    for an unknown order, `absences` counts those at which the exchange said that it knows no such order.
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
    amount = Money()
    post_only = models.BooleanField(default=False)

    status = models.CharField(max_length=12, choices=choices(OrderStatus), default=OrderStatus.PLANNED)
    reserved_quote = Money(default=0)
    reserved_base = Money(default=0)
    filled = Money(default=0)
    cost = Money(default=0)
    settled = models.BooleanField(default=False)
    late = models.BooleanField(default=False)
    send_count = models.PositiveSmallIntegerField(default=0)
    refusal = models.CharField(max_length=300, blank=True)

    planned_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True)
    look_again_at = models.DateTimeField(null=True, blank=True)
    looks = models.PositiveIntegerField(default=0)
    absences = models.PositiveSmallIntegerField(default=0)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    placed_at = models.DateTimeField(null=True, blank=True)
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
                | (~Q(kind=OrderKind.MARKET) & Q(price__gt=0)),
                name="order_price_fits_kind",
            ),
            above_zero("amount", "order_amount_positive"),
            models.CheckConstraint(
                condition=Q(filled__gte=0, filled__lte=F("amount")), name="order_fill_bounds"
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
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.slot}"


class Trade(models.Model):
    """One fill, immutable. `number` counts the bot's trades from 1; `pnl` is realised, net of fees."""

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
    pnl = Money(default=0)
    maker = models.BooleanField(default=False)
    executed_at = models.DateTimeField(help_text="market time")
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "id"], name="trade_owner"),
            models.UniqueConstraint(fields=["order", "exchange_trade_id"], name="trade_once"),
            models.UniqueConstraint(fields=["bot", "number"], name="trade_number_once"),
            SameOwner(column="bot_id", table="bots_bot", name="trade_of_users_bot"),
            SameOwner(column="order_id", table="orders_order", name="trade_of_users_order"),
            above_zero("quantity", "trade_quantity_positive"),
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


class SimulatedMarket(models.Model):
    """A market of the built-in exchange: where its prices come from, and how far its clock is.

    The clock stands in candle number `candle` (from 0 at `began_at`), on the way to point `leg` of
    the four that a candle walks, at `price`. That position is committed with the fills it caused.
    `owner_*` is the lease of the one process that moves the clock.
    """

    ticker = models.CharField(max_length=32, unique=True)
    seed = models.PositiveBigIntegerField(default=0)
    replay = models.CharField(max_length=400, blank=True)
    began_at = models.DateTimeField()
    candle = models.PositiveBigIntegerField(default=0)
    leg = models.PositiveSmallIntegerField(default=0)
    price = Money()
    spread_bps = Money(default=2)
    slippage_pct = Money(default=0)
    ended = models.BooleanField(default=False)
    owner_token = models.UUIDField(null=True, blank=True)
    owner_until = models.DateTimeField(null=True, blank=True)
    epoch = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            above_zero("price", "simulated_price_positive"),
            models.CheckConstraint(condition=Q(leg__lte=3), name="simulated_leg_of_candle"),
        ]

    def __str__(self) -> str:
        return self.ticker
