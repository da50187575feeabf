"""Stops that rest: triggered as on the paper exchange, and no candle that triggers one is passed over."""

import dataclasses
import json
from argparse import ArgumentParser
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots.backtest.arguments import add_arguments, request_of
from bots.backtest.desk import Desk
from bots.backtest.inputs import prepared
from bots.backtest.request import FileSource, Request, Rules, StoreSource, WalkSource
from bots.backtest.run import Terms
from bots.strategies.base import OrderIntent, Role
from bots.strategies.difference import reserved
from orders.accounting import Position
from orders.matching import Quote
from orders.records import replace
from orders.rules import OrderKind, Side
from orders.states import OrderStatus
from tests.backtest.settings_made import made
from tests.backtest.test_run import outcome
from tests.backtest.twins import assert_alike, both
from tests.backtest.walks import BUSY, MARKET, backtest, minutes_of, walk
from tests.faults.tapes import written

D = Decimal
ON, OFF = (replace(MARKET, rests_stops=rests) for rests in (True, False))
PROTECTED: dict[str, Any] = {**BUSY["momentum"], "exit_on_cross": False, "stop_limit_offset_pct": "0.1"}
# The slots of what was sold.
STOP, EXIT = "stop", "exit"


def at(price: str) -> Quote:
    return Quote(D(price), D(price), D(price), 2_000)


def holding(coins: str = "1", *, on: Any = ON) -> Desk:
    return Desk(on, cash=D(100), position=Position().with_coins(D(coins), D(100)), slippage_pct=D(1))


def place(on: Desk, trigger: str, limit: str, amount: str = "1") -> None:
    intent = OrderIntent(Side.SELL, OrderKind.STOP, D(amount), D(limit), Role.EXIT, trigger=D(trigger))
    on.place(STOP, intent, reserved(intent, on.market, D(100)), at("100"))


def closed(on: Desk) -> list[tuple[str, OrderStatus]]:
    return [(order.slot, order.status) for order in on.take_news()[1]]


def test_a_stop_rests_with_its_coins_reserved_until_the_price_is_down_to_its_trigger() -> None:
    on = holding()
    place(on, "95", "90")
    assert (on.reserved_base, on.buy_trigger, on.sell_trigger) == (D(1), D(95), None)
    on.pass_through(D("95.01"), D(120), at("95.01"))
    assert on.fills == []


def test_a_triggered_stop_sells_at_the_bid_less_the_slippage_as_a_taker() -> None:
    on = holding()
    place(on, "95", "90")
    on.pass_through(D(95), D(100), at("95"))
    assert [(fill.price, fill.amount) for fill in on.fills] == [(D("94.05"), D(1))]
    assert on.log.makers == [False]
    assert (on.reserved_base, on.buy_trigger) == (D(0), None)


def test_the_slippage_never_takes_it_under_its_limit() -> None:
    on = holding()
    place(on, "95", "94.5")
    on.pass_through(D(95), D(100), at("95"))
    assert [fill.price for fill in on.fills] == [D("94.5")]


def test_over_a_gap_under_its_limit_it_rests_there_and_fills_as_a_maker() -> None:
    on = holding()
    place(on, "95", "94")
    on.pass_through(D(93), D(100), at("93"))
    assert (on.fills, on.buy_trigger, on.sell_trigger) == ([], None, D("94.01"))
    assert on.reserved_base == 1
    on.pass_through(D(93), D("94.01"), at("94.01"))
    assert [(fill.price, fill.amount) for fill in on.fills] == [(D(94), D(1))]
    assert on.log.makers == [True]


@pytest.mark.parametrize("price", ["100", "93"])
def test_a_stop_that_is_cancelled_leaves_nothing_behind(price: str) -> None:
    """Before it is triggered as well as after."""
    on = holding()
    place(on, "95", "94")
    on.pass_through(D(price), D(100), at(price))
    on.cancel(STOP)
    assert (on.reserved_base, on.buy_trigger, on.sell_trigger) == (D(0), None, None)
    assert not on.live
    assert closed(on) == [(STOP, OrderStatus.CANCELLED)]


def test_a_stop_that_would_be_triggered_at_once_is_refused_and_so_is_any_where_none_rests() -> None:
    for desk, trigger in ((holding(), "100"), (holding(on=OFF), "95")):
        place(desk, trigger, "94")
        assert closed(desk) == [(STOP, OrderStatus.REFUSED)]


