"""Settings of each bot as hypothesis makes them: any that may start on a price of about 60,000."""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from bots.strategies.registry import BOT_TYPES, SettingsRefused, read_settings
from tests.backtest.walks import BUSY, MARKET

PRICE = Decimal(60_000)


def pct(low: float, high: float) -> st.SearchStrategy[str]:
    return st.decimals(Decimal(str(low)), Decimal(str(high)), places=2).map(str)


GUARDS: dict[str, st.SearchStrategy[Any]] = {
    "max_daily_loss_pct": st.sampled_from([0, 1, 5]),
    "max_drawdown_pct": st.sampled_from([0, 2, 20]),
    "cooldown_s": st.sampled_from([0, 60, 600]),
    "max_slippage_pct": st.sampled_from([0, "0.5"]),
    "bot_take_profit_pct": st.sampled_from([0, 1]),
    "bot_stop_loss_pct": st.sampled_from([0, 2]),
}
OWN: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "grid": {
        "lines": st.integers(4, 40),
        "spacing": st.sampled_from(["arithmetic", "geometric"]),
        "size_mode": st.sampled_from(["quote", "base"]),
        "gap_rule": st.sampled_from(["nearest", "above", "below"]),
        "lower_price": st.integers(55_000, 59_000).map(str),
        "upper_price": st.integers(61_000, 65_000).map(str),
        "max_active_orders": st.sampled_from([None, 4, 8]),
        "reinvest": st.booleans(),
    },
    "dca": {
        "base_order_type": st.sampled_from(["market", "limit"]),
        "max_safety_orders": st.integers(0, 6),
        "safety_order_step_pct": pct(0.1, 1),
        "deviation_reference": st.sampled_from(["base", "last"]),
        "take_profit_pct": pct(0.3, 1.5),
        "take_profit_type": st.sampled_from(["total", "base"]),
        "trailing_deviation_pct": st.sampled_from([0, "0.1", "0.2"]),
        "stop_loss_pct": st.sampled_from([0, "1.5", 3]),
        "close_after_s": st.sampled_from([0, 900]),
        "reinvest_pct": st.sampled_from([0, 50]),
    },
    "momentum": {
        "entry": st.sampled_from(["ema_cross", "breakout", "rsi"]),
        "entry_order": st.sampled_from(["market", "limit"]),
        "rsi_period": st.sampled_from([2, 3]),
        "breakout_lookback": st.integers(2, 5),
        "stop": st.sampled_from(["atr", "percent"]),
        "stop_trailing": st.booleans(),
        "stop_pct": pct(0.3, 2),
        "protective_stop": st.booleans(),
        "stop_limit_offset_pct": st.sampled_from([0, "0.1", 2]),
        "on_drawdown": st.sampled_from(["keep_orders", "cancel_orders", "cancel_and_sell"]),
        "take_profit_pct": st.sampled_from([0, "0.5", 1]),
        "exit_on_cross": st.booleans(),
        "max_hold_candles": st.sampled_from([0, 5]),
        "size_mode": st.sampled_from(["amount", "risk"]),
    },
    "dip": {
        "lookback": st.integers(2, 8),
        "dip_pct": pct(0.2, 1),
        "rebound_pct": st.sampled_from([0, "0.05", "0.1"]),
        "rearm_pct": st.sampled_from([0, 50]),
        "max_buys": st.integers(1, 3),
        "entry_order": st.sampled_from(["market", "limit"]),
        "stop_loss_pct": pct(0.5, 3),
        "max_hold_candles": st.sampled_from([0, 10]),
    },
    "scalper": {
        "entry": st.sampled_from(["rsi", "spread_capture", "ema_pullback", "stoch_dip"]),
        "entry_order": st.sampled_from(["market", "limit"]),
        "post_only": st.booleans(),
        "take_profit_pct": pct(0.35, 1),
        "stop_loss_pct": pct(0.2, 1),
        "max_hold_s": st.sampled_from([0, 120, 900]),
        "cooldown_s": st.sampled_from([0, 15]),
    },
}


def made(bot_type: str) -> st.SearchStrategy[dict[str, Any]]:
    chosen = {**GUARDS, **OWN[bot_type]}
    some = st.fixed_dictionaries({}, optional=chosen)
    return some.map(lambda values: {**BUSY[bot_type], **values}).filter(
        lambda values: may_start(bot_type, values)
    )


def may_start(bot_type: str, values: dict[str, Any]) -> bool:
    try:
        read = read_settings(bot_type, values)
    except SettingsRefused:
        return False
    return BOT_TYPES[bot_type].build(read, MARKET).preflight(PRICE).ok
