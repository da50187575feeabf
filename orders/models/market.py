"""Markets: their rules as loaded, and where the clock of a simulated one stands."""

from django.db import models
from django.db.models import Q

from orders.models.choices import choices
from orders.rules import FeeIn
from orders.rules import Market as MarketOf
from tradingbot.db import Money, above_zero, at_least


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
    rests_stops = models.BooleanField(default=False, help_text="takes stop-limit orders")
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
            rests_stops=self.rests_stops,
        )


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
