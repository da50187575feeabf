"""What may still be asked: counted by all who share it, left for cancels and exits, and for each account."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.gateways.exchange.adapters import ADAPTERS
from orders.gateways.exchange.budget import KNOWN_PCT, PUBLIC, Budget, Lane
from orders.gateways.exchange.limits import LIMITS, MINUTE_MS, Limit, Limits, limits_of
from tests.gateways.exchange.own import own_counts
from tradingbot.counting import Counts

# A whole minute, by the clock of the exchange.
NOON_MS = 28_333_333 * MINUTE_MS
PLACE = "binance:live"
TOLD, TOLD_ORDERS = "X-Used", "X-Orders"
HUNDRED = Limits(
    address=(Limit(100, MINUTE_MS, told=TOLD),),
    orders=(Limit(10, 10_000, told=TOLD_ORDERS), Limit(1_000, 86_400_000)),
)
EACH_OF_TEN = Limits(account=(Limit(10, MINUTE_MS),))


class Desk:
    """Accounts that ask from one address; the clock stands until a test moves it."""

    def __init__(self, limits: Limits = HUNDRED, counts: Counts | None = None) -> None:
        self.limits, self.counts, self.now_ms = limits, counts or own_counts(), NOON_MS

    def of(self, who: str) -> Budget:
        """As another process would open it: nothing is shared but the counts."""
        return Budget(PLACE, who, self.limits, self.counts)

    def wait_s(self, who: str, lane: Lane = Lane.USUAL, weight: int = 1, *, order: bool = False) -> float:
        return self.of(who).take(lane, weight, self.now_ms, order=order)

    def granted(self, who: str, lane: Lane = Lane.USUAL, weight: int = 1, *, order: bool = False) -> int:
        """How much of it leaves until the first that may not."""
        for number in range(10_000):
            if self.wait_s(who, lane, weight, order=order):
                return number * weight
        raise AssertionError("there is no end to it")


def test_each_lane_leaves_room_for_the_more_urgent_one() -> None:
    desk = Desk()
    assert desk.granted(PUBLIC, Lane.IDLE) == 50
    assert desk.granted(PUBLIC, Lane.USUAL) == 30
    assert desk.granted(PUBLIC, Lane.URGENT) == 20


def test_all_is_there_again_when_the_window_turns_and_the_wait_says_when() -> None:
    desk = Desk()
    desk.now_ms += 12_300
    desk.granted(PUBLIC)
    assert desk.wait_s(PUBLIC) == 47.7
    desk.now_ms += 47_699
    assert desk.wait_s(PUBLIC) > 0
    desk.now_ms += 1
    assert desk.granted(PUBLIC) == 80


def test_what_is_refused_is_not_counted() -> None:
    desk = Desk()
    desk.granted(PUBLIC)
    for _ in range(50):
        assert desk.wait_s(PUBLIC)
    assert desk.granted(PUBLIC, Lane.URGENT) == 20


def test_a_look_at_what_is_left_uses_nothing() -> None:
    desk = Desk()
    for _ in range(200):
        assert desk.of("alice").wait_s(Lane.USUAL, 1, desk.now_ms, order=True) == 0
    desk.granted("alice", order=True)
    assert desk.of("alice").wait_s(Lane.USUAL, 1, desk.now_ms, order=True) == 10
    assert desk.of("alice").wait_s(Lane.USUAL, 1, desk.now_ms) == 0, "only its orders are used up"


def test_a_storm_of_one_account_leaves_anothers_cancels_passing() -> None:
    for lane in Lane:
        desk = Desk()
        desk.granted("alice", lane)
        assert desk.granted("bob", Lane.URGENT) >= 100 - KNOWN_PCT, lane


def test_accounts_that_ask_at_the_same_time_have_equal_parts() -> None:
    desk = Desk()
    everybody = ("alice", "bob", "carol", "dave")
    for who in everybody:
        desk.wait_s(who)
    assert [desk.granted(who) for who in everybody] == [17, 17, 17, 17]
    assert [desk.granted(who, Lane.URGENT) for who in everybody] == [4, 4, 4, 4]
    assert desk.granted("erin", Lane.URGENT) == 12, "who comes next"


def test_ones_own_entries_do_not_keep_one_from_ones_cancels() -> None:
    desk = Desk()
    desk.granted("alice")
    desk.wait_s("bob")
    assert desk.granted("alice", Lane.URGENT) == 9


def test_who_asked_in_the_window_before_keeps_its_part() -> None:
    desk = Desk()
    desk.wait_s("alice")
    desk.wait_s("bob")
    desk.now_ms += MINUTE_MS
    assert desk.granted("alice", Lane.URGENT) == 45
    assert desk.granted("bob", Lane.URGENT) == 45


def test_an_account_is_one_however_often_it_asks() -> None:
    desk = Desk()
    for _ in range(5):
        desk.wait_s("alice")
    desk.granted(PUBLIC, Lane.URGENT)
    for _ in range(5):
        desk.wait_s("bob")
    desk.now_ms += MINUTE_MS
    assert desk.granted("alice", Lane.URGENT) == KNOWN_PCT, "bob was let out nothing"


def test_prices_are_everybodys_and_nobodys_part() -> None:
    desk = Desk()
    for number in range(20):
        desk.wait_s(f"account-{number}")
    assert desk.granted(PUBLIC) == 60


def test_a_request_heavier_than_the_room_leaves_alone() -> None:
    desk = Desk()
    assert desk.wait_s(PUBLIC, Lane.IDLE, 500) == 0
    assert desk.wait_s(PUBLIC, Lane.URGENT, 1) > 0
    desk.now_ms += MINUTE_MS
    assert desk.wait_s("alice", Lane.USUAL, 500) == 0


def test_where_accounts_are_counted_each_has_all_of_its_own() -> None:
    desk = Desk(EACH_OF_TEN)
    assert desk.granted("alice", Lane.URGENT) == 10
    assert desk.granted("bob", Lane.URGENT) == 10
    assert desk.wait_s("alice", Lane.URGENT) == 60, "another process of hers"


def test_new_orders_are_counted_by_account() -> None:
    desk = Desk()
    assert desk.granted("alice", order=True) == 8
    assert desk.granted("alice", Lane.URGENT, order=True) == 2, "exits have what entries leave"
    assert desk.granted("bob", order=True) == 8
    assert desk.wait_s("alice", Lane.URGENT) == 0, "a cancel is no new order"
    assert desk.wait_s("alice", Lane.URGENT, order=True) == 10
    desk.now_ms += 10_000
    assert desk.wait_s("alice", order=True) == 0


def test_after_too_many_orders_none_is_tried_until_the_window_turns() -> None:
    desk = Desk()
    desk.now_ms += 4_000
    desk.of("alice").no_more_orders(desk.now_ms)
    assert desk.wait_s("alice", Lane.URGENT, order=True) == 6
    assert desk.wait_s("alice", Lane.URGENT) == 0
    assert desk.wait_s("bob", order=True) == 0
    desk.now_ms += 6_000
    assert desk.wait_s("alice", order=True) == 0


def heard(desk: Desk, who: str, used: str, header: str = TOLD) -> None:
    budget = desk.of(who)
    assert budget.take(Lane.URGENT, 1, desk.now_ms, order=header == TOLD_ORDERS) == 0
    budget.heard({header: used}, desk.now_ms + 50)


def test_what_others_use_behind_the_address_is_counted_once() -> None:
    desk = Desk()
    desk.now_ms += 10_000
    heard(desk, PUBLIC, "61")
    heard(desk, PUBLIC, "62")
    heard(desk, "alice", "63")
    assert desk.granted(PUBLIC) == 80 - 63
    desk.now_ms += MINUTE_MS
    assert desk.granted(PUBLIC) == 80


def test_what_others_place_with_the_same_key_is_counted() -> None:
    desk = Desk()
    desk.now_ms += 5_000
    heard(desk, "alice", "6", TOLD_ORDERS)
    assert desk.granted("alice", order=True) == 2
    assert desk.granted("bob", order=True) == 8


@pytest.mark.parametrize("told", ["", "many", "-5", "2", "0"])
def test_what_tells_nothing_of_others_changes_nothing(told: str) -> None:
    desk = Desk()
    desk.now_ms += 10_000
    heard(desk, PUBLIC, told)
    assert desk.granted(PUBLIC) == 79


@pytest.mark.parametrize("into_ms", [0, 1_000, 59_000])
def test_at_the_turn_of_a_window_nobody_knows_what_was_told(into_ms: int) -> None:
    desk = Desk()
    desk.now_ms += into_ms
    heard(desk, PUBLIC, "90")
    assert desk.granted(PUBLIC) == 79


ASKED = st.tuples(
    st.sampled_from([PUBLIC, "alice", "bob", "carol"]),
    st.sampled_from(list(Lane)),
    st.integers(1, 30),
    st.integers(0, 20_000),
)


@given(st.lists(ASKED, max_size=80))
def test_no_window_ever_holds_more_than_each_lane_may(asked: list[tuple[str, Lane, int, int]]) -> None:
    desk = Desk()
    used: Counter[int] = Counter()
    for who, lane, weight, later_ms in asked:
        desk.now_ms += later_ms
        window = desk.now_ms // MINUTE_MS
        told_s = desk.of(who).wait_s(lane, weight, desk.now_ms)
        wait_s = desk.wait_s(who, lane, weight)
        assert told_s == wait_s, "what is told before is what is done"
        if wait_s:
            assert desk.now_ms + wait_s * 1000 == (window + 1) * MINUTE_MS
        else:
            used[window] += weight
            assert used[window] <= {Lane.URGENT: 100, Lane.USUAL: 80, Lane.IDLE: 50}[lane]


@given(st.lists(ASKED, max_size=80))
def test_whatever_one_account_asks_another_has_enough_to_cancel(
    asked: list[tuple[str, Lane, int, int]],
) -> None:
    desk = Desk()
    for _, lane, weight, later_ms in asked:
        desk.now_ms += later_ms
        desk.wait_s("alice", lane, weight)
    assert desk.granted("bob", Lane.URGENT, 2) >= 100 - KNOWN_PCT


@pytest.mark.parametrize("exchange", ADAPTERS)
def test_every_exchange_that_takes_orders_has_limits_that_let_one_out(exchange: str) -> None:
    desk = Desk(LIMITS[exchange])
    assert desk.wait_s("alice", Lane.USUAL, LIMITS[exchange].weight(1, 100), order=True) == 0
    limits = LIMITS[exchange]
    assert all(limit.most > 0 for limit in (*limits.address, *limits.account, *limits.orders))


def test_weights_are_the_exchanges_own() -> None:
    """Binance writes 20 for a list of balances and 4 for an order's state, which ccxt gives as 4 and 0.8."""
    assert [limits_of("binance").weight(cost, 50) for cost in (4, 0.8, 0.2)] == [20, 4, 1]
    assert limits_of("bybit").weight(2.5, 20) == 50
    assert limits_of("an exchange without figures").weight(1.5, 100) == 150
