"""When a scalper enters, and what its resting bid does meanwhile."""

from decimal import Decimal
from typing import Any

import pytest

from bots.strategies.base import Command, CommandKind, Role
from bots.strategies.guard import guarded
from orders.records import replace
from orders.rules import OrderKind, Side
from tests.strategies.dcas import market, number_of
from tests.strategies.playground import Playground
from tests.strategies.scalpers import AT_MARKET, later, memory_of, playing, rsi_of, scalper

D = Decimal


def test_a_bid_rests_half_the_width_under_the_fair_value() -> None:
    playground = playing(quote_width_bps=40)
    order = playground.live["deal-1/entry"].intent
    assert (order.price, order.kind, order.role, order.post_only) == (
        D("99.8"), OrderKind.LIMIT, Role.ENTRY, True,
    )  # fmt: skip
    assert order.amount == D("0.501002")


def test_width_zero_is_both_fees_and_two_bps() -> None:
    assert playing(market("0.001")).prices(Side.BUY) == [D("99.89")]


def test_a_fair_value_that_moves_by_more_than_a_quarter_of_the_width_moves_the_bid() -> None:
    playground = playing(quote_width_bps=40)
    playground.move("100.10")
    assert playground.prices(Side.BUY) == [D("99.89")], "a minute has passed, too"
    playground = playing(quote_width_bps=40, refresh_s=3600)
    playground.move("100.10")
    playground.look()
    assert playground.prices(Side.BUY) == [D("99.8")], "exactly a quarter is not more"
    playground.move("100.11")
    assert playground.prices(Side.BUY) == [D("99.9")]


def test_a_bid_is_placed_anew_after_its_refresh() -> None:
    playground = playing(quote_width_bps=400, refresh_s=30)
    assert playground.prices(Side.BUY) == [D(98)]
    playground.quote = replace(playground.quote, bid=D("100.2"), ask=D("100.4"))
    later(playground, 29)
    assert playground.prices(Side.BUY) == [D(98)]
    later(playground, 1)
    assert playground.prices(Side.BUY) == [D("98.29")]


def test_post_only_stays_under_the_ask_and_a_refused_bid_is_placed_a_second_later() -> None:
    playground = playing(spread=0, entry="rsi", entry_timeout_s=60)
    playground.look(candle=rsi_of(20))
    assert playground.prices(Side.BUY) == [D("99.99")]
    playground = playing(quote_width_bps=40, spread=0)
    playground.plan = replace(playground.plan, orders={})
    order = playground.live.pop("deal-1/entry")
    playground.quote = replace(playground.quote, bid=D(99), ask=D(99), last=D(99))
    playground._place("deal-1/entry", order.intent)
    playground.look()
    assert playground.live == {}
    later(playground, 1)
    assert playground.prices(Side.BUY) == [D("98.8")]


def test_a_signal_enters_at_market_once() -> None:
    playground = playing(**AT_MARKET)
    assert (playground.plan.orders, playground.plan.wake.candle) == ({}, "1m")
    playground.look(candle=rsi_of(20))
    assert number_of(playground) == 1
    assert [fill.price for fill in playground.all_fills] == [D("100.01")]
    playground.move("101")
    assert number_of(playground) is None
    assert playground.plan.orders == {}
    playground.look(candle=rsi_of(40))
    assert playground.plan.orders == {}
    playground.look(candle=rsi_of(20))
    assert number_of(playground) == 2


def test_the_candles_are_those_of_the_timeframe() -> None:
    playground = playing(**AT_MARKET, timeframe="5m")
    assert (playground.strategy.timeframe, playground.plan.wake.candle) == ("5m", "5m")


@pytest.mark.parametrize("timeout", [10, 25])
def test_a_signals_entry_has_its_own_timeout(timeout: int) -> None:
    playground = playing(entry="rsi", entry_timeout_s=timeout)
    playground.look(candle=rsi_of(20))
    later(playground, timeout - 1)
    assert "deal-1/entry" in playground.live
    later(playground, 1)
    assert playground.live == {}


def test_a_signals_limit_rests_at_the_bid_and_is_cancelled_after_its_timeout() -> None:
    playground = playing(entry="rsi", entry_timeout_s=10)
    playground.look(candle=rsi_of(20))
    assert playground.prices(Side.BUY) == [D("99.99")]
    playground.quote = replace(playground.quote, bid=D("100.3"), ask=D("100.4"))
    later(playground, 9)
    playground.look()
    assert playground.prices(Side.BUY) == [D("99.99")], "a signal's entry does not follow the price"
    later(playground, 1)
    assert playground.live == {}


