"""A person with money on a remote exchange, and a DCA bot that buys 1 at 100 and wants 110 for it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import ExchangeAccount, User
from bots.engine import claims
from bots.engine.turn import run_turn
from bots.models import Bot
from bots.services import bot_create, bot_start
from orders.gateways.base import Exchanges
from orders.models import Market, Order, Trade
from orders.money import deposit
from tests.engine.exchanges import NAME, RemoteExchange, remote

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
ONE_BUY: dict[str, Any] = {
    "investment": "1000",
    "base_order_volume": "100",
    "max_safety_orders": 0,
    "take_profit_pct": "10",
    "cooldown_s": 0,
    "max_deals": 1,
    "max_slippage_pct": "0",
}


@dataclass
class World:
    """One person's bots on one remote exchange, and the engine that runs them."""

    user: User
    account: ExchangeAccount
    exchange: RemoteExchange
    exchanges: Exchanges

    def bot(self, name: str = "Buyer", **changes: Any) -> Bot:
        bot = bot_create(
            user=self.user,
            account=self.account,
            name=name,
            bot_type="dca",
            ticker="BTC/USDT",
            values=ONE_BUY | changes,
            now=NOW,
        )
        return bot_start(bot=bot, exchanges=self.exchanges, now=NOW)

    def turn(self, *bots: Bot, now: datetime = NOW) -> None:
        run_turn([bot.pk for bot in bots], exchanges=self.exchanges, now=now)

    def restart(self, now: datetime = NOW) -> None:
        """The process is started again: old leases are dead, what is due runs."""
        claims.release_all_leases()
        run_turn(claims.due_ids(), exchanges=self.exchanges, now=now)

    def orders(self, bot: Bot) -> list[Order]:
        return list(Order.objects.filter(bot=bot).order_by("decision_number", "slot"))

    def trades(self, bot: Bot) -> list[Trade]:
        return list(Trade.objects.filter(bot=bot).order_by("number"))


@pytest.fixture
def world(transactional_db: None) -> World:
    user = User.objects.create_user("alice@example.com")
    account = ExchangeAccount.objects.create(user=user, exchange=NAME, label="Remote", environment="paper")
    deposit(account=account, currency="USDT", amount=Decimal(10_000), now=NOW)
    Market.objects.create(
        exchange=NAME,
        ticker="BTC/USDT",
        tick=Decimal("0.01"),
        lot=Decimal("0.0001"),
        min_amount=Decimal("0.0001"),
        min_cost=Decimal(5),
        maker_fee=Decimal("0.001"),
        taker_fee=Decimal("0.001"),
        loaded_at=NOW,
    )
    exchange, exchanges = remote()
    return World(user, account, exchange, exchanges)
