"""The guards that no ordinary run notices, each asked alone: what happens to those who come too late."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db.models import F
from django.db.models.functions import Now

from accounts.models import User
from bots.engine import claims
from bots.engine.compare import change_of
from bots.engine.look import look
from bots.engine.market_step import LostMarket, market_step
from bots.engine.turn import decide, run_turn
from bots.engine.write import write
from bots.models import Bot, Decision
from orders.gateways.base import Exchanges, Report
from orders.gateways.listed import EXCHANGE
from orders.gateways.paper import PaperGateway
from orders.gateways.simulated import SimulatedPrices
from orders.matching import Quote
from orders.models import Order, SimulatedMarket, Trade
from orders.money import LostRace
from orders.services import order_claim, order_settle
from orders.states import OrderStatus
from tests.engine.conftest import NOW, World
from tests.engine.simulation import BEGAN, BUSY_DCA, TICKER, Simulation

FAR = 10**15


@pytest.fixture
def simulation(transactional_db: None) -> Simulation:
    return Simulation(User.objects.create_user("alice@example.com"))


def written_late(world: World, bot: Bot, **changes: object) -> None:
    """A worker looks and decides; then `changes` happen to its bot; then it writes."""
    token, mine = claims.claim([bot.pk])
    changed = [change_of(one, decide(one), now=NOW) for one in look(token, mine, exchanges=world.exchanges)]
    Bot.objects.filter(pk=bot.pk).update(**changes)
    write(changed, token=token, exchanges=world.exchanges, now=NOW)


def test_a_decision_in_time_is_written(world: World) -> None:
    bot = world.bot()
    written_late(world, bot)
    assert [order.status for order in world.orders(bot)] == [OrderStatus.PLANNED]


def test_a_worker_whose_lease_was_given_away_writes_nothing(world: World) -> None:
    bot = world.bot()
    with pytest.raises(LostRace):
        written_late(world, bot, lease_token=uuid4())
    assert world.orders(bot) == []


def test_a_worker_from_an_earlier_epoch_writes_nothing(world: World) -> None:
    bot = world.bot()
    with pytest.raises(LostRace):
        written_late(world, bot, epoch=F("epoch") + 1)
    assert world.orders(bot) == []


def planned_order(world: World) -> Order:
    bot = world.bot()
    written_late(world, bot)
    return world.orders(bot)[0]


def test_an_order_is_claimed_under_the_lease_alone(world: World) -> None:
    order = planned_order(world)
    with pytest.raises(LostRace):
        order_claim(order=order, token=uuid4())
    Bot.objects.update(lease_until=Now() - timedelta(seconds=1))
    held = Bot.objects.get(pk=order.bot_id).lease_token
    assert held is not None
    with pytest.raises(LostRace):
        order_claim(order=order, token=held)
    assert Order.objects.get(pk=order.pk).send_count == 0


def test_an_order_is_claimed_by_one_of_two_who_saw_it_planned(world: World) -> None:
    first = planned_order(world)
    second = Order.objects.get(pk=first.pk)
    token = Bot.objects.get(pk=first.bot_id).lease_token
    assert token is not None
    order_claim(order=first, token=token)
    with pytest.raises(LostRace):
        order_claim(order=second, token=token)


def test_an_order_that_ended_keeps_its_slot_until_a_decision_has_seen_it(world: World) -> None:
    bot = world.bot()
    world.turn(bot)
    target = world.orders(bot)[-1]
    order_settle(order=target, report=world.exchange.fill(target), now=NOW)
    ended = Order.objects.get(pk=target.pk)
    assert (ended.status, ended.settled) == (OrderStatus.FILLED, False)
    world.turn(bot)
    assert Order.objects.get(pk=target.pk).settled


@dataclass
class MovedMeanwhile(SimulatedPrices):
    """The clock moves on between a look at the price and the write that relies on it."""

    moves: int = 1
    seen: list[Decimal] = field(default_factory=list)

    def quotes(self, tickers: Collection[str]) -> Mapping[str, Quote]:
        told = super().quotes(tickers)
        self.seen += [quote.last for quote in told.values()]
        if self.moves:
            self.moves -= 1
            SimulatedMarket.objects.filter(ticker=TICKER).update(price=told[TICKER].last * 2)
        return told


def test_a_decision_at_a_price_that_has_moved_is_taken_again(simulation: Simulation) -> None:
    bot = simulation.start("dca", BUSY_DCA)
    prices = MovedMeanwhile()
    exchanges = Exchanges({(EXCHANGE, "paper"): PaperGateway(prices)}, {EXCHANGE: prices})
    run_turn([bot.pk], exchanges=exchanges, now=BEGAN)
    first = Decision.objects.filter(bot=bot).earliest("number")
    assert Decimal(first.seen["last"]) == prices.seen[0] * 2


def test_the_clock_moves_for_its_owner_alone(simulation: Simulation) -> None:
    SimulatedMarket.objects.filter(ticker=TICKER).update(owner_token=uuid4(), owner_until=Now())
    with pytest.raises(LostMarket):
        market_step(ticker=TICKER, token=uuid4(), until=FAR, now=BEGAN)


def test_the_clock_waits_for_a_bot_that_has_news(simulation: Simulation) -> None:
    simulation.start("dca", BUSY_DCA)
    SimulatedMarket.objects.filter(ticker=TICKER).update(owner_token=simulation.token, owner_until=Now())
    step = market_step(ticker=TICKER, token=simulation.token, until=FAR, now=BEGAN)
    assert (step.restless, step.move) == (True, None)


class PausedAfterTheFill(PaperGateway):
    """The worker is stopped for longer than its lease after the price of its fill was settled on."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(SimulatedPrices())
        self._simulation, self._paused = simulation, False

    def create(self, order: Order) -> Report:
        report = super().create(order)
        if not self._paused:
            self._paused = True
            Bot.objects.update(lease_until=Now() - timedelta(seconds=1))
            run_turn([order.bot_id], exchanges=self._simulation.exchanges, now=BEGAN)
        return report


def test_a_paper_fill_told_by_a_worker_that_slept_past_its_lease_is_not_a_second_one(
    simulation: Simulation,
) -> None:
    bot = simulation.start("dca", BUSY_DCA)
    slow = Exchanges({(EXCHANGE, "paper"): PausedAfterTheFill(simulation)}, {EXCHANGE: SimulatedPrices()})
    run_turn([bot.pk], exchanges=slow, now=BEGAN)
    bought = Trade.objects.filter(bot=bot, slot__endswith="base")
    assert bought.count() == 1
