"""An order is sent at most once, and nothing that filled is lost, wherever the process dies."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from bots.engine import claims
from bots.engine.replay import replay_breaches
from bots.engine.turn import run_turn
from bots.models import Bot, BotStatus, Decision
from orders.gateways.base import Exchanges
from orders.matching import Quote
from orders.models import Order, Trade
from orders.services import order_settle
from orders.states import OrderStatus
from tests.engine.conftest import NOW, World
from tests.engine.exchanges import NAME, Killed

LATER = NOW + timedelta(minutes=5)


def test_a_bot_buys_and_its_target_rests(world: World) -> None:
    bot = world.bot()
    world.turn(bot)
    base, target = world.orders(bot)
    assert (base.status, base.filled) == (OrderStatus.FILLED, Decimal(1))
    assert (target.status, target.side, target.amount) == (OrderStatus.OPEN, "sell", Decimal(1))
    bot.refresh_from_db()
    assert (bot.position_amount, bot.cash) == (Decimal(1), Decimal("899.9"))


def test_a_filled_target_closes_the_deal_with_its_profit(world: World) -> None:
    bot = world.bot()
    world.turn(bot)
    target = world.orders(bot)[-1]
    order_settle(order=target, report=world.exchange.fill(target), now=NOW)
    world.turn(bot)
    bot.refresh_from_db()
    assert bot.position_amount == 0
    assert bot.pnl == target.price * (1 - Decimal("0.001")) - Decimal("100.1")
    assert bot.status == BotStatus.STOPPED, "one deal was asked for"
    assert list(replay_breaches(bot)) == []


def test_a_lost_answer_does_not_become_a_second_order(world: World) -> None:
    bot = world.bot()
    world.exchange.then = ["lose_answer"]
    world.turn(bot)
    assert world.orders(bot)[0].status == OrderStatus.UNKNOWN
    world.turn(bot, now=LATER)
    assert len(world.exchange.creates) == len(set(world.exchange.creates))
    assert [trade.quantity for trade in world.trades(bot)] == [Decimal(1)]


def test_while_an_order_is_unknown_its_slot_is_taken(world: World) -> None:
    bot = world.bot()
    world.exchange.then, world.exchange.lookup_fails = ["lose_answer"], True
    world.turn(bot)
    world.turn(bot, now=LATER)
    assert [order.status for order in world.orders(bot)] == [OrderStatus.UNKNOWN]
    assert len(world.exchange.creates) == 1


def test_a_lost_request_is_placed_anew_once_it_is_proven_lost(world: World) -> None:
    bot = world.bot()
    world.exchange.then = ["lose_request"]
    world.turn(bot)
    world.turn(bot, now=LATER)
    statuses = [order.status for order in world.orders(bot)]
    assert statuses[:2] == [OrderStatus.NOT_PLACED, OrderStatus.FILLED]
    assert [trade.quantity for trade in world.trades(bot)] == [Decimal(1)]


def test_not_found_is_no_proof_while_the_exchange_may_still_take_it(world: World) -> None:
    bot = world.bot()
    world.exchange.then, world.exchange.sure = ["lose_request"], False
    world.turn(bot)
    world.turn(bot, now=LATER)
    assert [order.status for order in world.orders(bot)] == [OrderStatus.UNKNOWN]


@pytest.mark.row(6, 7)
@pytest.mark.parametrize("fate", ["die_before", "die_after"])
def test_a_death_while_sending_neither_doubles_nor_loses(world: World, fate: str) -> None:
    bot = world.bot()
    world.exchange.then = [fate]
    with pytest.raises(Killed):
        world.turn(bot)
    assert world.orders(bot)[0].status == OrderStatus.SENDING
    world.restart()
    assert [trade.quantity for trade in world.trades(bot)] == [Decimal(1)]
    assert len(world.exchange.books) == 2, "one buy and its target"


def test_a_death_between_writing_and_sending_sends_what_was_written(world: World) -> None:
    bot = world.bot()
    prices = world.exchange.prices
    prices.kill_at = prices.looks + 2  # the second look of the turn is the sender's
    with pytest.raises(Killed):
        world.turn(bot)
    planned = world.orders(bot)[0]
    assert planned.status == OrderStatus.PLANNED
    world.restart()
    assert world.orders(bot)[0].client_id == planned.client_id
    assert [trade.quantity for trade in world.trades(bot)] == [Decimal(1)]


def test_a_plan_held_up_too_long_is_not_carried_out_at_a_price_it_never_saw(world: World) -> None:
    bot = world.bot()
    prices = world.exchange.prices
    prices.kill_at = prices.looks + 2
    with pytest.raises(Killed):
        world.turn(bot)
    prices.at += 3_600_000
    world.restart()
    statuses = [order.status for order in world.orders(bot)]
    assert statuses[:2] == [OrderStatus.ABANDONED, OrderStatus.FILLED]


def test_an_answer_that_names_another_order_is_no_answer(world: World) -> None:
    bot = world.bot()
    world.exchange.then = ["misname"]
    world.turn(bot)
    assert world.orders(bot)[0].status == OrderStatus.UNKNOWN
    assert world.trades(bot) == []
    world.turn(bot, now=LATER)
    assert len(world.trades(bot)) == 1


def test_a_refused_order_is_said_and_tried_again_a_few_times_only(world: World) -> None:
    bot = world.bot()
    world.exchange.then = ["refuse"] * 50
    for _ in range(20):
        world.turn(bot, now=LATER)
    bot.refresh_from_db()
    assert bot.status == BotStatus.ERROR
    assert 40 < len(world.exchange.then) < 48


def test_the_same_fill_told_again_and_again_is_booked_once(world: World) -> None:
    bot = world.bot()
    world.turn(bot)
    target = world.orders(bot)[-1]
    part = world.exchange.fill(target, amount=Decimal("0.25"))
    for _ in range(3):
        order_settle(order=target, report=part, now=NOW)
    whole = world.exchange.fill(target, amount=Decimal("0.75"))
    for report in (whole, part, whole):
        order_settle(order=Order.objects.get(pk=target.pk), report=report, now=NOW)
    sold = [trade.quantity for trade in world.trades(bot) if trade.side == "sell"]
    assert sold == [Decimal("0.25"), Decimal("0.75")]
    bot.refresh_from_db()
    assert bot.position_amount == 0


def test_the_database_keeps_a_fill_from_being_booked_twice(world: World) -> None:
    bot = world.bot()
    world.turn(bot)
    trade = world.trades(bot)[0]
    copy = Trade.objects.get(pk=trade.pk)
    copy.pk, copy.number = uuid4(), 99
    with pytest.raises(IntegrityError), transaction.atomic():
        copy.save(force_insert=True)


def test_the_database_keeps_a_slot_to_one_order(world: World) -> None:
    bot = world.bot()
    world.turn(bot)
    twin = world.orders(bot)[-1]
    twin.pk, twin.client_id, twin.exchange_order_id = uuid4(), "f" * 32, None
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save(force_insert=True)


def test_the_database_keeps_an_order_from_being_sent_twice(world: World) -> None:
    bot = world.bot()
    world.turn(bot)
    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.filter(bot=bot).update(send_count=2)


def test_trades_and_their_ledger_can_not_be_changed(world: World) -> None:
    bot = world.bot()
    world.turn(bot)
    with pytest.raises(IntegrityError), transaction.atomic():
        Trade.objects.filter(bot=bot).update(price=Decimal(1))


@pytest.mark.row(18)
def test_a_bot_that_somebody_works_on_is_left_alone(world: World) -> None:
    bot = world.bot()
    token, mine = claims.claim([bot.pk])
    assert mine == [bot.pk]
    world.turn(bot)
    assert world.orders(bot) == []
    claims.release(token)
    world.turn(bot)
    assert len(world.orders(bot)) == 2


@pytest.mark.row(19)
def test_a_worker_that_lost_its_lease_writes_nothing(world: World) -> None:
    """Paused past its lease, it wakes up when another has already decided."""
    bot = world.bot()
    prices = world.exchange.prices
    taken: list[bool] = []

    class PausedAtTheLook:
        def quotes(self, tickers: Collection[str]) -> Mapping[str, Quote]:
            if not taken:
                taken.append(True)
                Bot.objects.filter(pk=bot.pk).update(lease_until=Now() - timedelta(seconds=1))
                world.turn(bot)
            return prices.quotes(tickers)

        ask, hold, candles, age_s = prices.ask, prices.hold, prices.candles, prices.age_s

    slow = Exchanges(world.exchanges.gateways, {NAME: PausedAtTheLook()})
    run_turn([bot.pk], exchanges=slow, now=NOW)
    assert [trade.quantity for trade in world.trades(bot)] == [Decimal(1)]
    assert Decision.objects.filter(bot=bot).count() == len(
        set(Decision.objects.filter(bot=bot).values_list("number", flat=True))
    )
    assert len({order.slot for order in world.orders(bot)}) == len(world.orders(bot))


@pytest.mark.row(58, 59)
def test_one_poisonous_bot_does_not_keep_the_others_from_their_turn(world: World) -> None:
    sick, well = world.bot("Sick"), world.bot("Well")
    Bot.objects.filter(pk=sick.pk).update(memory={"nonsense": True})
    for _ in range(4):
        world.turn(sick, well)
    sick.refresh_from_db()
    assert sick.status == BotStatus.ERROR
    assert sick.phase_why
    assert len(world.trades(well)) == 1
    assert len(world.orders(sick)) == 0


def test_a_look_that_changes_nothing_leaves_no_row(world: World) -> None:
    bot = world.bot()
    world.turn(bot)
    before = Decision.objects.filter(bot=bot).count()
    for _ in range(3):
        world.turn(bot)
    assert Decision.objects.filter(bot=bot).count() == before


def test_filled_before_its_fills_are_told_is_asked_for_and_not_bought_again(world: World) -> None:
    bot = world.bot()
    world.exchange.then = ["fills_later"]
    world.turn(bot)
    assert world.trades(bot) == []
    world.turn(bot)
    world.turn(bot, now=LATER)
    assert [trade.quantity for trade in world.trades(bot)] == [Decimal(1)]
    assert len(world.exchange.creates) == 2, "one buy and its target"
