"""What the database keeps of bots, of their backtests, and of what stops them."""

from bots.models.backtest import Backtest, BacktestRows, RowKind
from bots.models.bot import (
    Bot,
    BotCommand,
    BotSettings,
    BotStatus,
    Deal,
    Decision,
    EquityPoint,
    Mode,
    Phase,
    StopRequest,
)
from bots.models.shortage import Shortage
from bots.models.switch import KillSwitch, Level, Scope

__all__ = [
    "Backtest",
    "BacktestRows",
    "Bot",
    "BotCommand",
    "BotSettings",
    "BotStatus",
    "Deal",
    "Decision",
    "EquityPoint",
    "KillSwitch",
    "Level",
    "Mode",
    "Phase",
    "RowKind",
    "Scope",
    "Shortage",
    "StopRequest",
]
