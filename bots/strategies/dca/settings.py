"""What a DCA bot can be told."""

from decimal import Decimal
from functools import cached_property

from bots.strategies.dca.choices import (
    BaseOrderType,
    Reference,
    StopAction,
    StopReference,
    TakeProfitType,
)
from bots.strategies.dca.conditions import AGE_MAX_S, StartConditions
from bots.strategies.dca.ladder import Ladder
from bots.strategies.dca.rules import rule_problems
from bots.strategies.settings import COOLDOWN_MAX_S, INVESTMENT_USUAL, MONEY_MAX, Problem, setting
from bots.strategies.steps import STEPS_MAX, Step
from orders.rules import HUNDRED, ZERO, Market, ceil_to

SAFETY_ORDERS_MAX = 200


class DcaSettings(StartConditions):
    """Buys a base order, then safety orders at falling prices, and sells the whole over its average."""

    base_order_volume: Decimal = setting(
        Decimal(20),
        title="Base order",
        help="What the first buy of a deal spends.",
        unit="quote",
        group="orders",
        gt=0,
        le=MONEY_MAX,
    )
    base_order_type: BaseOrderType = setting(
        BaseOrderType.MARKET,
        title="Base order type",
        help="Market buys at once. Limit rests at the bid and is quoted again after 60 s.",
        group="orders",
    )
    safety_order_volume: Decimal = setting(
        Decimal(20),
        title="Safety order",
        help="What the first safety order spends.",
        unit="quote",
        group="orders",
        ge=0,
        le=MONEY_MAX,
    )
    max_safety_orders: int = setting(
        5,
        title="Safety orders",
        help="How many buys may follow as the price falls.",
        unit="orders",
        group="orders",
        ge=0,
        le=SAFETY_ORDERS_MAX,
    )
    active_safety_orders: int = setting(
        1,
        title="Active safety orders",
        help="How many of them rest on the book at a time.",
        unit="orders",
        group="orders",
        ge=1,
        le=SAFETY_ORDERS_MAX,
    )
    safety_order_step_pct: Decimal = setting(
        Decimal("1.5"),
        title="Step",
        help="How far under the base order's price the first safety order rests.",
        unit="%",
        group="orders",
        gt=0,
        lt=100,
    )
    safety_order_step_scale: Decimal = setting(
        Decimal("1.2"),
        title="Step scale",
        help="Each further step is this many times the one before.",
        unit="×",
        group="orders",
        ge=Decimal("0.1"),
        le=10,
    )
    safety_order_volume_scale: Decimal = setting(
        Decimal("1.4"),
        title="Volume scale",
        help="Each further safety order spends this many times the one before.",
        unit="×",
        group="orders",
        ge=Decimal("0.1"),
        le=10,
    )
    deviation_reference: Reference = setting(
        Reference.BASE,
        title="Deviation reference",
        help="Base: steps add up from the base order's price. "
        "Last: each is taken from the planned price before it.",
        group="orders",
    )
    take_profit_pct: Decimal = setting(
        Decimal("1.5"),
        title="Take profit",
        help="Profit at which the deal is sold, net of both fees.",
        unit="%",
        group="exit",
        gt=0,
        le=10_000,
    )
    take_profit_type: TakeProfitType = setting(
        TakeProfitType.TOTAL,
        title="Take profit of",
        help="Total: percent of all the deal has spent. Base: percent of the base order only.",
        group="exit",
    )
    take_profit_steps: tuple[Step, ...] = setting(
        (),
        title="Take profit steps",
        help="Up to four parts, rising in profit, shares adding up to 100; they replace the take profit. "
        "Once the first has sold, safety orders are cancelled.",
        unit="%/%",
        group="exit",
        max_length=STEPS_MAX,
    )
    trailing_deviation_pct: Decimal = setting(
        ZERO,
        title="Trailing deviation",
        help="At the target nothing is sold yet; the deal is sold when the price falls this far from "
        "its peak. With steps only the last trails. 0 is off.",
        unit="%",
        group="exit",
        ge=0,
        lt=100,
    )
    stop_loss_pct: Decimal = setting(
        ZERO,
        title="Stop loss",
        help="The deal is sold at market when the price is this far under the reference. 0 is off.",
        unit="%",
        group="exit",
        ge=0,
        lt=100,
    )
    stop_loss_timeout_s: int = setting(
        0,
        title="Stop loss timeout",
        help="The price must stay under the stop this long.",
        unit="s",
        group="exit",
        ge=0,
        le=COOLDOWN_MAX_S,
    )
    stop_loss_reference: StopReference = setting(
        StopReference.BASE,
        title="Stop loss from",
        help="Base: the base order's average price. Average: the deal's average cost, fees included.",
        group="exit",
    )
    stop_loss_action: StopAction = setting(
        StopAction.CLOSE,
        title="Stop loss action",
        help="Close sells the deal; close and stop also stops the bot.",
        group="exit",
    )
    breakeven_after_first_step: bool = setting(
        False,
        title="Break-even after the first step",
        help="Once the first step has sold, the stop stands at break-even. Needs two steps or more.",
        group="exit",
    )
    max_deals: int = setting(
        0,
        title="Deals",
        help="The bot stops after this many deals. 0 is unlimited.",
        unit="deals",
        group="deals",
        ge=0,
        le=1_000_000,
    )
    close_after_s: int = setting(
        0,
        title="Close after",
        help="At this age a deal is sold at market. 0 is never, else 60 or more.",
        unit="s",
        group="deals",
        ge=0,
        le=AGE_MAX_S,
    )
    min_price: Decimal | None = setting(
        None,
        title="Lowest entry price",
        help="No deal opens under this price. Empty is no limit.",
        unit="quote",
        group="deals",
        gt=0,
        le=MONEY_MAX,
    )
    max_price: Decimal | None = setting(
        None,
        title="Highest entry price",
        help="No deal opens over this price. Empty is no limit.",
        unit="quote",
        group="deals",
        gt=0,
        le=MONEY_MAX,
    )
    reinvest_pct: Decimal = setting(
        ZERO,
        title="Reinvest",
        help="This share of the profit realised so far enlarges the next deal's base order.",
        unit="% of profit",
        group="deals",
        ge=0,
        le=100,
    )

    @property
    def ladder(self) -> Ladder:
        return Ladder.of(
            count=self.max_safety_orders,
            step_pct=self.safety_order_step_pct,
            step_scale=self.safety_order_step_scale,
            volume=self.safety_order_volume,
            volume_scale=self.safety_order_volume_scale,
            chained=self.deviation_reference is Reference.LAST,
        )

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The parts of the exit; without steps the whole at the take profit."""
        whole = Step.model_construct(profit_pct=self.take_profit_pct, share_pct=HUNDRED)
        return self.take_profit_steps or (whole,)

    @property
    def terms(self) -> str:
        """The settings that make a deal's target, as a text to compare."""
        steps = ",".join(f"{step.profit_pct:f}:{step.share_pct:f}" for step in self.steps)
        return f"{self.take_profit_type} {steps} {'trailed' if self.trailing_deviation_pct else 'resting'}"

    @classmethod
    def suggested(cls, price: Decimal, market: Market) -> dict[str, str]:
        """The defaults a form offers for `market` at `price`: volumes that this market takes."""
        usual = cls.model_fields["base_order_volume"].default
        least = market.smallest(price) * price * Decimal("1.1")
        volume = max(usual, ceil_to(least, Decimal(1)) if least > 1 else least)
        plan = cls(investment=MONEY_MAX, base_order_volume=volume, safety_order_volume=volume)
        needed = (volume + plan.ladder.volume) * (1 + 2 * market.taker_fee) * Decimal("1.01")
        investment = max(INVESTMENT_USUAL, ceil_to(needed, Decimal(10)))
        return {
            "investment": f"{investment:f}",
            "base_order_volume": f"{volume:f}",
            "safety_order_volume": f"{volume:f}",
        }

    def problems(self) -> list[Problem]:
        return [*super().problems(), *rule_problems(self)]
