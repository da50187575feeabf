"""A simulated market ends the same however often the process that plays it dies."""

import random
from decimal import Decimal

import pytest

from accounts.models import User
from bots.engine.replay import replay_breaches
from bots.models import Bot
from orders.gateways.lockstep import Levels, Stand, advance, first_stand
from orders.gateways.simulated import source_of
from orders.matching import Candle
from orders.models import Order, SimulatedMarket, Trade
from tests.engine.simulation import BUSY_DCA, TICKER, Assassin, Simulation, tight_grid

MINUTE = 60_000
FOREVER = 10**15


class Tape:
    """A list of candles, one a minute, as a price source."""

    length_ms = MINUTE

    def __init__(self, *prices: tuple[int, int, int, int]) -> None:
        self._candles = [
            Candle(number * MINUTE, *(Decimal(price) for price in row)) for number, row in enumerate(prices)
        ]

    def candle(self, number: int) -> Candle | None:
        return self._candles[number] if number < len(self._candles) else None


RISE_AND_FALL = Tape((100, 110, 90, 105), (105, 106, 104, 104), (80, 85, 75, 76))


def test_the_clock_stops_at_the_first_level_on_its_way() -> None:
    levels = Levels(buy_trigger=Decimal(95), below=Decimal(97))
    move = advance(RISE_AND_FALL, first_stand(RISE_AND_FALL), levels, FOREVER)
    assert move is not None
    assert (move.stand, move.event) == (Stand(0, 1, Decimal(97)), True)
    assert (move.start, move.low) == (Decimal(100), Decimal(97))


def test_a_wake_that_was_reached_does_not_hold_the_clock_for_ever() -> None:
    at_the_wake = Stand(0, 1, Decimal(97))
    move = advance(RISE_AND_FALL, at_the_wake, Levels(below=Decimal(97), above=Decimal(108)), FOREVER)
    assert move is not None
    assert move.stand == Stand(0, 2, Decimal(108)), "down to 90 first, then up to the other wake"


def test_a_gap_is_jumped_over_and_passes_all_that_lay_in_it() -> None:
    close = Stand(1, 3, Decimal(104))
    move = advance(RISE_AND_FALL, close, Levels(buy_trigger=Decimal(95)), FOREVER)
    assert move is not None
    assert (move.stand, move.event) == (Stand(2, 0, Decimal(80)), True)
    assert (move.low, move.high) == (Decimal(80), Decimal(104))


def test_a_resting_order_that_the_price_is_already_through_fills_at_once() -> None:
    move = advance(RISE_AND_FALL, Stand(0, 2, Decimal(95)), Levels(buy_trigger=Decimal(99)), FOREVER)
    assert move is not None
    assert (move.stand.price, move.event) == (Decimal(95), True)


def test_time_wakes_at_the_first_point_that_is_not_before_it() -> None:
    move = advance(RISE_AND_FALL, first_stand(RISE_AND_FALL), Levels(due=MINUTE), FOREVER)
    assert move is not None
    assert (move.at, move.stand) == (MINUTE, Stand(1, 0, Decimal(105)))


def test_the_clock_goes_no_further_than_it_may() -> None:
    move = advance(RISE_AND_FALL, first_stand(RISE_AND_FALL), Levels(), MINUTE // 2)
    assert move is not None
    assert (move.stand, move.event) == (Stand(0, 1, Decimal(90)), False)


def test_behind_the_last_candle_there_is_nowhere_to_go() -> None:
    assert advance(RISE_AND_FALL, Stand(2, 3, Decimal(76)), Levels(), FOREVER) is None


@pytest.mark.django_db(transaction=True)
def test_a_run_that_is_killed_again_and_again_ends_like_an_undisturbed_one() -> None:
    calm = Simulation(User.objects.create_user("calm@example.com"))
    hunted = Simulation(
        User.objects.create_user("hunted@example.com"),
        Assassin(set(random.Random(20).sample(range(1, 120), 40))),
    )
    outcomes = []
    for run in (calm, hunted):
        _rewind()
        price = SimulatedMarket.objects.get(ticker=TICKER).price
        bots = [run.start("grid", tight_grid(price)), run.start("dca", BUSY_DCA)]
        run.play(minutes=600)
        outcomes.append([run.outcome(bot) for bot in bots])
        for bot in bots:
            assert list(replay_breaches(Bot.objects.get(pk=bot.pk))) == []
            Bot.objects.filter(pk=bot.pk).update(status="stopped")
    assert hunted.deaths > 20
    assert outcomes[0] == outcomes[1]
    assert Trade.objects.filter(user=calm.user).count() > 10


def _rewind() -> None:
    """Give both runs the same market, from its first price on."""
    Order.objects.filter(status="open").update(status="cancelled")
    row = SimulatedMarket.objects.get(ticker=TICKER)
    opening = first_stand(source_of(row))
    SimulatedMarket.objects.filter(pk=row.pk).update(candle=0, leg=0, price=opening.price)
