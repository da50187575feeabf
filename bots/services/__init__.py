"""What can be done with a bot. Every service is one transaction and safe to call twice.

`ServiceRefused` carries problems: code, field, sentence and fix, for whatever face asked.
"""

from bots.services.asked import ServiceRefused, refused
from bots.services.backtests import backtest_cancel, backtest_create, backtest_delete, backtests_cancel
from bots.services.giving_up import order_give_up
from bots.services.killing import (
    Target,
    may_release,
    refuse_if_switched_off,
    switch_press,
    switch_release,
)
from bots.services.making import bot_create, bot_delete, bot_edit, paper_account
from bots.services.room import currencies_on, free_on, room_for
from bots.services.running import bot_command, bot_start, bot_stop, bots_stop_all, mark_equity, preflight
from bots.services.sweeping import resting_under, selling_under, switches_sweep

__all__ = [
    "ServiceRefused",
    "Target",
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
    "currencies_on",
    "free_on",
    "mark_equity",
    "may_release",
    "order_give_up",
    "paper_account",
    "preflight",
    "refuse_if_switched_off",
    "refused",
    "resting_under",
    "room_for",
    "selling_under",
    "switch_press",
    "switch_release",
    "switches_sweep",
]
