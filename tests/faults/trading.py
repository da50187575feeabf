"""What the process tests need done inside an installation, as a program of its own.

`python -m tests.faults.program trading prepare FILE LOWEST HIGHEST` makes a person with bots that wait
for their market, `outcome` prints as JSON what became of them, `stop` asks the bots to stop. The
installation is the one that the environment names.
"""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from accounts.models import User
from bots.models import Bot, Decision
from bots.services import bot_create, bot_start, bots_stop_all, paper_account
from orders.gateways.installed import installed
from orders.gateways.listed import EXCHANGE
from orders.gateways.simulated import replay_from
from orders.models import Order, Trade

NOW = datetime(2026, 1, 5, tzinfo=UTC)
TICKER = "BTC/USDT"
GRID = {"investment": "4000", "lines": 25}
DCA = {
    "investment": "2000",
    "base_order_volume": "50",
    "safety_order_volume": "50",
    "safety_order_step_pct": "0.25",
    "take_profit_pct": "0.35",
    "cooldown_s": 0,
    "max_daily_loss_pct": 0,
    "max_drawdown_pct": 0,
    "loss_guard_count": 0,
}


def prepare(tape: str, lowest: str, highest: str) -> None:
    """One person, a grid and a DCA bot, all started while the market stands at its first price.

    The grid reaches over the prices of `tape`, from `lowest` to `highest`.
    """
    replay_from(ticker=TICKER, path=Path(tape), now=NOW)
    user = User.objects.create_user("alice@example.org")
    account = paper_account(user=user, now=NOW)
    grid = {**GRID, "lower_price": lowest, "upper_price": highest}
    for bot_type, values in (("grid", grid), ("dca", DCA)):
        bot = bot_create(
            user=user,
            account=account,
            name=bot_type,
            bot_type=bot_type,
            ticker=TICKER,
            values=values,
            now=NOW,
        )
        bot_start(bot=bot, exchanges=installed(), now=NOW)


def outcome() -> None:
    """All that two runs of the same market must have in common, and what may happen only once.

    The journal is not in it: a death between claim and answer leaves a row more.
    """
    bots = Bot.objects.order_by("name")
    said = {"bots": {bot.name: _outcome_of(bot) for bot in bots}, "counts": _counts()}
    sys.stdout.write(json.dumps(said, default=str))


def _outcome_of(bot: Bot) -> dict[str, Any]:
    trades = Trade.objects.filter(bot=bot).order_by("number")
    resting = Order.objects.filter(bot=bot, status="open").order_by("slot")
    return {
        "trades": list(
            trades.values_list("slot", "side", "quantity", "price", "fee", "pnl", "executed_at", "maker")
        ),
        "resting": list(resting.values_list("slot", "side", "amount", "price")),
        "cash": bot.cash,
        "position": [bot.position_amount, bot.position_cost],
        "pnl": bot.pnl,
        "memory": bot.memory,
        "status": [bot.status, bot.phase, bot.phase_why],
        "seen": [bot.events == bot.events_seen, bot.total_trades == bot.trades_seen],
    }


def _counts() -> dict[str, int]:
    orders = Order.objects.filter(exchange=EXCHANGE)
    return {
        "orders": orders.count(),
        "client_ids": orders.values("client_id").distinct().count(),
        "sent_more_than_once": orders.filter(send_count__gt=1).count(),
        "unsettled": orders.filter(status__in=["planned", "sending", "unknown"]).count(),
        "not_placed": orders.filter(status="not_placed").count(),
        "abandoned": orders.filter(status="abandoned").count(),
        "decisions": Decision.objects.count(),
        "leases": Bot.objects.filter(lease_token__isnull=False).count(),
    }


def stop() -> None:
    bots_stop_all(bots=list(Bot.objects.all()), now=datetime.now(UTC))


PROGRAM: dict[str, Callable[..., None]] = {"prepare": prepare, "outcome": outcome, "stop": stop}
