"""A candle that has closed and is not listed yet: its signal is not lost, and nothing else waits for it."""

from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from bots.engine.turn import run_turn
from bots.models import Bot
from bots.services import bot_create, bot_start
from bots.strategies.base import Candles
from orders.gateways.base import Exchanges, NotYet, Unreachable
from orders.gateways.paper import PaperGateway
from orders.models import Order
from tests.engine.conftest import NOW, World
from tests.engine.exchanges import BEGAN_MS, NAME, RemotePrices

MINUTE = 60_000
OPEN_MS = BEGAN_MS // MINUTE * MINUTE
CROSSES = {
    "investment": "1000",
    "timeframe": "1m",
    "entry": "ema_cross",
    "ema_fast": 2,
    "ema_slow": 3,
    "amount": "100",
    "rsi_period": 0,
    "adx_period": 0,
    "trend_sma": 0,
    "cooldown_candles": 0,
    "max_slippage_pct": 0,
    "stop": "percent",
}


@dataclass
class Lagging(RemotePrices):
    """Lists a candle only when it is told to; the last one crosses upwards."""

    listed: bool = False
    asked: list[int] = field(default_factory=list)

    def candles(self, *, ticker: str, timeframe: str, until: int, count: int) -> Candles:
        self.asked.append(until)
        if not self.listed:
            raise NotYet("not listed yet")
        end = until // MINUTE * MINUTE
        at = end + (np.arange(count, dtype=np.int64) - count) * MINUTE
        close = np.where(np.arange(count) == count - 1, 100.0, 90.0)
        return Candles(at, close, close, close, close, np.ones(count))


@dataclass
class Silent(Lagging):
    """Gives no candles at all while it is silent, only prices."""

    silent: bool = False

    def candles(self, *, ticker: str, timeframe: str, until: int, count: int) -> Candles:
        if self.silent:
            raise Unreachable("no answer")
        return super().candles(ticker=ticker, timeframe=timeframe, until=until, count=count)


def started(world: World, exchanges: Exchanges, **changes: object) -> Bot:
    bot = bot_create(
        user=world.user,
        account=world.account,
        name="Crosses",
        bot_type="momentum",
        ticker="BTC/USDT",
        values=CROSSES | changes,
        now=NOW,
    )
    bot = bot_start(bot=bot, exchanges=exchanges, now=NOW)
    run_turn([bot.pk], exchanges=exchanges, now=NOW)
    return bot


def test_the_signal_of_a_candle_that_comes_late_is_not_lost(world: World) -> None:
    prices = Lagging(price=Decimal(100), at=OPEN_MS + 30_000)
    exchanges = Exchanges({(NAME, "paper"): PaperGateway(prices)}, {NAME: prices})
    bot = started(world, exchanges)
    prices.at = OPEN_MS + MINUTE + 1_000
    looked(bot, exchanges)
    assert not Order.objects.filter(bot=bot).exists()
    assert prices.asked, "it asked for the candle"
    prices.listed, prices.at = True, OPEN_MS + MINUTE + 3_000
    looked(bot, exchanges)
    assert Order.objects.filter(bot=bot, role="entry").exists()


def test_a_stop_waits_for_no_candle(world: World) -> None:
    prices = Silent(price=Decimal(100), at=OPEN_MS + 30_000)
    exchanges = Exchanges({(NAME, "paper"): PaperGateway(prices)}, {NAME: prices})
    bot = started(world, exchanges, exit_on_cross=True)
    prices.listed, prices.at = True, OPEN_MS + MINUTE + 3_000
    looked(bot, exchanges)
    assert Bot.objects.get(pk=bot.pk).position_amount
    prices.at, prices.silent, prices.price = OPEN_MS + 2 * MINUTE + 3_000, True, Decimal(50)
    looked(bot, exchanges)
    assert Order.objects.filter(bot=bot, role="exit").exists()


def looked(bot: Bot, exchanges: Exchanges) -> None:
    """It is rung as the listener rings it."""
    row = Bot.objects.get(pk=bot.pk)
    Bot.objects.filter(pk=bot.pk).update(events=row.events + 1)
    run_turn([bot.pk], exchanges=exchanges, now=NOW)
