"""What the process tests of live trading need done inside an installation, as a program of its own.

`python -m tests.faults.program live_trading prepare KEY SECRET` makes a person with a live account on the
exchange that EXCHANGE_OVERRIDES leads to, and two bots on it; `books` prints what our rows say, for the
exchange's own books to be held against.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.keys import Credentials
from accounts.models import ExchangeAccount, User
from bots.engine.replay import replay_breaches
from bots.models import Bot
from bots.services import bot_create, bot_start, bots_stop_all
from orders.gateways.installed import installed
from orders.invariants import breaches
from orders.models import Order, Trade
from tests.gateways.exchange.conftest import live_account
from tests.gateways.exchange.public import NAME

TICKER, GUARDED = "BTC/USDT", "ETH/USDT"
OFF = {"max_daily_loss_pct": 0, "max_drawdown_pct": 0}
GRID_LINES = 21
GRID: dict[str, Any] = {"investment": "8000", "lower_price": "48500", "upper_price": "51500", **OFF}
DCA = {
    "investment": "8000",
    "base_order_volume": "200",
    "safety_order_volume": "200",
    "safety_order_step_pct": "0.1",
    "take_profit_pct": "0.25",
    "cooldown_s": 0,
    "loss_guard_count": 0,
    "max_slippage_pct": "0",
    **OFF,
}
WITH_A_STOP = {
    "investment": "1000",
    "base_order_volume": "500",
    "max_safety_orders": 0,
    "take_profit_pct": "10",
    "stop_loss_pct": "2",
    "stop_loss_timeout_s": 0,
    "max_deals": 1,
    "max_slippage_pct": "0",
    **OFF,
}


def made(key: str, secret: str, *, lines: int = GRID_LINES) -> list[Bot]:
    """A person with a live account, and two stopped bots on it."""
    now, user = timezone.now(), User.objects.create_user("alice@example.org")
    account = live_account(user, Credentials(key, secret), keys=settings.ENCRYPTION_KEYS)
    installed().markets[NAME].load(now=now)
    return [
        bot_create(
            user=user, account=account, name=kind, bot_type=kind, ticker=TICKER, values=values, now=now
        )
        for kind, values in (("grid", GRID | {"lines": lines}), ("dca", DCA))
    ]


def traded() -> dict[str, Any]:
    """What our rows say, for the exchange's own books to be held against."""
    orders = Order.objects.exclude(exchange_order_id=None)
    positions: defaultdict[str, Decimal] = defaultdict(Decimal)
    for bot in Bot.objects.all():
        positions[bot.base] += bot.position_amount
    return {
        "orders": {
            f"{_symbol(order)} {order.exchange_order_id}": [order.status, str(order.filled)]
            for order in orders
        },
        "trades": sorted(
            f"{_symbol(trade.order)} {trade.exchange_trade_id}"
            for trade in Trade.objects.filter(correction=0).select_related("order")
        ),
        "positions": {coin: str(amount) for coin, amount in positions.items()},
        "breaches": [str(breach) for breach in breaches()]
        + [str(breach) for bot in Bot.objects.all() for breach in replay_breaches(bot)],
    }


def _symbol(order: Order) -> str:
    """The exchange's numbers are unique in a market only."""
    return order.ticker.replace("/", "")


def prepare(key: str, secret: str) -> None:
    for bot in made(key, secret):
        bot_start(bot=bot, exchanges=installed(), now=timezone.now())


def guard() -> None:
    """One bot more, on a market of its own, that sells all it has when the price falls by 2 %."""
    account = ExchangeAccount.objects.get()
    bot = bot_create(
        user=account.user,
        account=account,
        name="guarded",
        bot_type="dca",
        ticker=GUARDED,
        values=WITH_A_STOP,
        now=timezone.now(),
    )
    exchanges = installed()
    exchanges.prices[NAME].ask([GUARDED])  # however long that takes
    bot_start(bot=bot, exchanges=exchanges, now=timezone.now())


def books() -> None:
    sys.stdout.write(json.dumps(traded()))


def stop() -> None:
    bots_stop_all(bots=list(Bot.objects.all()), now=timezone.now())


PROGRAM: dict[str, Callable[..., None]] = {"prepare": prepare, "guard": guard, "books": books, "stop": stop}
