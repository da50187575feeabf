"""A strategy that fails at each look, or never comes to an end: only its own bot stops (row 59)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic
from typing import Any, cast

import pytest

from bots.engine.time_limit import TimeLimit, TookTooLong
from bots.models import Bot, BotStatus
from bots.strategies.base import Plan, Seen
from bots.strategies.dca import Dca, DcaSettings
from bots.strategies.registry import BOT_TYPES, BotType
from orders.states import OrderStatus
from tests.gateways.exchange.books import agree, come_to_rest, statuses
from tests.gateways.exchange.conftest import Floor

FILLED, OPEN = OrderStatus.FILLED, OrderStatus.OPEN
LIMIT_S, TRIES = 0.3, 3
# Without the limit a test must fail, and not hang.
GIVES_UP_S = 30.0


def thinks(seconds: float) -> int:
    until, thoughts = monotonic() + seconds, 0
    while monotonic() < until:
        thoughts += 1
    return thoughts


class Endless(Dca):
    def decide(self, memory: Any, seen: Seen) -> Plan[Any]:
        thinks(GIVES_UP_S)
        return super().decide(memory, seen)


class Failing(Dca):
    def decide(self, memory: Any, seen: Seen) -> Plan[Any]:
        raise ZeroDivisionError("division by zero")


@contextmanager
def registered(strategy: type[Dca]) -> Iterator[str]:
    """One more kind of bot, for as long as the block."""
    kinds, name = cast("dict[str, BotType]", BOT_TYPES), strategy.__name__.lower()
    kinds[name] = BotType(name, name, name, DcaSettings, strategy)
    try:
        yield name
    finally:
        del kinds[name]


def one_is_sick(floor: Floor, strategy: type[Dca]) -> Bot:
    """Bots are given their turns together; the sick one rests between its tries."""
    sick, well = floor.bot("Sick"), floor.bot("Well")
    with registered(strategy) as name:
        Bot.objects.filter(pk=sick.pk).update(bot_type=name)
        for _ in range(TRIES):
            floor.turn(sick, well)
            Bot.objects.filter(pk=sick.pk).update(retry_at=None)
    assert statuses(floor, well) == [FILLED, OPEN]
    assert statuses(floor, sick) == []
    come_to_rest(floor)
    agree(floor)
    return Bot.objects.get(pk=sick.pk)


@pytest.mark.row(59)
def test_a_bot_that_fails_at_each_look_stops_alone(floor: Floor) -> None:
    sick = one_is_sick(floor, Failing)
    assert (sick.status, sick.phase_why) == (BotStatus.ERROR, "ZeroDivisionError: division by zero")


@pytest.mark.row(59)
@pytest.mark.long
def test_a_bot_that_thinks_for_ever_stops_alone(floor: Floor) -> None:
    began = monotonic()
    sick = one_is_sick(floor, Endless)
    assert sick.status == BotStatus.ERROR
    assert "TookTooLong" in sick.phase_why
    assert monotonic() - began < GIVES_UP_S * (TRIES - 1)


@pytest.mark.row(59)
def test_who_never_ends_is_struck_and_who_ends_is_not() -> None:
    began = monotonic()
    with pytest.raises(TookTooLong), TimeLimit(LIMIT_S):
        thinks(GIVES_UP_S)
    assert LIMIT_S <= monotonic() - began < GIVES_UP_S
    with TimeLimit(LIMIT_S):
        thinks(0)
    thinks(3 * LIMIT_S)


@pytest.mark.row(59)
def test_a_strike_never_comes_after_the_block() -> None:
    """Thoughts that take about as long as the limit: each is struck inside, or not at all."""

    def at_the_edge(seconds: float) -> bool:
        struck = False
        try:
            with TimeLimit(LIMIT_S):
                thinks(seconds)
        except TookTooLong:
            struck = True
        thinks(LIMIT_S)
        return struck

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(at_the_edge, (0.0, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 2.0)))
    assert (told[0], told[-1]) == (False, True)
