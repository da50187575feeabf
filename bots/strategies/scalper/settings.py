"""What a scalper can be told."""

from decimal import Decimal
from functools import cached_property

from bots.strategies.entries import EntryOrder
from bots.strategies.scalper.choices import EntryRule, RoiStep
from bots.strategies.scalper.rules import rule_problems
from bots.strategies.settings import (
    COOLDOWN_MAX_S,
    DAY_S,
    INVESTMENT_USUAL,
    MONEY_MAX,
    Problem,
    Settings,
    cooldown,
    loss_guard,
    rsi_candles,
    setting,
    slippage_limit,
)
from bots.strategies.steps import STEPS_MAX, reached
from bots.strategies.timeframes import Timeframe
from orders.matching import BPS
from orders.rules import HUNDRED, ONE, ZERO, Market, ceil_to

DEPTH_TIMES = 10
SPREAD_USUAL_BPS = Decimal(15)
TAKE_PROFIT_USUAL_PCT = Decimal("0.5")
SPREAD_CAPTURE, AT_MARKET = EntryRule.SPREAD_CAPTURE, EntryOrder.MARKET


class ScalperSettings(Settings):
    """Buys on a quick signal or with a resting bid, sells at a near target, a near stop or in time."""

    entry: EntryRule = setting(
        EntryRule.SPREAD_CAPTURE,
        title="Entry",
        help="Spread capture: a bid rests under the fair value. Stochastic dip: open under EMA 5 of lows, "
        "ADX 14 over 30, fast stochastic (5, 3) under 30 and crossing up. EMA pullback: a rising candle over "
        "EMA 50 that touches EMA 9. RSI: under its threshold.",
        group="start",
    )
    entry_order: EntryOrder = setting(
        EntryOrder.LIMIT,
        title="Entry order",
        help="Limit rests at the bid, or for spread capture under the fair value. Market buys at once; "
        "it needs post only off and is not for spread capture.",
        group="start",
    )
    timeframe: Timeframe = setting(
        Timeframe.M1,
        title="Timeframe",
        help="The candles of the signal entries; only closed ones count.",
        group="start",
    )
    rsi_period: int = rsi_candles()
    rsi_threshold: Decimal = setting(
        Decimal(30),
        title="RSI threshold",
        help="Entry RSI buys when the last closed candle's RSI is under it.",
        group="start",
        ge=0,
        le=100,
    )
    order_amount: Decimal = setting(
        Decimal(50), title="Order", help="What each entry spends.", unit="quote", group="orders",
        gt=0, le=MONEY_MAX,
    )  # fmt: skip
    post_only: bool = setting(
        True,
        title="Post only",
        help="Entries and targets only ever make: an entry that would take is placed anew, "
        "a target that would take is sent as a taker. Needs limit entries.",
        group="orders",
    )
    quote_width_bps: Decimal = setting(
        ZERO,
        title="Quote width",
        help="Spread capture: the bid rests half of this under the fair value. 0 is both fees and 2 bps; "
        "less than that is refused.",
        unit="bps",
        group="orders",
        ge=0,
        lt=BPS,
    )
    refresh_s: int = setting(
        30,
        title="Refresh",
        help="Spread capture: the bid is placed anew after this time, "
        "or when the fair value moves by more than a quarter of the width.",
        unit="s",
        group="orders",
        ge=1,
        le=DAY_S,
    )
    entry_timeout_s: int = setting(
        10,
        title="Entry timeout",
        help="A signal is good for this long; an entry still not filled then is cancelled.",
        unit="s",
        group="orders",
        ge=1,
        le=DAY_S,
    )
    max_spread_bps: Decimal = setting(
        SPREAD_USUAL_BPS,
        title="Widest spread",
        help="No entry while bid and ask are further apart. 0 is off.",
        unit="bps",
        group="orders",
        ge=0,
        le=BPS,
    )
    min_depth_quote: Decimal | None = setting(
        None,
        title="Least depth",
        help="No entry while the thinner side of the book holds less within 10 bps of the touch. "
        "Empty is ten times the order, 0 is off; passes where there is no order book, as in a backtest.",
        unit="quote",
        group="orders",
        ge=0,
        le=MONEY_MAX,
    )
    take_profit_pct: Decimal = setting(
        TAKE_PROFIT_USUAL_PCT,
        title="Take profit",
        help="Over the average fill price, before fees. What is left after fees must be more than 0.",
        unit="%",
        group="exit",
        gt=0,
        le=1000,
    )
    stop_loss_pct: Decimal = setting(
        Decimal("0.4"),
        title="Stop loss",
        help="All is sold at market this far under the average fill price.",
        unit="%",
        group="exit",
        gt=0,
        lt=100,
    )
    max_hold_s: int = setting(
        900,
        title="Longest hold",
        help="At this age a deal is sold at market. 0 is never, else 5 or more.",
        unit="s",
        group="exit",
        ge=0,
        le=COOLDOWN_MAX_S,
    )
    roi_steps: tuple[RoiStep, ...] = setting(
        (),
        title="Falling targets",
        help="Up to four times after which a lower profit becomes the target; "
        "the latest reached replaces the take profit.",
        unit="s/%",
        group="exit",
        max_length=STEPS_MAX,
    )
    max_trades_per_hour: int = setting(
        60,
        title="Trades an hour",
        help="No more deals than this open within any hour. 0 is off.",
        unit="deals",
        group="deals",
        ge=0,
        le=1000,
    )
    max_consecutive_losses: int = setting(
        3,
        title="Losses in a row",
        help="After this many losing deals in a row entries pause. 0 is off.",
        unit="deals",
        group="deals",
        ge=0,
        le=100,
    )
    loss_pause_s: int = setting(
        1800,
        title="Pause after losses",
        help="How long entries pause then.",
        unit="s",
        group="deals",
        ge=1,
        le=COOLDOWN_MAX_S,
    )
    loss_guard_count: int = loss_guard(0, off="0 is off: losses in a row count here.")
    cooldown_s: int = cooldown(15)
    max_slippage_pct: Decimal = slippage_limit(
        Decimal("0.05"), " The net edge counts it once for each leg at market."
    )

    @cached_property
    def candle(self) -> str:
        """The timeframe as a wake names it."""
        return self.timeframe.value

    @cached_property
    def captures_spread(self) -> bool:
        return self.entry is SPREAD_CAPTURE

    @cached_property
    def at_market(self) -> bool:
        return self.entry_order is AT_MARKET

    @property
    def least_depth(self) -> Decimal:
        """Quote within 10 bps of the touch under which no deal opens; 0 is off."""
        return self.order_amount * DEPTH_TIMES if self.min_depth_quote is None else self.min_depth_quote

    @cached_property
    def stop_fraction(self) -> Decimal:
        return self.stop_loss_pct / HUNDRED

    @cached_property
    def stop_part(self) -> Decimal:
        """Where the stop stands, as a part of the average fill price."""
        return ONE - self.stop_fraction

    @cached_property
    def _profit_part(self) -> Decimal:
        return ONE + self.take_profit_pct / HUNDRED

    def target_part(self, age_ms: int) -> Decimal:
        """The target at this age of a deal, as a part of the average fill price."""
        step = reached(self.roi_steps, age_ms) if self.roi_steps else None
        return step.target_part if step else self._profit_part

    @classmethod
    def suggested(cls, price: Decimal, market: Market) -> dict[str, str]:
        """The defaults a form offers for `market` at `price`: an order it takes, a target over its fees,
        and a spread that its tick allows."""
        stop = cls.model_fields["stop_loss_pct"].default / HUNDRED
        least = market.smallest(price, stop) * price / (ONE - market.taker_fee) * Decimal("1.1")
        order = max(cls.model_fields["order_amount"].default, ceil_to(least, ONE) if least > 1 else least)
        fees = (market.maker_fee + market.taker_fee) * HUNDRED
        target = max(TAKE_PROFIT_USUAL_PCT, ceil_to(2 * fees, Decimal("0.1")))
        spread = max(SPREAD_USUAL_BPS, ceil_to(3 * market.tick / price * BPS, ONE))
        return {
            "investment": f"{max(INVESTMENT_USUAL, ceil_to(order * Decimal('1.05'), Decimal(10))):f}",
            "order_amount": f"{order:f}",
            "take_profit_pct": f"{target:f}",
            "max_spread_bps": f"{min(spread, BPS):f}",
        }

    def problems(self) -> list[Problem]:
        return [*super().problems(), *rule_problems(self)]