@pytest.mark.parametrize(("widest", "enters"), [(15, False), (20, True), (0, True)])
def test_no_entry_while_the_spread_is_wider(widest: Any, enters: Any) -> None:
    playground = playing(spread=20, max_spread_bps=widest)
    assert bool(playground.live) is enters
    assert bool(playground.reasons) is not enters
    if not enters:
        assert playground.plan.wake.at == playground.now + 5_000
        playground.spread_bps = D(2)
        playground.move(100)
        assert playground.live


@pytest.mark.parametrize(
    ("least", "depth", "enters"),
    [
        (None, D(500), True), (None, D("499.9"), False), (None, None, True),
        (0, D(1), True), (600, D(599), False), (600, D(600), True),
    ],
)  # fmt: skip
def test_no_entry_into_a_book_that_is_thinner(least: Any, depth: Any, enters: Any) -> None:
    strategy = scalper(min_depth_quote=least)
    playground = Playground(strategy, price=100, cash=1_000, asked=False)
    plan = strategy.decide(strategy.first_memory(), replace(playground.seen(), depth=depth))
    assert bool(plan.orders) is enters


def test_no_more_trades_than_allowed_within_any_hour() -> None:
    playground = playing(**AT_MARKET, max_trades_per_hour=2)
    began = playground.now
    for _ in range(2):
        playground.move(100)
        playground.look(candle=rsi_of(20))
        playground.move(101)
    playground.look(candle=rsi_of(20))
    assert number_of(playground) is None
    assert playground.plan.paused_until == began + 60_000 + 3_600_000
    assert "2 deals within the hour" in playground.reasons[-1]
    later(playground, 3_600)
    playground.look(candle=rsi_of(20))
    assert number_of(playground) == 3


def lose(playground: Playground, at: int = 100) -> None:
    playground.move(at)
    playground.look(candle=rsi_of(20))
    playground.move(at - 2)


def test_losses_in_a_row_pause_entries_and_a_win_begins_the_count_anew() -> None:
    playground = playing(**AT_MARKET, max_consecutive_losses=2, loss_pause_s=1800)
    lose(playground)
    playground.move(100)
    playground.look(candle=rsi_of(20))
    playground.move(101)
    assert memory_of(playground).losses == 0
    lose(playground)
    assert memory_of(playground).pause_until == 0
    lose(playground)
    assert playground.plan.paused_until == playground.now + 1_800_000
    playground.look(candle=rsi_of(20))
    assert playground.plan.orders == {}
    later(playground, 1800)
    playground.look(candle=rsi_of(20))
    assert number_of(playground) == 5


def test_the_pause_after_losses_is_as_long_as_chosen() -> None:
    playground = playing(**AT_MARKET, max_consecutive_losses=1, loss_pause_s=600)
    lose(playground)
    assert playground.plan.paused_until == playground.now + 600_000
    assert "no entries for 600 s" in playground.plan.paused_why


def test_the_pause_shows_through_the_guard_and_a_restart_ends_it() -> None:
    strategy = guarded(scalper(**AT_MARKET, max_consecutive_losses=1))
    playground = Playground(strategy, price=100, cash=1_000)
    lose(playground)
    assert "1 losing deals in a row" in playground.plan.paused_why
    playground.look(Command(CommandKind.RESTART), candle=rsi_of(20))
    assert number_of(playground) == 2


def test_the_scalpers_cooldown_is_fifteen_seconds() -> None:
    strategy = guarded(scalper(quote_width_bps=40, cooldown_s=15))
    playground = Playground(strategy, price=100, cash=1_000, spread_bps=D(2))
    playground.move("99.7", 101)
    assert "deal-2/entry" not in playground.live
    assert playground.plan.paused_until == playground.now + 15_000
    later(playground, 15)
    assert "deal-2/entry" in playground.live


def test_what_the_pocket_does_not_cover_is_told_once() -> None:
    playground = Playground(scalper(investment=40), price=100, cash=1_000)
    playground.look()
    assert len(playground.reasons) == 1
    assert "The order needs 50" in playground.reasons[0]
    assert playground.plan.orders == {}
