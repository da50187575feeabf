"""Two starts on one account at the same moment, on two connections: both were told the same money is free."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from bots.models import Bot
from bots.services import ServiceRefused, bot_create, bot_start, room_for
from tests.gateways.exchange.conftest import ONE_BUY, Floor

WAIT_S = 10
INVESTMENT = "60000"


@pytest.mark.postgres_only
def test_two_starts_at_once_do_not_take_the_same_money(floor: Floor) -> None:
    plain: dict[str, Any] = {"user": floor.user, "account": floor.account, "bot_type": "dca"}
    values = ONE_BUY | {"investment": INVESTMENT}
    bots = [
        bot_create(name=name, ticker="BTC/USDT", values=values, now=floor.now, **plain) for name in ("A", "B")
    ]
    exchanges, told = floor.exchanges, Barrier(len(bots))

    def start(bot: Bot) -> bool:
        try:
            room = room_for(bot.account, exchanges, floor.now)
            told.wait(WAIT_S)
            bot_start(bot=bot, exchanges=exchanges, now=floor.now, room=room)
        except ServiceRefused:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(len(bots)) as pool:
        assert sorted(pool.map(start, bots)) == [False, True]
    assert sorted(Bot.objects.values_list("cash", flat=True)) == [0, Decimal(INVESTMENT)]
