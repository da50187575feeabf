"""The people of the pages: Alice, who has bots on the simulated exchange, and Bob, a stranger to her."""

import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ExchangeAccount, User
from bots.engine.turn import run_turn
from bots.models import Bot
from bots.services import bot_create, bot_start, paper_account
from bots.strategies.registry import BOT_TYPES
from orders.gateways.installed import installed
from orders.gateways.simulated import open_exchange
from orders.queries import markets_of
from tests import people


@dataclass
class Person:
    """Somebody signed in, with a browser and a paper account of 10,000 USDT."""

    user: User
    client: Client
    account: ExchangeAccount

    def bot(
        self, name: str = "Night grid", bot_type: str = "grid", ticker: str = "BTC/USDT", **values: Any
    ) -> Bot:
        """A stopped bot with the settings its form would suggest."""
        return bot_create(
            user=self.user,
            account=self.account,
            name=name,
            bot_type=bot_type,
            ticker=ticker,
            values=suggested(bot_type, ticker) | values,
            now=timezone.now(),
        )

    def running(self, name: str = "Night grid", **fields: Any) -> Bot:
        """A bot that has been started and has had its first turns."""
        bot = bot_start(bot=self.bot(name, **fields), exchanges=installed(), now=timezone.now())
        turn(bot)
        return Bot.objects.get(pk=bot.pk)


def suggested(bot_type: str, ticker: str) -> dict[str, Any]:
    rules = next(row.rules() for row in markets_of("simulated") if row.ticker == ticker)
    price = installed().prices["simulated"].quotes([ticker])[ticker].last
    model: Any = BOT_TYPES[bot_type].settings
    return {"investment": "1000", **model.suggested(price, rules)}


def turn(bot: Bot) -> None:
    """Give the bot its turns until it has no news any more."""
    for _ in range(5):
        if not run_turn([bot.pk], exchanges=installed(), now=timezone.now()):
            return


def price_of(ticker: str) -> Decimal:
    return installed().prices["simulated"].quotes([ticker])[ticker].last


@pytest.fixture
def simulated_markets(db: None) -> None:
    open_exchange(now=people.NOW)


def confirm(client: Client) -> None:
    """As if they had given their password once more, a moment ago."""
    session = client.session
    session["account_authentication_methods_user"] = session["_auth_user_id"]
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time(), "reauthenticated": True}
    ]
    session.save()


def _signed_in(user: User) -> Person:
    client = Client()
    client.force_login(user)
    confirm(client)
    return Person(user, client, paper_account(user=user, now=timezone.now()))


@pytest.fixture
def alice(simulated_markets: None) -> Person:
    return _signed_in(people.alice())


@pytest.fixture
def bob(simulated_markets: None) -> Person:
    return _signed_in(people.bob())
