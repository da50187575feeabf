"""What a user chooses for a grid, and the rules between those choices."""

from decimal import Decimal
from enum import StrEnum
from typing import cast

from bots.strategies.settings import MONEY_MAX, Problem, Settings, setting
from orders.rules import ONE, ZERO, Market

LINES_MAX = 200
SUGGESTED_REACH = Decimal("0.1")


class Spacing(StrEnum):
    ARITHMETIC = "arithmetic"
    GEOMETRIC = "geometric"


class SizeMode(StrEnum):
    QUOTE = "quote"
    BASE = "base"


class GapRule(StrEnum):
    NEAREST = "nearest"
    ABOVE = "above"
    BELOW = "below"


class ExitAction(StrEnum):
    SELL = "sell"
    KEEP = "keep"


class GridSettings(Settings):
    """A range of price lines, the size of the order on each, and when to leave."""

    lower_price: Decimal = setting(
        title="Lower price", help="The lowest line.", unit="quote", group="range", gt=0, le=MONEY_MAX
    )
    upper_price: Decimal | None = setting(
        None,
        title="Upper price",
        help="The highest line. Not needed for an infinity grid.",
        unit="quote",
        group="range",
        gt=0,
        le=MONEY_MAX,
    )
    lines: int = setting(
        21,
        title="Lines",
        help="Price lines from lower to upper; one fewer orders rest, since one line stays empty.",
        unit="lines",
        group="range",
        ge=2,
        le=LINES_MAX,
    )
    spacing: Spacing = setting(
        Spacing.GEOMETRIC,
        title="Spacing",
        help="Arithmetic: equal distances. Geometric: equal percents.",
        group="range",
    )
    size_mode: SizeMode = setting(
        SizeMode.QUOTE,
        title="Size mode",
        help="The same value in quote on each line, or the same amount of base.",
        group="size",
    )
    order_size: Decimal | None = setting(
        None,
        title="Order size",
        help="Quote or base of each order, by size mode. Empty: the largest that the investment covers.",
        unit="quote or base",
        group="size",
        gt=0,
        le=MONEY_MAX,
    )
    initial_base: Decimal = setting(
        ZERO,
        title="Coins already held",
        help="Used before any are bought; valued at the start and counted in the investment.",
        unit="base",
        group="size",
        ge=0,
        le=MONEY_MAX,
    )
    reinvest: bool = setting(
        False, title="Reinvest", help="Grid profit enlarges the orders that follow.", group="size"
    )
    max_active_orders: int | None = setting(
        None,
        title="Orders at once",
        help="At most this many orders rest, those nearest to the empty line first. Empty: all.",
        unit="orders",
        group="size",
        ge=1,
        le=LINES_MAX,
    )
    gap_rule: GapRule = setting(
        GapRule.NEAREST,
        title="Empty line",
        help="Which line has no order at the start: the nearest to the price, the next above or below it.",
        group="start",
    )
    trigger_price: Decimal | None = setting(
        None,
        title="Trigger price",
        help="The grid starts when the price touches this. Empty: at once.",
        unit="quote",
        group="start",
        gt=0,
        le=MONEY_MAX,
    )
    stop_loss_price: Decimal | None = setting(
        None,
        title="Stop loss price",
        help="At or below this price the grid ends for good. Empty is off.",
        unit="quote",
        group="exit",
        gt=0,
        le=MONEY_MAX,
    )
    take_profit_price: Decimal | None = setting(
        None,
        title="Take profit price",
        help="At or above this price the grid ends. Empty is off.",
        unit="quote",
        group="exit",
        gt=0,
        le=MONEY_MAX,
    )
    exit_action: ExitAction = setting(
        ExitAction.SELL,
        title="Exit action",
        help="At the stop loss or take profit price: sell the coins, or cancel the orders and keep them.",
        group="exit",
    )
    trailing_up: bool = setting(
        False,
        title="Trailing up",
        help="One step above the highest line the whole range moves up by a step, never back.",
        group="trailing",
    )
    trailing_up_limit: Decimal | None = setting(
        None,
        title="Trailing up limit",
        help="The highest line never moves above this. Empty: no limit.",
        unit="quote",
        group="trailing",
        gt=0,
        le=MONEY_MAX,
    )
    trailing_down: bool = setting(
        False,
        title="Trailing down",
        help="One step below the lowest line the whole range moves down by a step, never back.",
        group="trailing",
    )
    trailing_down_limit: Decimal | None = setting(
        None,
        title="Trailing down limit",
        help="The lowest line never moves below this.",
        unit="quote",
        group="trailing",
        gt=0,
        le=MONEY_MAX,
    )
    infinity: bool = setting(
        False,
        title="Infinity",
        help="No upper end: coins of a constant value are held above the lower price, the gain is sold "
        "and the loss bought back at each step. Lines and upper price are not used.",
        group="infinity",
    )
    step_pct: Decimal = setting(
        ONE,
        title="Step",
        help="The distance between two lines of an infinity grid.",
        unit="%",
        group="infinity",
        gt=0,
        le=100,
    )

    @property
    def top(self) -> Decimal:
        """The upper price in quote, of a grid that has one."""
        return cast(Decimal, self.upper_price)

    def problems(self) -> list[Problem]:
        return [
            *super().problems(),
            *self._range(),
            *self._trailing(),
            *self._stop_loss(),
            *self._take_profit(),
        ]

    @classmethod
    def suggested(cls, price: Decimal, market: Market) -> dict[str, str]:
        """A range 10 % around `price` (quote), on the tick, as a form offers it."""
        return {
            "lower_price": f"{max(market.line(price * (1 - SUGGESTED_REACH)), market.tick):f}",
            "upper_price": f"{market.line(price * (1 + SUGGESTED_REACH)):f}",
        }

    def _range(self) -> list[Problem]:
        if self.infinity:
            if self.size_mode is SizeMode.BASE:
                message = "Size mode must be quote for an infinity grid: it holds a constant value."
                return [Problem("infinity_size_mode", "size_mode", message, SizeMode.QUOTE.value)]
            return []
        if self.upper_price is None:
            return [
                Problem("required", "upper_price", "Upper price is required, unless the grid is infinite.")
            ]
        if self.upper_price <= self.lower_price:
            message = f"Upper price must be above the lower price {self.lower_price:f}."
            return [Problem("range", "upper_price", message)]
        return []

    def _trailing(self) -> list[Problem]:
        found: list[Problem] = []
        if self.infinity and (self.trailing_up or self.trailing_down):
            name = "trailing_up" if self.trailing_up else "trailing_down"
            message = "Trailing must be off for an infinity grid: it has no range to move."
            return [Problem("infinity_trailing", name, message, "false")]
        if self.trailing_up and self.trailing_down:
            message = "Trailing down must be off while trailing up is on: a grid trails one way."
            found.append(Problem("trailing_both", "trailing_down", message, "false"))
        limit = self.trailing_up_limit
        if self.trailing_up and limit is not None and self.upper_price and limit < self.upper_price:
            message = f"Trailing up limit must be at least the upper price {self.upper_price:f}."
            found.append(Problem("trailing_limit", "trailing_up_limit", message, f"{self.upper_price:f}"))
        if self.trailing_down and self.trailing_down_limit is None:
            message = "Trailing down limit is required: without it the grid would follow a fall to nothing."
            found.append(Problem("required", "trailing_down_limit", message))
        limit = self.trailing_down_limit
        if self.trailing_down and limit is not None and limit > self.lower_price:
            message = f"Trailing down limit must be at most the lower price {self.lower_price:f}."
            found.append(Problem("trailing_limit", "trailing_down_limit", message, f"{self.lower_price:f}"))
        return found

    def _stop_loss(self) -> list[Problem]:
        bounds = {
            "the lower price": self.lower_price,
            "the trailing down limit": self.trailing_down_limit if self.trailing_down else None,
            "the trigger price": self.trigger_price,
        }
        return [
            Problem("stop_loss", "stop_loss_price", f"Stop loss price must be below {name} {bound:f}.")
            for name, bound in bounds.items()
            if self.stop_loss_price is not None and bound is not None and self.stop_loss_price >= bound
        ]

    def _take_profit(self) -> list[Problem]:
        bounds = {
            "the upper price": None if self.infinity else self.upper_price,
            "the trailing up limit": self.trailing_up_limit if self.trailing_up else None,
            "the lower price": self.lower_price if self.infinity else None,
            "the trigger price": self.trigger_price,
        }
        return [
            Problem("take_profit", "take_profit_price", f"Take profit price must be above {name} {bound:f}.")
            for name, bound in bounds.items()
            if self.take_profit_price is not None and bound is not None and self.take_profit_price <= bound
        ]
