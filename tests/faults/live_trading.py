"""What the process tests of live trading need done inside an installation, as a program of its own.

`python -m tests.faults.live_trading prepare KEY SECRET` makes a person with a live account on the exchange
that EXCHANGE_OVERRIDES leads to, and two bots on it; `books` prints what our rows say, for the exchange's own
books to be held against.
"""

import json
import os
import sys
from collections.abc import Callable
from decimal import Decimal
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingbot.settings")
django.setup()

from django.conf import settings  # noqa: E402 - models need the set-up above
from django.utils import timezone  # noqa: E402

from accounts.keys import Credentials, seal  # noqa: E402
from accounts.models import Environment, ExchangeAccount, User  # noqa: E402
from bots.models import Bot  # noqa: E402
from bots.services import bot_create, bot_start, bots_stop_all  # noqa: E402
from orders.gateways.exchange.clients import ProcessClients  # noqa: E402
from orders.gateways.exchange.markets import load_markets  # noqa: E402
from orders.gateways.installed import installed  # noqa: E402
from orders.models import Order, Trade  # noqa: E402

NAME, TICKER = "binance", "BTC/USDT"
OFF = {"max_daily_loss_pct": 0, "max_drawdown_pct": 0}
GRID = {"investment": "8000", "lower_price": "48500", "upper_price": "51500", "lines": 21, **OFF}
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


def prepare(key: str, secret: str) -> None:
    now, number = timezone.now(), uuid4()
    user = User.objects.create_user("alice@example.org")
    account = ExchangeAccount.objects.create(
        pk=number,
        user=user,
        exchange=NAME,
        label="Binance",
        environment=Environment.LIVE,
        sealed_key=seal(
            Credentials(key, secret), user_id=user.pk, account_id=number, keys=settings.ENCRYPTION_KEYS
        ),
    )
    clients = ProcessClients(overrides=settings.EXCHANGE_OVERRIDES, keys=settings.ENCRYPTION_KEYS)
    load_markets(clients.master(NAME), now=now)
    for bot_type, values in (("grid", GRID), ("dca", DCA)):
        bot = bot_create(
            user=user,
            account=account,
            name=bot_type,
            bot_type=bot_type,
            ticker=TICKER,
            values=values,
            now=now,
        )
        bot_start(bot=bot, exchanges=installed(), now=now)


def books() -> None:
    orders = Order.objects.exclude(exchange_order_id=None)
    told = {
        "orders": {order.exchange_order_id: [order.status, str(order.filled)] for order in orders},
        "trades": sorted(Trade.objects.values_list("exchange_trade_id", flat=True)),
        "position": str(sum((bot.position_amount for bot in Bot.objects.all()), Decimal(0))),
    }
    sys.stdout.write(json.dumps(told))


def stop() -> None:
    bots_stop_all(bots=list(Bot.objects.all()), now=timezone.now())


if __name__ == "__main__":
    words: dict[str, Callable[..., None]] = {"prepare": prepare, "books": books, "stop": stop}
    words[sys.argv[1]](*sys.argv[2:])
