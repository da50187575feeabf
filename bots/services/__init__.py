"""What can be done with a bot. Every service is one transaction and safe to call twice.

`ServiceRefused` carries problems: code, field, sentence and fix, for whatever face asked.
"""

from bots.services.asked import ServiceRefused, refused
from bots.services.backtests import backtest_cancel, backtest_create, backtest_delete, backtests_cancel
from bots.services.making import bot_create, bot_delete, bot_edit, paper_account
from bots.services.running import bot_command, bot_start, bot_stop, bots_stop_all, mark_equity, preflight

__all__ = [
    "ServiceRefused",
    "backtest_cancel",
    "backtest_create",
    "backtest_delete",
    "backtests_cancel",
    "bot_command",
    "bot_create",
    "bot_delete",
    "bot_edit",
    "bot_start",
    "bot_stop",
    "bots_stop_all",
    "mark_equity",
    "paper_account",
    "preflight",
    "refused",
]
