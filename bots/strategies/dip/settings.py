"""What a dip bot can be told."""

from decimal import Decimal

from bots.strategies.dip.choices import RoiStep
from bots.strategies.dip.rules import rule_problems
from bots.strategies.entries import EntryOrder
from bots.strategies.settings import COOLDOWN_MAX_S, INVESTMENT_USUAL, MONEY_MAX, Problem, Settings, setting
from bots.strategies.steps import STEPS_MAX, Step
from bots.strategies.timeframes import Timeframe
from bots.strategies.words import plain
from orders.rules import HUNDRED, ONE, ZERO, Market, ceil_to

BUYS_MAX = 50
USUAL_WEIGHTS = (Decimal(1), Decimal("1.5"), Decimal(2))
USUAL_TARGETS = tuple(
    Step(profit_pct=Decimal(profit), share_pct=Decimal(share))
    for profit, share in ((4, 34), (7, 33), (10, 33))
)


class DipSettings(Settings):
    """Buys a fall from a recent high, buys more further down, and sells in parts over the average."""

    timeframe: Timeframe = setting(
        Timeframe.H1,
        title="Timeframe",
        help="The candles that signals come from; only closed ones count.",
        group="start",
    )
    lookback: int = setting(
        24,
        title="Lookback",
        help="The fall is measured from the highest high of this many closed candles. "
        "An armed dip is given up after as many.",
        unit="candles",
        group="start",
        ge=2,
        le=1000,
    )
    dip_pct: Decimal = setting(
        Decimal(5),
        title="Dip",
        help="How far the close must be under that high.",
        unit="%",
        group="start",
        gt=0,
        lt=100,
    )
    max_dip_pct: Decimal = setting(
        Decimal(20),
        title="Deepest dip",
        help="Deeper than this is a falling knife: no entry.",
        unit="%",
        group="start",
        gt=0,
        lt=100,
    )
    rsi_period: int = setting(
        14,
        title="RSI period",
        help="Candles in the RSI. 0 is off, else 2 or more.",
        unit="candles",
        group="start",
        ge=0,
        le=200,
    )
    rsi_max: Decimal = setting(
        Decimal(30),
        title="Highest RSI",
        help="No entry while the RSI is over this. 0 is off.",
        group="start",
        ge=0,
        le=100,
    )
    rebound_pct: Decimal = setting(
        Decimal("0.5"),
        title="Rebound",
        help="The bot buys once the price is this far over the lowest since the dip. 0 buys at once.",
        unit="%",
        group="start",
        ge=0,
        lt=100,
    )
    rearm_pct: Decimal = setting(
        Decimal(50),
        title="Re-arm",
        help="After a dip the next counts only once this much of the fall is recovered, or on a fresh "
        "high. 0: every closed deal re-arms.",
        unit="% of the fall",
        group="start",
        ge=0,
        le=100,
    )
    trend_sma: int = setting(
        0,
        title="Trend average",
        help="The close must be over the simple average of this many candles. 0 is off, else 2 or more.",
        unit="candles",
        group="start",
        ge=0,
        le=1000,
    )
    knife_candles: int = setting(
        3,
        title="Knife candles",
        help="A falling knife is looked for over this many candles. 0 is off.",
        unit="candles",
        group="start",
        ge=0,
        le=1000,
    )
    knife_drop_pct: Decimal = setting(
        Decimal(8),
        title="Knife drop",
        help="No entry if the close has fallen more than this over those candles. 0 is off.",
        unit="%",
        group="start",
        ge=0,
        lt=100,
    )
    buy_amount: Decimal = setting(
        Decimal(50),
        title="Buy",
        help="What a buy of weight 1 spends.",
        unit="quote",
        group="orders",
        gt=0,
        le=MONEY_MAX,
    )
    buy_weights: tuple[Decimal, ...] = setting(
        USUAL_WEIGHTS,
        title="Weights",
        help="Each buy spends the buy times its weight; the last weight repeats.",
        unit="×",
        group="orders",
        min_length=1,
        max_length=BUYS_MAX,
    )
    max_buys: int = setting(
        3,
        title="Buys",
        help="At most this many buys in one dip.",
        unit="buys",
        group="orders",
        ge=1,
        le=BUYS_MAX,
    )
    rebuy_drop_pct: Decimal = setting(
        Decimal(3),
        title="Rebuy drop",
        help="The price this far under the last buy buys again, until a target has sold.",
        unit="%",
        group="orders",
        gt=0,
        lt=100,
    )
    entry_order: EntryOrder = setting(
        EntryOrder.LIMIT,
        title="Entry order",
        help="Market buys at once. Limit rests under the last price. Rebuys are ordered alike.",
        group="orders",
    )
    limit_offset_pct: Decimal = setting(
        ZERO,
        title="Limit offset",
        help="How far under the last price a limit rests.",
        unit="%",
        group="orders",
        ge=0,
        lt=100,
    )
    order_ttl_s: int = setting(
        3600,
        title="Limit lifetime",
        help="A limit that has not filled is cancelled after this long; what has filled is kept.",
        unit="s",
        group="orders",
        ge=1,
        le=COOLDOWN_MAX_S,
    )
    take_profits: tuple[Step, ...] = setting(
        USUAL_TARGETS,
        title="Take profits",
        help="Up to four parts, rising in profit over the average fill price (before fees), shares "
        "adding up to 100.",
        unit="%/%",
        group="exit",
        min_length=1,
        max_length=STEPS_MAX,
    )
    trail_arm_pct: Decimal = setting(
        Decimal(3),
        title="Trail from",
        help="Once the price has been this far over the average, the trail is armed. 0 is off.",
        unit="%",
        group="exit",
        ge=0,
        le=10_000,
    )
    trail_pct: Decimal = setting(
        Decimal(2),
        title="Trail",
        help="An armed trail sells the rest this far under the highest price since. 0 is off.",
        unit="%",
        group="exit",
        ge=0,
        lt=100,
    )
    stop_loss_pct: Decimal = setting(
        Decimal(10),
        title="Stop loss",
        help="The deal is sold at market this far under its average fill price. 0 is off.",
        unit="%",
        group="exit",
        ge=0,
        lt=100,
    )
    max_hold_candles: int = setting(
        0,
        title="Longest hold",
        help="The deal is sold at market after this many candles. 0 is never.",
        unit="candles",
        group="exit",
        ge=0,
        le=100_000,
    )
    roi_steps: tuple[RoiStep, ...] = setting(
        (),
        title="Profit by age",
        help="Up to four: from this age of the deal on, all of it is offered at this profit instead of "
        "at the take profits. Ages rise, profits fall.",
        unit="s/%",
        group="exit",
        max_length=STEPS_MAX,
    )

    @property
    def candle_ms(self) -> int:
        return self.timeframe.period_ms

    @property
    def trails(self) -> bool:
        return bool(self.trail_arm_pct and self.trail_pct)

    def spends(self, number: int) -> Decimal:
        """What buy `number`, from 1, spends in quote before fees."""
        return self.buy_amount * self.buy_weights[min(number, len(self.buy_weights)) - 1]

    @property
    def spends_most(self) -> Decimal:
        """What all buys of one dip spend together, in quote before fees."""
        return sum((self.spends(number) for number in range(1, self.max_buys + 1)), ZERO)

    @classmethod
    def suggested(cls, price: Decimal, market: Market) -> dict[str, str]:
        """The defaults a form offers for `market` at `price`: buys whose parts this market takes."""
        usual = cls.model_fields["buy_amount"].default
        deepest = price * (ONE - cls.model_fields["max_dip_pct"].default / HUNDRED)
        least = market.smallest(price, ONE) * price * HUNDRED / min(one.share_pct for one in USUAL_TARGETS)
        least = max(least, market.smallest(deepest, ONE) * price)
        amount = max(usual, ceil_to(least, Decimal(1)) if least > 1 else least)
        plan = cls(investment=MONEY_MAX, buy_amount=amount)
        needed = plan.spends_most * (1 + 2 * market.taker_fee) * Decimal("1.01")
        investment = max(INVESTMENT_USUAL, ceil_to(needed, Decimal(10)))
        return {"investment": plain(investment), "buy_amount": plain(amount)}

    def problems(self) -> list[Problem]:
        return [*super().problems(), *rule_problems(self)]
