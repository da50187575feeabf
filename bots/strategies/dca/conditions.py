"""When a DCA bot may open a deal."""

from decimal import Decimal

from bots.strategies.dca.choices import Direction, StartCondition
from bots.strategies.settings import DAY_S, Settings, rsi_candles, setting
from bots.strategies.timeframes import Timeframe

AGE_MAX_S = 360 * DAY_S


class StartConditions(Settings):
    """The part of a DCA bot's settings that tells when its next deal begins."""

    start_condition: StartCondition = setting(
        StartCondition.NONSTOP,
        title="Start condition",
        help="Nonstop opens the next deal at once; RSI, schedule and manual wait for their moment.",
        group="start",
    )
    rsi_timeframe: Timeframe = setting(
        Timeframe.H1,
        title="RSI timeframe",
        help="The candles the RSI is computed on; only closed ones count.",
        group="start",
    )
    rsi_period: int = rsi_candles()
    rsi_threshold: Decimal = setting(
        Decimal(30),
        title="RSI threshold",
        help="A deal may open while the last closed candle's RSI is beyond it; each candle opens one deal.",
        group="start",
        ge=0,
        le=100,
    )
    rsi_direction: Direction = setting(
        Direction.BELOW,
        title="RSI direction",
        help="Below: the RSI must be under the threshold. Above: over it.",
        group="start",
    )
    every_s: int = setting(
        86_400,
        title="Every",
        help="With a schedule: a deal opens this often, the first at once. "
        "A turn that finds a deal open is left out.",
        unit="s",
        group="start",
        ge=60,
        le=AGE_MAX_S,
    )
