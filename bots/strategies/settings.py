"""What every bot's settings share, and how one setting is written down.

A settings model is the single source of the form, the help texts, the units, the defaults and the
validation; `problems` adds the rules that need more than one field.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from orders.records import Frozen
from orders.rules import ZERO

DAY_S = 86_400
COOLDOWN_MAX_S = 30 * DAY_S
MONEY_MAX = Decimal(10) ** 15
INVESTMENT_USUAL = Decimal(250)


class Problem(Frozen):
    """Something that forbids a start, or (`warning`) that a person should know first.

    `fix` is the value of `field` that would mend it, as text, or empty when there is no single one.
    """

    code: str
    field: str
    message: str
    fix: str = ""
    warning: bool = False


class OnStop(StrEnum):
    KEEP_ORDERS = "keep_orders"
    CANCEL_ORDERS = "cancel_orders"
    CANCEL_AND_SELL = "cancel_and_sell"


def setting(
    default: Any = ..., *, title: str, help: str, unit: str = "", group: str = "", **limits: Any
) -> Any:
    """A field of a settings model: pydantic's limits, plus what the form shows a person."""
    extra: dict[str, Any] = {"unit": unit, "group": group}
    return Field(default, title=title, description=help, json_schema_extra=extra, **limits)


def loss_guard(default: int, off: str = "0 is off.") -> Any:
    return setting(
        default,
        title="Loss guard",
        help=f"This many losing deals inside the window pause entries. {off}",
        unit="deals",
        group="protection",
        ge=0,
        le=100,
    )


def cooldown(default: int) -> Any:
    return setting(
        default,
        title="Cooldown",
        help="The wait after each closed deal before the next may open.",
        unit="s",
        group="protection",
        ge=0,
        le=COOLDOWN_MAX_S,
    )


def slippage_limit(default: Decimal, more: str = "") -> Any:
    return setting(
        default,
        title="Slippage limit",
        help="An entry at market that would pay more than this over the price is not sent. "
        f"0 is no limit.{more}",
        unit="%",
        group="protection",
        ge=0,
        lt=100,
    )


def rsi_candles() -> Any:
    return setting(
        14, title="RSI period", help="Candles in the RSI.", unit="candles", group="start", ge=2, le=200
    )


class Settings(BaseModel):
    """The protective settings every bot has. Percent fields hold percent, `_s` seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)

    investment: Decimal = setting(
        title="Investment",
        help="The most this bot may ever have committed, plus reinvested profit.",
        unit="quote",
        gt=0,
        le=MONEY_MAX,
    )
    max_daily_loss_pct: Decimal = setting(
        Decimal(5),
        title="Daily loss limit",
        help="When equity has fallen this far since your midnight, entries pause until the next. 0 is off.",
        unit="% of investment",
        group="protection",
        ge=0,
        le=100,
    )
    max_drawdown_pct: Decimal = setting(
        Decimal(20),
        title="Drawdown limit",
        help="When equity has fallen this far from its peak since the start, the bot stops. 0 is off.",
        unit="% from peak",
        group="protection",
        ge=0,
        le=100,
    )
    on_drawdown: OnStop = setting(
        OnStop.CANCEL_AND_SELL,
        title="On drawdown",
        help="What happens to orders and coins when the drawdown limit stops the bot.",
        group="protection",
    )
    loss_guard_count: int = loss_guard(3)
    loss_guard_window_s: int = setting(
        DAY_S,
        title="Loss guard window",
        help="How far back losing deals are counted.",
        unit="s",
        group="protection",
        ge=1,
        le=COOLDOWN_MAX_S,
    )
    loss_guard_pause_s: int = setting(
        43_200,
        title="Loss guard pause",
        help="How long entries pause when the loss guard trips.",
        unit="s",
        group="protection",
        ge=1,
        le=COOLDOWN_MAX_S,
    )
    cooldown_s: int = cooldown(60)
    max_slippage_pct: Decimal = slippage_limit(Decimal("0.5"))
    stale_after_s: int = setting(
        30,
        title="Stale price",
        help="No entry on a price older than this.",
        unit="s",
        group="protection",
        ge=1,
        le=3600,
    )
    on_stop: OnStop = setting(
        OnStop.CANCEL_ORDERS,
        title="On stop",
        help="What happens to orders and coins when you stop the bot. Where orders are cancelled and coins "
        "kept, a protective stop that rests stays until it sells them.",
        group="protection",
    )
    bot_take_profit_pct: Decimal = setting(
        ZERO,
        title="Bot take profit",
        help="At this total profit the bot sells all and stops. 0 is off.",
        unit="% of investment",
        group="protection",
        ge=0,
        le=100_000,
    )
    bot_stop_loss_pct: Decimal = setting(
        ZERO,
        title="Bot stop loss",
        help="At this total loss the bot sells all and stops. 0 is off.",
        unit="% of investment",
        group="protection",
        ge=0,
        le=100,
    )

    def problems(self) -> list[Problem]:
        """What no market could mend: rules between fields. Without a database, price or market."""
        return []
