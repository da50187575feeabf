"""Made-up candles, each time the same for a seed, and the five bots set to be busy on them."""

import random
from decimal import Decimal
from typing import Any

import numpy as np

from bots.backtest.run import Backtest, Terms
from bots.backtest.tape import Tape
from bots.strategies.base import Candles
from bots.strategies.candles import part
from bots.strategies.registry import BOT_TYPES, read_settings
from orders.gateways.listed import LISTED
from orders.rules import Market

MARKET = LISTED["BTC/USDT"].rules
BEGAN_MS = 1_722_816_000_000
MINUTE_MS = 60_000

# Every guard off that would end the trading of a long test early.
OPEN: dict[str, Any] = {"investment": "2000", "max_daily_loss_pct": 0, "max_drawdown_pct": 0, "cooldown_s": 0}
BUSY: dict[str, dict[str, Any]] = {
    "grid": {**OPEN, "lower_price": "57000", "upper_price": "63000", "lines": 25},
    "dca": {
        **OPEN,
        "safety_order_step_pct": "0.3",
        "take_profit_pct": "0.4",
        "trailing_deviation_pct": "0.1",
    },
    "momentum": {
        **OPEN,
        "timeframe": "1m",
        "ema_fast": 2,
        "ema_slow": 3,
        "rsi_period": 0,
        "adx_period": 0,
        "trend_sma": 0,
        "atr_period": 2,
        "atr_multiple": 2,
        "take_profit_pct": "0.6",
        "exit_on_cross": True,
        "cooldown_candles": 0,
        "profit_trail_arm_pct": 0,
        "profit_trail_pct": 0,
    },
    "dip": {
        **OPEN,
        "timeframe": "1m",
        "lookback": 5,
        "dip_pct": "0.4",
        "max_dip_pct": 20,
        "rsi_period": 0,
        "rebound_pct": "0.05",
        "knife_candles": 0,
        "rebuy_drop_pct": "0.3",
        "take_profits": [{"profit_pct": "0.3", "share_pct": 50}, {"profit_pct": "0.6", "share_pct": 50}],
        "stop_loss_pct": "1.5",
        "trail_arm_pct": "0.2",
        "trail_pct": "0.1",
        "loss_guard_count": 0,
    },
    "scalper": {
        **OPEN,
        "entry": "rsi",
        "rsi_period": 2,
        "rsi_threshold": 40,
        "order_amount": "100",
        "take_profit_pct": "0.5",
        "max_hold_s": 600,
        "max_consecutive_losses": 0,
    },
}


def walk(seed: int, minutes: int, *, step: float = 0.0025, gap: float = 0.0) -> Candles:
    """A random walk from 60,000 on the tick; with `gap` some opens jump away from the last close."""
    chance, price, rows = random.Random(seed), 60_000.0, []
    for _ in range(minutes):
        opened = price * (1 + chance.gauss(0, gap)) if gap else price
        price = opened * (1 + chance.gauss(0, step))
        wick = abs(chance.gauss(0, step / 2))
        high, low = max(opened, price) * (1 + wick), min(opened, price) * (1 - wick)
        rows.append([round(value, 2) for value in (opened, high, low, price)])
    table = np.array(rows)
    at = BEGAN_MS + np.arange(minutes, dtype=np.int64) * MINUTE_MS
    return Candles(at, table[:, 0], table[:, 1], table[:, 2], table[:, 3], np.full(minutes, 1.5))


def backtest(
    bot_type: str, values: dict[str, Any], candles: Candles, *, market: Market = MARKET, **options: Any
) -> Backtest:
    """A backtest ready to run, of bids and asks 2 basis points apart unless `terms` say otherwise."""
    strategy = BOT_TYPES[bot_type].build(read_settings(bot_type, values), market)
    terms = options.pop("terms", Terms(spread_bps=Decimal(2)))
    return Backtest(strategy, Tape(candles, "1m"), terms, **options)


def first(candles: Candles, count: int) -> Candles:
    return part(candles, 0, count)


def minutes_of(bot_type: str, least: int) -> int:
    """Enough for the warm-up of those that have one, and some trades."""
    return max({"momentum": 130, "scalper": 100}.get(bot_type, 0), least)
