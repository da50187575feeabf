"""The depth of a real book: as a trader would count it, and none where it cannot be trusted."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from threading import Event
from time import monotonic
from typing import Any

import pytest
from django.core.cache import cache

from activity.models import ActivityLog
from bots.engine.turn import run_turn
from bots.services import bot_create, bot_start
from orders.gateways.base import Unreachable
from orders.gateways.exchange.client import Client
from orders.gateways.exchange.depth import ExchangeDepths, depth_of
from orders.gateways.exchange.patience import WAIT_S
from orders.models import Order
from tests.gateways.exchange.conftest import Floor
from tests.gateways.exchange.public import NAME

D = Decimal
BIDS, ASKS = (
    [["100", "2"], ["99.9", "1"], ["99.89", "50"]],
    [["100.1", "1"], ["100.2001", "1"], ["100.21", "9"]],
)


def test_the_thinner_side_counts_within_ten_points_of_its_touch() -> None:
    assert depth_of(BIDS, ASKS) == D("100.1") + D("100.2001")
    assert depth_of(BIDS, [*ASKS[:1], ["100.15", "5"]]) == D("299.9")


@pytest.mark.parametrize(("bids", "asks"), [([], ASKS), (BIDS, []), (ASKS, BIDS), (BIDS, BIDS)])
def test_an_empty_or_crossed_book_is_no_depth(bids: list[Any], asks: list[Any]) -> None:
    assert depth_of(bids, asks) == 0


def test_a_book_that_cannot_be_had_is_no_depth(floor: Floor) -> None:
    depths = ExchangeDepths(NAME, floor.clients)
    assert depths.depth("BTC/USDT") > 0
    floor.exchange.faults.add("status", path="/api/v3/depth", times=None, status=502, done=False)
    cache.clear()
    assert depths.depth("BTC/USDT") == 0
    assert depths.depth("NONE/USDT") == 0


@dataclass
class Hanging:
    """Clients that are never there."""

    released: Event = field(default_factory=Event)
    asked: int = 0

    def master(self, exchange: str) -> Client:
        self.asked += 1
        assert self.released.wait(WAIT_S * 10), "nobody let go of it"
        raise Unreachable("it never came")


def test_after_a_silence_no_other_market_is_waited_for() -> None:
    """A turn of many bots on an exchange that hangs waits once, and not for each of their markets."""
    cache.clear()
    masters = Hanging()
    depths, began = ExchangeDepths(NAME, masters), monotonic()
    try:
        told = [depths.depth(f"{coin}/USDT") for coin in ("BTC", "ETH", "SOL", "XRP")]
    finally:
        masters.released.set()
    assert told == [0] * 4
    assert masters.asked == 1
    assert WAIT_S <= monotonic() - began < 2 * WAIT_S


@pytest.mark.parametrize(("least", "enters"), [("1000000000", False), ("1", True)])
def test_a_scalper_enters_only_on_a_book_that_is_deep_enough(floor: Floor, least: str, enters: bool) -> None:
    bot = bot_create(
        user=floor.user,
        account=floor.account,
        name="Quick",
        bot_type="scalper",
        ticker="BTC/USDT",
        values={"investment": "1000", "order_amount": "100", "max_spread_bps": 0, "min_depth_quote": least},
        now=floor.now,
    )
    bot_start(bot=bot, exchanges=floor.exchanges, now=floor.now)
    books = {NAME: ExchangeDepths(NAME, floor.clients)}
    run_turn([bot.pk], exchanges=replace(floor.exchanges, depths=books), now=floor.now)
    assert Order.objects.filter(bot=bot).exists() == enters
    told = ActivityLog.objects.filter(bot=bot, message__contains="near the touch")
    assert told.exists() != enters
