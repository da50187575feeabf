"""A momentum bot whose stop rests: how it stops and starts again, in error too, and under a kill switch."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accounts.models import User
from bots.engine import claims
from bots.engine.replay import replay_breaches
from bots.engine.turn import run_turn
from bots.models import Bot, BotStatus, Deal, KillSwitch, Level, Scope
from bots.services import ServiceRefused, bot_delete, bot_start, bot_stop
from bots.services.sweeping import switches_sweep
from bots.strategies.base import Candles
from orders.gateways.simulated import replay_from
from orders.invariants import breaches
from orders.models import Order, Trade
from orders.states import OrderStatus
from tests.engine.simulation import BEGAN, Simulation
from tests.faults.tapes import CRASH_FROM_MS, MINUTE_MS, written

D = Decimal
TICKER = "BTC/USDT"
# It buys the first close over the two highs before, and its stop stays 5 % under that.
VALUES: dict[str, Any] = {
    "investment": "1000",
    "amount": "600",
    "timeframe": "1m",
    "entry": "breakout",
    "breakout_lookback": 2,
    "rsi_period": 0,
    "adx_period": 0,
    "trend_sma": 0,
    "stop": "percent",
    "stop_trailing": False,
    "profit_trail_pct": 0,
    "max_drawdown_pct": 0,
    "max_daily_loss_pct": 0,
}
FLAT, RISEN, FALLEN = 60_000, 60_600, 50_000


def tape(path: Path) -> Path:
    """Flat, a rise in the sixth minute, flat again, and a fall in the twenty-first."""
    closes = np.array([FLAT] * 5 + [RISEN] * 15 + [FALLEN] * 10, dtype=np.float64)
    opens = np.concatenate(([FLAT], closes[:-1]))
    at = CRASH_FROM_MS + np.arange(len(closes), dtype=np.int64) * MINUTE_MS
    candles = Candles(
        at, opens, np.maximum(opens, closes), np.minimum(opens, closes), closes, np.ones(len(closes))
    )
    return written(path, candles)


@pytest.fixture
def simulation(transactional_db: None, tmp_path: Path) -> Simulation:
    made = Simulation(User.objects.create_user("alice@example.com"))
    replay_from(ticker=TICKER, path=tape(tmp_path / "tape.csv"), now=BEGAN)
    return made


def in_a_deal(simulation: Simulation, **changes: Any) -> Bot:
    bot = simulation.start("momentum", VALUES | changes, TICKER)
    simulation.play(minutes=10)
    stop = resting(bot)
    assert stop is not None
    assert stop.amount == Bot.objects.get(pk=bot.pk).position_amount
    return Bot.objects.get(pk=bot.pk)


def resting(bot: Bot) -> Order | None:
    return Order.objects.filter(bot=bot, slot="deal-1/stop", status=OrderStatus.OPEN).first()


def turns(simulation: Simulation) -> None:
    for _ in range(3):
        run_turn(claims.due_ids(), exchanges=simulation.exchanges, now=BEGAN)


def kept(simulation: Simulation, bot: Bot) -> Bot:
    """The bot once it has come to rest; its books agree."""
    turns(simulation)
    assert breaches() == []
    bot = Bot.objects.get(pk=bot.pk)
    assert list(replay_breaches(bot)) == []
    return bot


@pytest.mark.parametrize("how", ["cancel_orders", "keep_orders"])
def test_the_stop_of_an_open_deal_outlives_the_stop_of_its_bot(simulation: Simulation, how: str) -> None:
    bot = in_a_deal(simulation)
    stop = resting(bot)
    bot_stop(bot=bot, now=BEGAN, how=how)
    bot = kept(simulation, bot)
    assert (bot.status, bot.position_amount > 0) == (BotStatus.STOPPED, True)
    assert resting(bot) == stop, "the very same order"


def test_what_a_stopped_bots_stop_sells_is_booked_and_its_money_goes_home(simulation: Simulation) -> None:
    bot = in_a_deal(simulation)
    bot_stop(bot=bot, now=BEGAN, how="cancel_orders")
    turns(simulation)
    simulation.play(minutes=15)
    bot = kept(simulation, bot)
    sold = Trade.objects.get(bot=bot, side="sell")
    assert sold.slot == "deal-1/stop"
    assert (bot.status, bot.position_amount, bot.cash) == (BotStatus.STOPPED, 0, 0)
    assert bot.pnl < 0
    bot_start(bot=bot, exchanges=simulation.exchanges, now=BEGAN)
    bot = kept(simulation, bot)
    assert (bot.status, bot.deal_number) == (BotStatus.ACTIVE, None)
    assert Deal.objects.get(bot=bot).closed_at is not None


def test_a_bot_that_goes_on_keeps_the_stop_that_has_stayed(simulation: Simulation) -> None:
    bot = in_a_deal(simulation)
    stop = resting(bot)
    bot_stop(bot=bot, now=BEGAN, how="cancel_orders")
    turns(simulation)
    bot_start(bot=Bot.objects.get(pk=bot.pk), exchanges=simulation.exchanges, now=BEGAN)
    bot = kept(simulation, bot)
    assert resting(bot) == stop
    simulation.play(minutes=15)
    bot = kept(simulation, bot)
    assert (bot.status, bot.deal_number, bot.position_amount) == (BotStatus.ACTIVE, None, 0)


def test_cancel_and_sell_takes_the_stop_away_and_sells(simulation: Simulation) -> None:
    bot = in_a_deal(simulation)
    bot_stop(bot=bot, now=BEGAN, how="cancel_and_sell")
    bot = kept(simulation, bot)
    assert (bot.status, bot.position_amount, resting(bot)) == (BotStatus.STOPPED, 0, None)


def test_a_bot_is_deleted_once_its_stop_is_cancelled(simulation: Simulation) -> None:
    bot = in_a_deal(simulation)
    bot_stop(bot=bot, now=BEGAN, how="cancel_orders")
    turns(simulation)
    with pytest.raises(ServiceRefused, match="is being cancelled"):
        bot_delete(bot=Bot.objects.get(pk=bot.pk), exchanges=simulation.exchanges, now=BEGAN)
    bot = kept(simulation, bot)
    assert (resting(bot), bot.hidden_at) == (None, None)
    bot_delete(bot=bot, exchanges=simulation.exchanges, now=BEGAN)
    assert Bot.objects.get(pk=bot.pk).hidden_at == BEGAN
    assert breaches() == []


@pytest.mark.parametrize(("how", "stays"), [("cancel_orders", True), ("cancel_and_sell", False)])
def test_a_bot_in_error_is_stopped_with_its_stop_in_place(
    simulation: Simulation, how: str, stays: bool
) -> None:
    bot = in_a_deal(simulation)
    Bot.objects.filter(pk=bot.pk).update(status=BotStatus.ERROR)
    bot_stop(bot=Bot.objects.get(pk=bot.pk), now=BEGAN, how=how)
    bot = kept(simulation, bot)
    assert bot.status == BotStatus.STOPPED
    assert (resting(bot) is not None) is stays


def test_a_bot_stopped_while_its_stop_is_on_its_way_waits_until_it_rests(simulation: Simulation) -> None:
    bot = simulation.start("momentum", VALUES, TICKER)
    while not (deal := Bot.objects.get(pk=bot.pk).deal_number):
        simulation.play(minutes=1)
    assert deal == 1
    bot_stop(bot=bot, now=BEGAN, how="cancel_orders")
    bot = kept(simulation, bot)
    assert bot.status == BotStatus.STOPPED
    assert resting(bot) is not None


@pytest.mark.parametrize("level", [Level.CANCEL, Level.FLATTEN])
def test_a_kill_switch_takes_the_stop_away_too(simulation: Simulation, level: Level) -> None:
    bot = in_a_deal(simulation)
    KillSwitch.objects.create(
        user=simulation.user, scope=Scope.USER, level=level, pressed_at=BEGAN, why="a storm"
    )
    for _ in range(3):
        switches_sweep(now=BEGAN)
        turns(simulation)
    assert resting(bot) is None
    bot_stop(bot=Bot.objects.get(pk=bot.pk), now=BEGAN, how="cancel_orders")
    bot = kept(simulation, bot)
    assert bot.status == BotStatus.STOPPED, "it waits for no stop that may not be placed"
    assert (bot.position_amount == 0) is (level == Level.FLATTEN)


def test_a_drawdown_that_cancels_orders_leaves_the_stop(simulation: Simulation) -> None:
    drawn = {"max_drawdown_pct": "2", "on_drawdown": "cancel_orders", "stop_pct": "20"}
    bot = in_a_deal(simulation, **drawn)
    simulation.play(minutes=11)
    bot = kept(simulation, bot)
    assert (bot.status, bot.position_amount > 0) == (BotStatus.STOPPED, True)
    assert resting(bot) is not None
