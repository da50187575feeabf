"""What the tests of services do again and again: make a bot, start it, let it take its turn."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from accounts.models import ExchangeAccount
from bots.engine import claims
from bots.engine.turn import run_turn
from bots.models import Bot
from bots.services import (
    bot_create,
    bot_start,
)
from orders.gateways.installed import installed

NOW = datetime(2026, 1, 5, tzinfo=UTC)
DCA: dict[str, Any] = {"investment": "250"}


def a_bot(account: ExchangeAccount, **changes: Any) -> Bot:
    asked: dict[str, Any] = {"name": "Bot", "bot_type": "dca", "ticker": "BTC/USDT", "values": DCA}
    return bot_create(user=account.user, account=account, now=NOW, **asked | changes)


def started(bot: Bot) -> Bot:
    bot = bot_start(bot=bot, exchanges=installed(), now=NOW)
    turn()
    return Bot.objects.get(pk=bot.pk)


def turn() -> None:
    run_turn(claims.due_ids(), exchanges=installed(), now=NOW)


def grid_around(price: Decimal, **changes: Any) -> dict[str, Any]:
    ends = {"lower_price": str(int(price * 9 / 10)), "upper_price": str(int(price * 11 / 10))}
    return {"investment": "1000", "lines": 11} | ends | changes
