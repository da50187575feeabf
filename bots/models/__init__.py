"""What the database keeps of bots and of their backtests."""

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
    "Mode",
    "Phase",
    "RowKind",
    "StopRequest",
]
