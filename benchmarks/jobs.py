"""The five jobs, one market, 0.1 % fee a side, one unit an entry; every guard off, the low first.

Their settings stand for the textbook strategies that other programs run under the same names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from bots.backtest.run import Backtest, Terms
from bots.backtest.tape import Tape
from bots.strategies.base import Candles
from bots.strategies.candles import part
from bots.strategies.registry import BOT_TYPES, read_settings
from orders.gateways.candle_file import read_candles
from orders.rules import FeeIn, Market

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
YEAR = DATA / "bitfinex_BTCUSD_1m_2015.csv.gz"
QUARTER = DATA / "binanceusdm_FILUSDT_1m_2023-08_2023-11.csv.gz"
QUARTER_ROWS = 129_600
LOT, FEE = Decimal("1e-8"), Decimal("0.001")

OFF: Mapping[str, Any] = {
    "investment": 1_000_000,
    "max_daily_loss_pct": 0,
    "max_drawdown_pct": 0,
    "loss_guard_count": 0,
    "cooldown_s": 0,
    "max_slippage_pct": 0,
}


@dataclass(frozen=True, slots=True)
class Job:
    """`peer_s`: the fastest peer's CPU seconds for the year, measured on another machine."""

    name: str
    bot_type: str
    values: Mapping[str, Any]
    peer: str
    peer_s: float


JOBS = (
    Job(
        "J1 momentum",
        "momentum",
        {
            **OFF,
            "timeframe": "1m",
            "entry": "ema_cross",
            "ema_fast": 12,
            "ema_slow": 26,
            "exit_on_cross": True,
            "take_profit_pct": 4,
            "stop": "percent",
            "stop_pct": 2,
            "stop_trailing": False,
            "protective_stop": False,
            "cooldown_candles": 0,
            "rsi_period": 0,
            "adx_period": 0,
            "trend_sma": 0,
            "profit_trail_arm_pct": 0,
            "profit_trail_pct": 0,
            "amount": 100,
        },
        "backtesting.py",
        5.67,
    ),
    Job(
        "J2 grid",
        "grid",
        {
            **OFF,
            "lower_price": 200,
            "upper_price": 300,
            "lines": 20,
            "spacing": "arithmetic",
            "size_mode": "base",
            "order_size": 1,
        },
        "vectorbt",
        3.88,
    ),
    Job(
        "J3 DCA",
        "dca",
        {
            **OFF,
            "base_order_volume": 100,
            "safety_order_volume": 100,
            "max_safety_orders": 5,
            "safety_order_step_pct": 1,
            "safety_order_step_scale": "1.2",
            "safety_order_volume_scale": "1.4",
            "take_profit_pct": "1.2972028",
        },
        "vectorbt",
        1.27,
    ),
    Job(
        "J4 dip",
        "dip",
        {
            **OFF,
            "timeframe": "1m",
            "lookback": 240,
            "dip_pct": 3,
            "max_dip_pct": 99,
            "max_buys": 1,
            "take_profits": [{"profit_pct": 2, "share_pct": 100}],
            "stop_loss_pct": 5,
            "rsi_period": 0,
            "rebound_pct": 0,
            "knife_candles": 0,
            "trail_arm_pct": 0,
            "trail_pct": 0,
            "rearm_pct": 0,
            "entry_order": "market",
            "buy_amount": 100,
        },
        "vectorbt",
        2.88,
    ),
    Job(
        "J5 scalper",
        "scalper",
        {
            **OFF,
            "entry": "rsi",
            "entry_order": "market",
            "timeframe": "1m",
            "rsi_period": 14,
            "rsi_threshold": 30,
            "order_amount": 100,
            "take_profit_pct": "0.4",
            "stop_loss_pct": "0.6",
            "max_hold_s": 3600,
            "post_only": False,
            "max_trades_per_hour": 0,
            "max_consecutive_losses": 0,
            "max_spread_bps": 0,
            "min_depth_quote": 0,
        },
        "vectorbt",
        3.50,
    ),
)


def year() -> Candles:
    """BTC/USD of 2015 on the full grid of 525,600 minutes."""
    return read_candles(YEAR, fill_gaps=True).candles


def quarter() -> Candles:
    """FIL/USDT, the first 129,600 minutes from August 2023 on."""
    return part(read_candles(QUARTER).candles, 0, QUARTER_ROWS)


def market(tick: str = "0.01") -> Market:
    return Market("benchmark", "BTC/USD", Decimal(tick), LOT, LOT, Decimal(0), FEE, FEE, FeeIn.QUOTE)


def prepared(job: Job, candles: Candles, *, tick: str = "0.01", **changes: Any) -> Backtest:
    """The job ready to run, indicators computed."""
    settings = read_settings(job.bot_type, {**job.values, **changes})
    strategy = BOT_TYPES[job.bot_type].build(settings, market(tick))
    return Backtest(strategy, Tape(candles, "1m"), Terms(pessimistic=True))
