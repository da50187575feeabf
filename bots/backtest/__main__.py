"""`python -m bots.backtest`: what `manage.py backtest` does, in half the time to start."""

import os
import sys

from bots.backtest.command import main
from tradingbot.env import var_dir

try:
    status = main(sys.argv[1:], root=var_dir(os.environ) / "candles", out=sys.stdout, error=sys.stderr)
    sys.stdout.flush()
except BrokenPipeError:
    # Who read the report has seen enough; Python must not complain of it once more while it ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    status = 0
sys.exit(status)
