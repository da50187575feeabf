#!/usr/bin/env python3
"""Django's command line for this project, and the backtest's, which needs no Django."""

import os
import runpy
import sys

if __name__ == "__main__":
    if sys.argv[1:2] == ["backtest"]:
        # Its --settings is a file of the bot's, and without Django it starts in half the time.
        del sys.argv[1]
        runpy.run_module("bots.backtest", run_name="__main__", alter_sys=True)
    else:
        from django.core.management import execute_from_command_line

        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingbot.settings")
        execute_from_command_line(sys.argv)
