"""Other rules than those we know, and a market that is closed (rows 41, 42)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.utils import timezone

from activity.models import ActivityLog
from bots.models import Bot, BotStatus, Phase
from bots.services import bot_stop
from orders.models import Market
from orders.queries import latest_markets
from orders.states import OrderStatus
from tests.gateways.exchange.books import agree, come_to_rest, statuses
from tests.gateways.exchange.conftest import Floor
from tests.gateways.exchange.public import NAME

FILLED, OPEN, REFUSED, CANCELLED = (
    OrderStatus.FILLED,
    OrderStatus.OPEN,
    OrderStatus.REFUSED,
    OrderStatus.CANCELLED,
)
RULES = ("GET", "/api/v3/exchangeInfo")
D = Decimal


def rules_now() -> Market:
    return latest_markets({(NAME, "BTC/USDT")})[NAME, "BTC/USDT"]


def loads(floor: Floor) -> int:
    return len(floor.exchange.oracle.asked(*RULES))


@pytest.mark.row(41)
def test_a_coarser_lot_is_learnt_from_the_refusal_and_the_order_made_anew(floor: Floor) -> None:
    bot = floor.bot(base_order_volume="123")
    before = loads(floor)
    floor.exchange.ledger.change_symbol("BTCUSDT", step=D("0.0001"), min_quantity=D("0.0001"))
    floor.turn(bot)
    refused, bought, target = floor.orders(bot)
    assert (refused.status, bought.status, target.status) == (REFUSED, FILLED, OPEN)
    assert refused.amount % D("0.0001") != 0
    assert bought.amount % D("0.0001") == 0
    assert (bought.market.version, rules_now().lot) == (refused.market.version + 1, D("0.0001"))
    assert loads(floor) == before + 1
    agree(floor)


@pytest.mark.row(41)
def test_a_coarser_tick_is_learnt_for_the_target(floor: Floor) -> None:
    bot = floor.bot(take_profit_pct="1.2345")
    floor.exchange.ledger.move("BTCUSDT", D("50000.01"))
    floor.exchange.ledger.change_symbol("BTCUSDT", tick=D(5))
    floor.turn(bot)
    assert statuses(floor, bot) == [FILLED, REFUSED, OPEN]
    assert floor.orders(bot)[-1].price % 5 == 0
    agree(floor)


@pytest.mark.row(41)
def test_a_higher_minimum_is_learnt_and_not_tried_against_again_and_again(floor: Floor) -> None:
    """No amount of the bot's suits the exchange any more: it says so once, and waits."""
    bot = floor.bot()
    before = loads(floor)
    floor.exchange.ledger.change_symbol("BTCUSDT", min_notional=D(150))
    for _ in range(3):
        floor.ring(bot)
        floor.turn(bot)
    assert rules_now().min_cost == 150
    assert len(floor.exchange.oracle.creates) == 1, "by the new rules it is not sent at all"
    assert loads(floor) == before + 1
    assert ActivityLog.objects.filter(bot=bot, message__contains="under the market's minimum").count() == 1
    assert Bot.objects.get(pk=bot.pk).status == BotStatus.ACTIVE
    agree(floor)


@pytest.mark.row(41)
def test_refusals_that_go_on_ask_for_the_rules_once_a_minute(floor: Floor) -> None:
    floor.exchange.faults.add(
        "code",
        method="POST",
        path="/api/v3/order",
        code=-1013,
        message="Filter failure: NOTIONAL",
        times=None,
    )
    before = loads(floor)
    for number in range(3):
        floor.turn(floor.bot(f"Bot {number}"))
    assert loads(floor) == before + 1
    cache.clear()
    floor.turn(floor.bot("Later"))
    assert loads(floor) == before + 2
    floor.exchange.faults.clear()
    come_to_rest(floor)
    agree(floor)


def halted(floor: Floor) -> None:
    """The exchange stops the market and cancels what rests there."""
    ledger = floor.exchange.ledger
    ledger.change_symbol("BTCUSDT", status="BREAK")
    for order in ledger.open_orders(floor.exchange.alice.key):
        ledger.cancel(order)


@pytest.mark.row(42)
def test_a_bot_on_a_market_that_is_halted_waits_with_its_coins_and_goes_on(floor: Floor) -> None:
    bot = floor.bot()
    floor.turn(bot)
    halted(floor)
    floor.later(6)
    assert statuses(floor, bot)[:2] == [FILLED, CANCELLED]
    row = Bot.objects.get(pk=bot.pk)
    assert (row.status, row.phase, row.position_amount > 0) == (BotStatus.ACTIVE, Phase.PAUSED, True)
    assert "BTC/USDT is not traded" in row.phase_why
    sent = len(floor.exchange.oracle.creates)
    for _ in range(5):
        waited(floor)
    assert len(floor.exchange.oracle.creates) == sent
    assert ActivityLog.objects.filter(bot=bot, message=row.phase_why).count() == 1, "its user is told once"
    floor.exchange.ledger.change_symbol("BTCUSDT", status="TRADING")
    waited(floor)
    assert statuses(floor, bot)[-1] == OPEN, "it is protected again"
    assert Bot.objects.get(pk=bot.pk).phase == Phase.IN_DEAL
    come_to_rest(floor)
    agree(floor)


def waited(floor: Floor) -> None:
    """A minute passes: bots that rest look again, and the exchange may be asked for its rules again."""
    minute = timedelta(seconds=60)
    for pk, retry_at in Bot.objects.values_list("pk", "retry_at"):
        if retry_at is not None:
            Bot.objects.filter(pk=pk).update(retry_at=retry_at - minute)
    cache.clear()
    floor.later(60)


@pytest.mark.row(42)
def test_a_bot_on_a_halted_market_can_be_stopped(floor: Floor) -> None:
    bot = floor.bot()
    floor.turn(bot)
    halted(floor)
    floor.later(6)
    bot_stop(bot=Bot.objects.get(pk=bot.pk), now=timezone.now(), how="cancel_orders")
    waited(floor)
    row = Bot.objects.get(pk=bot.pk)
    assert (row.status, row.position_amount > 0) == (BotStatus.STOPPED, True)
    come_to_rest(floor)
    agree(floor)


@pytest.mark.row(42)
def test_a_market_that_is_listed_no_more(floor: Floor) -> None:
    bot = floor.bot()
    del floor.exchange.ledger.symbols["BTCUSDT"]
    floor.turn(bot)
    row = Bot.objects.get(pk=bot.pk)
    assert (row.status, row.phase, rules_now().active) == (BotStatus.ACTIVE, Phase.PAUSED, False)
    assert set(statuses(floor, bot)) == {REFUSED}
    agree(floor)
