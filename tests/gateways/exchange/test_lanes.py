"""Requests in a storm: none before the time told, cancels and exits first, and each account has its part.

The numbers are those of the fault matrix; what has reached the exchange is read from its own record.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from django.core.cache import cache

from accounts.keys import Credentials
from accounts.models import Environment, User
from orders.gateways.base import RateLimited, Refused
from orders.gateways.exchange.adapters import ADAPTERS
from orders.gateways.exchange.breaker import SharedBreaker
from orders.gateways.exchange.budget import PATIENCE_S, PUBLIC, Budget, Lane
from orders.gateways.exchange.clients import ProcessClients
from orders.gateways.exchange.gateway import ExchangeGateway
from orders.gateways.exchange.limits import DAY_MS, Limit, Limits
from orders.gateways.exchange.spoken import opened
from orders.models import Order
from orders.states import OrderStatus
from tests.gateways.exchange.books import agree, come_to_rest, statuses
from tests.gateways.exchange.conftest import KEYS, Floor, live_account
from tests.gateways.exchange.desk import OneClient, client, credentials, order
from tests.gateways.exchange.own import own_counts
from tests.gateways.exchange.public import NAME, options_of
from tests.gateways.exchange.wire import Wire
from tests.waiting import until
from tradingbot.counting import shared_counts

FILLED, OPEN, PLANNED = OrderStatus.FILLED, OrderStatus.OPEN, OrderStatus.PLANNED
HOLD_S = 1
MOMENT_S = 0.02


def with_limits(floor: Floor, limits: Limits) -> Floor:
    """The same, of a process that knows other limits. They count a whole day: no window turns in a test."""
    clients = ProcessClients(overrides={NAME: options_of(floor.exchange)}, keys=KEYS, limits=lambda _: limits)
    return replace(floor, clients=clients)


@pytest.fixture
def bobs(floor: Floor) -> Floor:
    """Another person with an account on the same exchange, whose requests leave from the same address."""
    user = User.objects.create_user("bob@example.com")
    theirs = floor.exchange.ledger.open_account("bob-key", "bob-secret", USDT=10_000, BTC=1)
    account = live_account(user, Credentials(theirs.key, theirs.secret))
    return replace(floor, user=user, account=account)


def gateway(floor: Floor) -> ExchangeGateway:
    found = floor.exchanges.gateways[NAME, Environment.LIVE]
    assert isinstance(found, ExchangeGateway)
    return found


def resting(floor: Floor) -> Order:
    """An order of theirs that rests on the exchange."""
    bot = floor.bot()
    floor.turn(bot)
    return next(row for row in floor.orders(bot) if row.status == OPEN)


@pytest.mark.parametrize("status", [429, 418])
def test_32_and_33_nobody_behind_the_address_speaks_before_the_time_told(
    floor: Floor, bobs: Floor, status: int
) -> None:
    orders, elsewhere = [resting(floor), resting(bobs)], with_limits(floor, Limits())
    gateway(elsewhere).news(orders[1:])
    floor.exchange.faults.add("limited", path="/api/v3/openOrders", status=status, retry_after=HOLD_S)
    with pytest.raises(RateLimited):
        gateway(floor).news(orders[:1])
    told = floor.exchange.oracle.requests[-1]
    before, ended = len(floor.exchange.oracle.requests), time.monotonic() + HOLD_S * 10
    while len(floor.exchange.oracle.requests) == before and time.monotonic() < ended:
        for process in (floor, elsewhere):
            for known in orders:
                _all_refused(gateway(process), known)
        time.sleep(MOMENT_S)
    waited_ms = floor.exchange.oracle.requests[before].time - told.time
    assert HOLD_S * 1000 <= waited_ms < HOLD_S * 1000 + 2_000
    come_to_rest(floor)
    agree(floor)


def _all_refused(asked: ExchangeGateway, known: Order) -> None:
    for call in (lambda: asked.news([known]), lambda: asked.lookup(known), lambda: asked.cancel(known)):
        with suppress(RateLimited):
            call()


def storm(ask: Callable[[], object]) -> RateLimited:
    """Asked again and again, until it is not let out any more."""
    for _ in range(1000):
        try:
            ask()
        except RateLimited as limited:
            return limited
    raise AssertionError("nothing ever stopped it")


def test_55_in_a_storm_cancels_go_first_anybodys(floor: Floor, bobs: Floor) -> None:
    orders = {"alice": resting(floor), "bob": resting(bobs)}
    stormy = with_limits(floor, Limits(address=(Limit(600, DAY_MS),), weight_per_cost=5))
    storm(lambda: gateway(stormy).news([orders["alice"]]))
    asked = len(floor.exchange.oracle.asked("GET", "/api/v3/openOrders"))
    assert 60 < asked <= 72, "nine tenths of four fifths, six each"
    assert gateway(stormy).wait_s(orders["alice"]) == 0, "it is an exit"
    assert gateway(stormy).cancel(orders["bob"]).status is OrderStatus.CANCELLED
    assert gateway(stormy).cancel(orders["alice"]).status is OrderStatus.CANCELLED


def test_55_a_storm_of_cancels_does_not_keep_anothers_from_passing(floor: Floor, bobs: Floor) -> None:
    orders = {"alice": resting(floor), "bob": resting(bobs)}
    stormy = with_limits(floor, Limits(address=(Limit(600, DAY_MS),), weight_per_cost=5))
    assert storm(lambda: gateway(stormy).lookup(orders["alice"])).wait_s > PATIENCE_S[Lane.URGENT]
    assert gateway(stormy).cancel(orders["bob"]).status is OrderStatus.CANCELLED


def test_55_a_process_that_starts_in_a_storm_can_cancel(floor: Floor) -> None:
    """It knows no markets yet, and not the exchange's clock."""
    known, limits = resting(floor), Limits(address=(Limit(600, DAY_MS),), weight_per_cost=5)
    others = Budget(f"{NAME}:live", PUBLIC, limits, shared_counts())
    until(lambda: others.take(Lane.USUAL, 10, time.time_ns() // 1_000_000))
    started = gateway(with_limits(floor, limits))
    assert started.cancel(known).status is OrderStatus.CANCELLED
    with pytest.raises(RateLimited):
        started.news([known])


def test_an_order_without_room_stays_planned_and_is_not_claimed(floor: Floor) -> None:
    narrow = with_limits(floor, Limits(orders=(Limit(1, DAY_MS),)))
    bot = narrow.bot()
    narrow.turn(bot)
    assert statuses(floor, bot) == [FILLED, PLANNED]
    narrow.turn(bot)
    target = floor.orders(bot)[1]
    assert (target.status, target.send_count) == (PLANNED, 0)
    assert len(floor.exchange.oracle.creates) == 1
    cache.clear()
    narrow.turn(bot)
    assert statuses(floor, bot) == [FILLED, OPEN]


def test_an_exit_goes_where_an_entry_has_no_room(floor: Floor) -> None:
    narrow = with_limits(floor, Limits(orders=(Limit(2, DAY_MS),)))
    first, second = narrow.bot(), narrow.bot("Another")
    narrow.turn(first)
    narrow.turn(second)
    assert statuses(floor, first) == [FILLED, OPEN]
    assert statuses(floor, second) == [PLANNED]


def test_an_order_that_loses_its_room_after_its_claim_was_not_sent(floor: Floor) -> None:
    """Nothing has left, so it is not in doubt."""
    narrow = with_limits(floor, Limits(orders=(Limit(1, DAY_MS),)))
    bot = narrow.bot()
    narrow.turn(bot)
    target = floor.orders(bot)[1]
    target.claimed_at = floor.now
    target.save(update_fields=["claimed_at"])
    with pytest.raises(Refused, match="not sent"):
        gateway(narrow).create(target)
    SharedBreaker(f"{NAME}:live:all").trip(30, time.time())
    with pytest.raises(Refused, match="not sent"):
        gateway(floor).create(target)
    assert len(floor.exchange.oracle.creates) == 1


def test_a_client_whose_clock_cannot_be_told_sends_no_order_and_leaves_none_in_doubt(floor: Floor) -> None:
    bot = floor.bot()
    floor.turn(bot)
    fresh = ProcessClients(overrides={NAME: options_of(floor.exchange)}, keys=KEYS)
    fresh.master(NAME)
    floor.exchange.faults.add("drop_request", path="/api/v3/time", times=None)
    with pytest.raises(Refused, match="not sent"):
        gateway(replace(floor, clients=fresh)).create(floor.orders(bot)[0])
    assert len(floor.exchange.oracle.creates) == 2


def test_too_many_orders_refuse_this_one_and_hold_up_nobody_else(floor: Floor, bobs: Floor) -> None:
    floor.exchange.limits.orders_day_max = 1
    bot, others = floor.bot(), bobs.bot("Another")
    floor.turn(bot)
    assert statuses(floor, bot)[:2] == [FILLED, OrderStatus.REFUSED]
    assert floor.clients.of(floor.account).breaker.wait_s(time.time()) == 0
    bobs.turn(others)
    assert statuses(bobs, others)[0] == FILLED


def test_an_order_that_other_requests_held_up_too_long_is_not_sent() -> None:
    """Young when its turn began, and too old when its client was free at last."""
    wire = Wire((200, {}))
    asked = client(NAME, wire)
    place = ExchangeGateway(ADAPTERS[NAME], OneClient(asked), lambda _: 6_000 if asked._lock.locked() else 0)
    with pytest.raises(Refused, match="held up for more than 5 s"):
        place.create(order())
    assert wire.requests == []


@pytest.mark.parametrize("status", [400, 429])
def test_after_too_many_orders_no_other_is_tried(status: int) -> None:
    words = "Too many new orders; current limit is 50 orders per 10 SECOND."
    wire, known = Wire((status, {"code": -1015, "msg": words})), order()
    asked = client(NAME, wire)
    asked.budget = Budget("binance:live", "alice", Limits(orders=(Limit(90, DAY_MS),)), own_counts())
    place = ExchangeGateway(ADAPTERS[NAME], OneClient(asked), lambda _: 0)
    assert place.wait_s(known) == 0
    for _ in range(2):
        with pytest.raises(Refused):
            place.create(known)
    assert len(wire.requests) == 1, "it was not even looked up"
    assert place.wait_s(known) > PATIENCE_S[Lane.URGENT]


def test_what_the_exchange_counts_for_others_is_left_to_them(floor: Floor) -> None:
    limit = Limit(5_400, DAY_MS, told="X-MBX-USED-WEIGHT-1M")
    narrow = with_limits(floor, Limits(address=(limit,), weight_per_cost=5))
    mine = narrow.clients.of(floor.account)
    now_ms = time.time_ns() // 1_000_000
    assert mine.budget.wait_s(Lane.USUAL, 2_000, now_ms) == 0
    floor.exchange.limits.spend(3_000)
    mine.ask(lambda ccxt: ccxt.fetch_time())
    assert mine.budget.wait_s(Lane.USUAL, 2_000, now_ms) > 0
    assert Budget(f"{NAME}:live", PUBLIC, mine.budget.limits, shared_counts()).wait_s(
        Lane.USUAL, 2_000, now_ms
    )


def test_a_window_that_turns_soon_is_waited_for(floor: Floor) -> None:
    short = with_limits(floor, Limits(address=(Limit(10, 100, by_request=True),)))
    began = time.monotonic()
    for _ in range(25):
        short.clients.master(NAME).ask(lambda ccxt: ccxt.fetch_time())
    assert time.monotonic() - began >= 0.19, "eight in each window"


@pytest.mark.parametrize(("signed", "paced"), [(True, False), (False, True)])
def test_an_order_waits_for_no_earlier_request(signed: bool, paced: bool) -> None:
    keys = credentials(NAME) if signed else None
    assert opened(ADAPTERS[NAME], Environment.LIVE, keys, {}, None).enableRateLimit is paced
