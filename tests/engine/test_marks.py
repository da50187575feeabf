"""A bot that waits for a marked candle is passed by the others; a price is followed by turning points."""

import pytest

from accounts.models import User
from bots.models import Bot, Decision
from orders.gateways.simulated import now_of
from orders.models import SimulatedMarket
from tests.backtest.walks import BUSY
from tests.engine.simulation import TICKER, Simulation
from tradingbot.clock import ms_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def simulation() -> Simulation:
    return Simulation(User.objects.create_user("alice@example.com"))


def test_candles_without_the_mark_leave_no_trace_and_the_next_is_awaited(simulation: Simulation) -> None:
    never = {"ema_fast": 2, "ema_slow": 3, "entry_margin_pct": 99}
    bot = simulation.start("momentum", {**BUSY["momentum"], **never})
    simulation.play(minutes=30)
    bot = Bot.objects.get(pk=bot.pk)
    now = now_of(SimulatedMarket.objects.get(ticker=TICKER))
    assert Decision.objects.filter(bot=bot).count() == 1
    assert bot.wake_mark == "enter"
    assert bot.candle_due_at is not None
    assert now < ms_of(bot.candle_due_at) <= now + 60_000
    assert bot.events == bot.events_seen > 25


def test_a_wish_of_its_user_is_looked_at_between_candles(simulation: Simulation) -> None:
    never = {"ema_fast": 2, "ema_slow": 3, "entry_margin_pct": 99}
    bot = simulation.start("momentum", {**BUSY["momentum"], **never})
    simulation.play(minutes=5)
    Bot.objects.filter(pk=bot.pk).update(stop_request="cancel_and_sell", events=1_000)
    simulation.play(minutes=1)
    assert Bot.objects.get(pk=bot.pk).status == "stopped"


def test_a_followed_peak_costs_a_look_a_rise_and_not_one_a_tick(simulation: Simulation) -> None:
    bot = simulation.start("dca", {**BUSY["dca"], "take_profit_pct": "0.2", "max_safety_orders": 0})
    simulation.play(minutes=60)
    bot = Bot.objects.get(pk=bot.pk)
    assert bot.total_trades > 0
    # A minute is walked in four ways; a price that moves by hundreds of ticks is followed in as many looks.
    assert Decision.objects.filter(bot=bot).count() < 4 * 60