FILE, ROOT = FileSource(Path("candles.csv")), Path("store")


@pytest.mark.parametrize(
    ("source", "ticker", "given", "rests"),
    [
        (FILE, "BTC/USDT", None, False),
        (FILE, "BTC/USDT", True, True),
        (StoreSource(ROOT, "binance", "BTC/USDT", "1h"), "BTC/USDT", None, True),
        (StoreSource(ROOT, "binance", "BTC/USDT", "1h"), "BTC/USDT", False, False),
        (StoreSource(ROOT, "kraken", "BTC/USDT", "1h"), "BTC/USDT", None, False),
        (StoreSource(ROOT, "simulated", "BTC/USDT", "1h"), "BTC/USDT", None, True),
        (StoreSource(ROOT, "simulated", "AWK/USDT", "1h"), "AWK/USDT", None, False),
        (WalkSource("BTC/USDT", 20, "1h"), "BTC/USDT", None, True),
    ],
)
def test_a_backtest_rests_stops_where_its_candles_are_from_and_not_with_a_mere_file(
    source: Any, ticker: str, given: bool | None, rests: bool
) -> None:
    request = Request("momentum", {}, source, Rules(ticker, rests_stops=given))
    assert request.rests_stops is rests


@pytest.mark.parametrize(("typed", "rests"), [([], False), (["--rests-stops"], True)])
def test_a_person_may_say_that_stops_rest(tmp_path: Path, typed: list[str], rests: bool) -> None:
    path = written(tmp_path / "walk.csv", walk(3, 200))
    parser = ArgumentParser()
    add_arguments(parser)
    chosen = parser.parse_args(["momentum", "--candles", str(path), "--set", "rsi_period=0", *typed])
    request = request_of(chosen, tmp_path)
    values = {name: json.loads(json.dumps(value)) for name, value in PROTECTED.items()}
    assert prepared(dataclasses.replace(request, values=values)).strategy.market.rests_stops is rests


@settings(max_examples=8)
@given(seed=st.integers(0, 10**6), pessimistic=st.booleans(), gap=st.sampled_from([0.0, 0.003]))
def test_walking_every_candle_gives_what_skipping_gives(seed: int, pessimistic: bool, gap: float) -> None:
    candles, terms = walk(seed, 200, gap=gap), Terms(D("0.05"), D(2), pessimistic)
    runs = [
        backtest("momentum", PROTECTED, candles, market=ON, terms=terms, journal=True, skip=skip)
        for skip in (True, False)
    ]
    assert outcome(runs[0]) == outcome(runs[1])


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(values=made("momentum"), seed=st.integers(0, 10**6), gap=st.sampled_from([0.0, 0.003]))
def test_skipping_is_walking_with_any_settings(values: Any, seed: int, gap: float) -> None:
    candles = walk(seed, 200, gap=gap)
    runs = [
        backtest("momentum", values, candles, market=ON, journal=True, skip=skip) for skip in (True, False)
    ]
    assert outcome(runs[0]) == outcome(runs[1])


def slots_sold(run: Any) -> set[str]:
    return {fill.slot.rpartition("/")[2] for fill in run.run().fills if fill.side is Side.SELL}


def test_the_bot_of_these_tests_is_sold_out_by_its_stop_and_by_itself() -> None:
    assert slots_sold(backtest("momentum", PROTECTED, walk(3, 400, gap=0.003), market=ON)) == {STOP, EXIT}


def test_where_no_stop_rests_the_setting_changes_nothing() -> None:
    candles = walk(3, 400, gap=0.003)
    on, off = (
        backtest("momentum", {**PROTECTED, "protective_stop": chosen}, candles, market=OFF, journal=True)
        for chosen in (True, False)
    )
    assert outcome(on) == outcome(off)
    assert STOP not in slots_sold(backtest("momentum", PROTECTED, candles, market=OFF))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", [11, pytest.param(12, marks=pytest.mark.long)])
def test_a_backtest_and_the_paper_engine_agree_on_stops_that_rest(seed: int, tmp_path: Path) -> None:
    path = written(tmp_path / "walk.csv", walk(seed, minutes_of("momentum", 45), step=0.004, gap=0.004))
    told, rows = both("momentum", PROTECTED, path)
    assert any(slot.endswith("/stop") for _, slot, *_ in told.orders)
    assert_alike(told, rows)
