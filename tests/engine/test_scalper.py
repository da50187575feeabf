"""A scalper on the simulated exchange, through the same turns as every bot."""

from typing import Any

import pytest

from accounts.models import User
from bots.engine.replay import replay_breaches
from bots.models import Bot
from orders.models import Order, Trade
from orders.states import OrderStatus
from tests.engine.simulation import Simulation

pytestmark = pytest.mark.django_db(transaction=True)

BUSY: dict[str, Any] = {
    "investment": "500",
    "order_amount": "100",
    "take_profit_pct": "0.25",
    "stop_loss_pct": "0.25",
    "max_hold_s": 600,
    "roi_steps": [{"after_s": 300, "profit_pct": "0.21"}],
    "max_consecutive_losses": 0,
    "max_daily_loss_pct": 0,
}
ENTRIES: list[dict[str, Any]] = [
    {"entry": "rsi", "rsi_threshold": "55"},
    {"entry": "rsi", "rsi_threshold": "55", "entry_order": "market", "post_only": False,
     "take_profit_pct": "0.3"},
]  # fmt: skip


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: "-".join(map(str, entry.values())))
def test_it_trades_and_the_journal_replays(entry: dict[str, Any]) -> None:
    simulation = Simulation(User.objects.create_user("alice@example.com"))
    bot = simulation.start("scalper", {**BUSY, **entry})
    simulation.play(minutes=60)
    bot = Bot.objects.get(pk=bot.pk)
    assert bot.status == "active"
    sides = set(Trade.objects.filter(bot=bot).values_list("side", flat=True))
    assert sides == {"buy", "sell"}
    assert list(replay_breaches(bot)) == []
    assert not Order.objects.filter(
        bot=bot, status=OrderStatus.REFUSED, role="exit", post_only=False
    ).exists()


def test_a_spread_capture_keeps_one_bid_on_the_book_and_moves_it_with_the_price() -> None:
    """On a walk without jumps the bid is moved before the price can pass it: it need not fill."""
    simulation = Simulation(User.objects.create_user("alice@example.com"))
    bot = simulation.start("scalper", {**BUSY, "entry": "spread_capture"})
    simulation.play(minutes=5)
    bids = Order.objects.filter(bot=bot, role="entry")
    assert bids.count() > 1
    assert bids.filter(status=OrderStatus.OPEN).count() <= 1
    assert bids.values("price").distinct().count() > 1
    assert list(replay_breaches(Bot.objects.get(pk=bot.pk))) == []
