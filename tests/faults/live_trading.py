"""What the process tests of live trading need done inside an installation, as a program of its own.

`python -m tests.faults.program live_trading prepare KEY SECRET` makes a person with a live account on the
exchange that EXCHANGE_OVERRIDES leads to, and two bots on it; `books` prints what our rows say, for the
exchange's own books to be held against.
"""

import json
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.utils import timezone

from accounts.keys import Credentials, seal
from accounts.models import Environment, ExchangeAccount, User
from bots.models import Bot
from bots.services import bot_create, bot_start, bots_stop_all
from orders.gateways.installed import installed
from orders.models import Order, Trade

NAME, TICKER = "binance", "BTC/USDT"
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


def made(key: str, secret: str, *, lines: int = GRID_LINES) -> list[Bot]:
    """A person with a live account, and two stopped bots on it."""
    now, number = timezone.now(), uuid4()
    user = User.objects.create_user("alice@example.org")
    sealed = seal(Credentials(key, secret), user_id=user.pk, account_id=number, keys=settings.ENCRYPTION_KEYS)
    account = ExchangeAccount.objects.create(
        pk=number,
        user=user,
        exchange=NAME,
        label="Binance",
        environment=Environment.LIVE,
        sealed_key=sealed,
    )
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
    return {
        "orders": {order.exchange_order_id: [order.status, str(order.filled)] for order in orders},
        "trades": sorted(Trade.objects.values_list("exchange_trade_id", flat=True)),
        "position": str(sum((bot.position_amount for bot in Bot.objects.all()), Decimal(0))),
    }


def prepare(key: str, secret: str) -> None:
    for bot in made(key, secret):
        bot_start(bot=bot, exchanges=installed(), now=timezone.now())


def books() -> None:
    sys.stdout.write(json.dumps(traded()))


def stop() -> None:
    bots_stop_all(bots=list(Bot.objects.all()), now=timezone.now())


PROGRAM: dict[str, Callable[..., None]] = {"prepare": prepare, "books": books, "stop": stop}
