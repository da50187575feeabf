"""When a momentum bot may buy: the entry it waits for, and the filters around it."""

from decimal import Decimal
from functools import cached_property

from bots.strategies.entries import EntryOrder
from bots.strategies.momentum.choices import Entry
from bots.strategies.settings import Settings, setting
from bots.strategies.timeframes import Timeframe
from orders.rules import ZERO

PERIOD_MAX = 1000
AT_MARKET = EntryOrder.MARKET


class EntryConditions(Settings):
    """The part of a momentum bot's settings that its signals are computed from."""

    timeframe: Timeframe = setting(
        Timeframe.H1,
        title="Timeframe",
        help="The candles all signals are computed on; only closed ones count.",
        group="start",
    )
    entry: Entry = setting(
        Entry.EMA_CROSS,
        title="Entry",
        help="EMA cross: the fast average crosses over the slow one. MACD: its line crosses over its signal. "
        "RSI: it crosses up through the lower RSI limit. Breakout: the close is over the highest high.",
        group="start",
    )
    entry_order: EntryOrder = setting(
        EntryOrder.MARKET,
        title="Entry order",
        help="Market buys at the next price; limit rests at the bid. "
        "What has not filled when the next candle closes is cancelled.",
        group="start",
    )
    ema_fast: int = setting(
        9, title="Fast EMA", help="Must be under the slow one.", unit="candles", group="start", ge=2, le=500
    )
    ema_slow: int = setting(
        21, title="Slow EMA", help="Must be over the fast one.", unit="candles", group="start", ge=3, le=500
    )
    entry_margin_pct: Decimal = setting(
        ZERO,
        title="Cross margin",
        help="With EMA cross: the fast average must be this far over the slow one in the crossing candle.",
        unit="%",
        group="start",
        ge=0,
        lt=100,
    )
    macd_fast: int = setting(
        12, title="MACD fast", help="The MACD's fast EMA.", unit="candles", group="start", ge=2, le=500
    )
    macd_slow: int = setting(
        26, title="MACD slow", help="The MACD's slow EMA.", unit="candles", group="start", ge=3, le=500
    )
    macd_signal: int = setting(
        9,
        title="MACD signal",
        help="The EMA of the MACD's line that it must cross.",
        unit="candles",
        group="start",
        ge=1,
        le=500,
    )
    rsi_period: int = setting(
        14,
        title="RSI period",
        help="The RSI must lie within its limits for every kind of entry. 0 turns this filter off.",
        unit="candles",
        group="start",
        ge=0,
        le=500,
    )
    rsi_min: Decimal = setting(
        Decimal(50),
        title="Lowest RSI",
        help="No entry under it; the entry RSI crosses up through it.",
        group="start",
        ge=0,
        lt=100,
    )
    rsi_max: Decimal = setting(
        Decimal(75), title="Highest RSI", help="No entry over it. 0 is no limit.", group="start", ge=0, le=100
    )
    adx_period: int = setting(
        14,
        title="ADX period",
        help="The ADX tells how strong a trend is, up or down. 0 turns this filter off.",
        unit="candles",
        group="start",
        ge=0,
        le=500,
    )
    adx_min: Decimal = setting(
        Decimal(20),
        title="Lowest ADX",
        help="No entry while the ADX is under it. 0 turns this filter off.",
        group="start",
        ge=0,
        lt=100,
    )
    breakout_lookback: int = setting(
        20,
        title="Breakout lookback",
        help="With breakout: the close must be over the highest high of this many candles before it.",
        unit="candles",
        group="start",
        ge=2,
        le=PERIOD_MAX,
    )
    volume_factor: Decimal = setting(
        ZERO,
        title="Volume factor",
        help="The candle's volume must be at least this many times the mean of the last 20, itself "
        "included. 0 is off.",
        unit="×",
        group="start",
        ge=0,
        le=20,
    )
    trend_sma: int = setting(
        200,
        title="Trend average",
        help="No entry unless the close is over the mean of this many closes. "
        "0 turns this and the extension limit off.",
        unit="candles",
        group="start",
        ge=0,
        le=PERIOD_MAX,
    )
    max_extension_pct: Decimal = setting(
        Decimal(40),
        title="Extension limit",
        help="No entry when the close is farther than this over the trend average. 0 is off.",
        unit="%",
        group="start",
        ge=0,
        le=10_000,
    )

    @cached_property
    def candle(self) -> str:
        """The timeframe as a wake names it."""
        return self.timeframe.value

    @cached_property
    def at_market(self) -> bool:
        return self.entry_order is AT_MARKET

    @cached_property
    def filters_rsi(self) -> bool:
        return bool(self.rsi_period) and (self.rsi_min > 0 or self.rsi_max > 0)

    @cached_property
    def filters_adx(self) -> bool:
        return bool(self.adx_period and self.adx_min)
