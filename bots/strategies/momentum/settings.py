"""What a momentum bot can be told."""

from decimal import Decimal
from functools import cached_property

from bots.strategies.momentum.choices import RoiStep, SizeMode, StopKind
from bots.strategies.momentum.conditions import PERIOD_MAX, EntryConditions
from bots.strategies.momentum.rules import rule_problems
from bots.strategies.settings import INVESTMENT_USUAL, MONEY_MAX, Problem, loss_guard, setting
from bots.strategies.steps import STEPS_MAX
from orders.rules import HUNDRED, ONE, RESERVE_FACTOR_MAX, ZERO, Market, ceil_to

HOLD_MAX = 100_000
ATR = StopKind.ATR


class MomentumSettings(EntryConditions):
    """Buys when a candle closes strong, and sells when a stop that follows the price is reached."""

    stop: StopKind = setting(
        ATR,
        title="Stop",
        help="ATR: its multiple away, so wild markets get more room. Percent: a fixed distance.",
        group="exit",
    )
    stop_trailing: bool = setting(
        True,
        title="Trailing stop",
        help="The stop follows the highest price since the entry, and never falls. "
        "Off: it stays where the entry put it.",
        group="exit",
    )
    atr_period: int = setting(
        14,
        title="ATR period",
        help="Candles in the average true range.",
        unit="candles",
        group="exit",
        ge=1,
        le=500,
    )
    atr_multiple: Decimal = setting(
        Decimal(3), title="ATR multiple", help="How many ATR away.", unit="×", group="exit", gt=0, le=100
    )
    stop_pct: Decimal = setting(
        Decimal(5),
        title="Stop distance",
        help="How far away a percent stop is; also an ATR stop's should no ATR be known.",
        unit="%",
        group="exit",
        gt=0,
        lt=100,
    )
    profit_trail_arm_pct: Decimal = setting(
        Decimal(5),
        title="Profit trail from",
        help="Once the price has been this far over the average fill price, the profit trail begins. "
        "0 is off.",
        unit="%",
        group="exit",
        ge=0,
        le=10_000,
    )
    profit_trail_pct: Decimal = setting(
        Decimal(3),
        title="Profit trail",
        help="Sells this far under the highest price. 0 is off.",
        unit="%",
        group="exit",
        ge=0,
        lt=100,
    )
    take_profit_pct: Decimal = setting(
        ZERO,
        title="Take profit",
        help="Sells this far over the average fill price, before fees: by a limit order that rests, or, "
        "where a protective stop rests, at market once the price is there. 0 is off.",
        unit="%",
        group="exit",
        ge=0,
        le=10_000,
    )
    roi_steps: tuple[RoiStep, ...] = setting(
        (),
        title="Targets by time",
        help="Seconds since the entry and the profit in percent that replaces the target from then on, "
        "up to four, the profit falling: 3600/3, 7200/1.",
        unit="s/%",
        group="exit",
        max_length=STEPS_MAX,
    )
    exit_on_cross: bool = setting(
        False,
        title="Exit on the opposite cross",
        help="Sells when a candle closes with the entry's opposite: EMA or MACD crossing down, RSI "
        "crossing down through its lower limit, a close under the lowest low of the breakout lookback.",
        group="exit",
    )
    max_hold_candles: int = setting(
        0,
        title="Longest hold",
        help="A deal is sold when this many candles have closed since it opened. 0 is off.",
        unit="candles",
        group="exit",
        ge=0,
        le=HOLD_MAX,
    )
    protective_stop: bool = setting(
        True,
        title="Protective stop on the exchange",
        help="Where the exchange supports it, the stop rests there as a stop-limit order, so it holds even "
        "while this server is off. It follows the trailing stops with each closed candle, not in between, "
        "and locks the coins: targets are then watched and sold at market. "
        "Elsewhere the bot watches the stop itself.",
        group="exit",
    )
    stop_limit_offset_pct: Decimal = setting(
        Decimal(2),
        title="Stop-limit offset",
        help="How far under its trigger the protective stop sells at the lowest. When the price falls "
        "through that before all is sold, the bot sells the rest at market.",
        unit="%",
        group="exit",
        ge=0,
        lt=100,
    )
    size_mode: SizeMode = setting(
        SizeMode.AMOUNT,
        title="Size by",
        help="Amount: the same each time. Risk: so much that the stop loses the risk.",
        group="size",
    )
    amount: Decimal = setting(
        Decimal(50),
        title="Amount",
        help="What each entry spends when sized by amount.",
        unit="quote",
        group="size",
        gt=0,
        le=MONEY_MAX,
    )
    risk_pct: Decimal = setting(
        Decimal(1),
        title="Risk",
        help="What an entry sized by risk may lose at its stop, before fees; never more than is left "
        "to spend.",
        unit="% of equity",
        group="size",
        gt=0,
        le=100,
    )
    cooldown_candles: int = setting(
        3,
        title="Cooldown after a stop",
        help="The signals of this many candles that close after a stop are left out. "
        "The profit trail is no such stop. 0 is off.",
        unit="candles",
        group="deals",
        ge=0,
        le=PERIOD_MAX,
    )
    loss_guard_count: int = loss_guard(0)

    @cached_property
    def stop_part(self) -> Decimal:
        """Where a percent's stop stands, as a part of the price it is measured from."""
        return ONE - self.stop_pct / HUNDRED

    @cached_property
    def target_part(self) -> Decimal | None:
        return ONE + self.take_profit_pct / HUNDRED if self.take_profit_pct else None

    @cached_property
    def trails_profit(self) -> bool:
        return bool(self.profit_trail_arm_pct and self.profit_trail_pct)

    @cached_property
    def atr_stop(self) -> bool:
        return self.stop is ATR

    @classmethod
    def suggested(cls, price: Decimal, market: Market) -> dict[str, str]:
        """The defaults a form offers for `market` at `price`: an amount that this market takes."""
        usual = cls.model_fields["amount"].default
        least = max(market.min_amount * price, market.min_cost) * RESERVE_FACTOR_MAX
        least = (least + market.lot * price) * Decimal("1.1")
        amount = max(usual, ceil_to(least, Decimal(1)) if least > 1 else least)
        investment = max(INVESTMENT_USUAL, ceil_to(amount * Decimal("1.1"), Decimal(10)))
        return {"investment": f"{investment:f}", "amount": f"{amount:f}"}

    def problems(self) -> list[Problem]:
        return [*super().problems(), *rule_problems(self)]
