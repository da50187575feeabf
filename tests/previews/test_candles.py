"""Which candles a preview runs on: stored ones, a file as far as it was played, or the market's own walk."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from bots.backtest.inputs import prepared
from bots.backtest.request import (
    FileSource,
    Request,
    Rules,
    StoreSource,
    WalkSource,
    read_request,
    tell_request,
)
from bots.backtest.walked import on_tick, walked
from bots.previews.candles import NoCandles, Wanted, chosen, request_of
from bots.strategies.base import Candles
from bots.strategies.limits import DAY_MS
from orders.gateways.candle_file import exact
from orders.gateways.candle_store import CandleStore
from orders.gateways.listed import LISTED
from orders.gateways.simulated import SEED, now_of, open_exchange, replay_from
from orders.gateways.simulated import WalkSource as LiveWalk
from orders.models import Market, SimulatedMarket
from orders.rules import half_up_to
from tests import people
from tradingbot.clock import moment_of, ms_of

MINUTE_MS = 60_000
BEGAN = ms_of(people.NOW) // DAY_MS * DAY_MS


@pytest.fixture
def market(db: None) -> Market:
    open_exchange(now=people.NOW)
    return Market.objects.get(ticker="BTC/USDT")


def flat(since: int, count: int, every_ms: int, price: float = 100.0) -> Candles:
    ones = np.full(count, price)
    return Candles(since + np.arange(count, dtype=np.int64) * every_ms, ones, ones, ones, ones, ones)


def wanted(market: Market, bot_type: str = "dca", **values: object) -> Wanted:
    return Wanted(bot_type, {"investment": "1000", **values}, market)


@pytest.mark.parametrize(
    ("there", "signals", "best"),
    [
        (["1m", "5m", "15m", "1h"], None, "5m"),
        (["1m", "5m", "15m"], "1m", "1m"),
        (["1m", "3m"], "5m", "1m"),
        (["15m", "1h"], None, "15m"),
        (["15m", "1h"], "30m", "15m"),
        (["1h", "4h"], "4h", "1h"),
        (["4h", "1d"], "1d", ""),
        (["15m"], "1m", ""),
        ([], None, ""),
    ],
)
def test_the_coarsest_timeframe_that_is_fine_enough(there: list[str], signals: str | None, best: str) -> None:
    assert chosen(there, signals) == best


def test_a_market_of_the_built_in_exchange_brings_its_own_past(market: Market, tmp_path: Path) -> None:
    request = request_of(wanted(market), tmp_path)
    assert request.source == WalkSource("BTC/USDT", SEED, "5m")
    assert (request.since, request.until) == (BEGAN - 365 * DAY_MS, BEGAN)
    assert (request.rules, request.spread_bps) == (Rules(ticker="BTC/USDT", rests_stops=True), Decimal(2))
    assert request_of(wanted(market, "scalper", entry="rsi"), tmp_path).source.timeframe == "1m"
    assert read_request(tell_request(request)) == request


def test_spread_capture_is_previewed_on_a_week(market: Market, tmp_path: Path) -> None:
    assert request_of(wanted(market, "scalper"), tmp_path).since == BEGAN - 7 * DAY_MS


def test_stored_candles_come_first_and_their_last_year_counts(market: Market, tmp_path: Path) -> None:
    store, hour = CandleStore(tmp_path), 3600_000
    store.write(exchange="simulated", ticker="BTC/USDT", timeframe="1h", candles=flat(BEGAN, 400 * 24, hour))
    store.write(exchange="simulated", ticker="BTC/USDT", timeframe="1d", candles=flat(BEGAN, 400, DAY_MS))
    request = request_of(wanted(market), tmp_path)
    assert request.source == StoreSource(tmp_path, "simulated", "BTC/USDT", "1h")
    assert (request.since, request.until) == (BEGAN + 35 * DAY_MS, BEGAN + 400 * DAY_MS)
    assert isinstance(request_of(wanted(market, "scalper", entry="rsi"), tmp_path).source, WalkSource)


@pytest.mark.parametrize(
    ("exchange", "ticker", "why"),
    [
        ("binance-sandbox", "BTC/USDT", "--exchange binance-sandbox --ticker BTC/USDT"),
        ("elsewhere", "币安/USDT", "can be kept"),
    ],
)
def test_a_market_of_any_name_is_asked_for_its_candles(
    market: Market, tmp_path: Path, exchange: str, ticker: str, why: str
) -> None:
    market.exchange, market.ticker = exchange, ticker
    with pytest.raises(NoCandles, match=why):
        request_of(wanted(market), tmp_path)


def test_a_market_elsewhere_needs_candles_and_keeps_its_own_rules(market: Market, tmp_path: Path) -> None:
    market.exchange = "elsewhere"
    with pytest.raises(NoCandles, match="import_candles FILE --exchange elsewhere --ticker BTC/USDT"):
        request_of(wanted(market), tmp_path)
    CandleStore(tmp_path).write(
        exchange="elsewhere", ticker="BTC/USDT", timeframe="5m", candles=flat(BEGAN, 10, 300_000)
    )
    request = request_of(wanted(market), tmp_path)
    assert (request.since, request.until) == (BEGAN, BEGAN + 3_000_000)
    assert (request.rules.tick, request.rules.fee_pct) == (Decimal("0.01"), Decimal("0.1"))
    assert request.rules.rests_stops is True
    market.rests_stops = False
    assert request_of(wanted(market), tmp_path).rules.rests_stops is False


def test_a_market_that_plays_a_file_shows_only_what_it_has_played(market: Market, tmp_path: Path) -> None:
    path = tmp_path / "played.csv"
    rows = [f"{BEGAN + number * 3600_000},100,101,99,100,1" for number in range(72)]
    path.write_text("\n".join(["timestamp,open,high,low,close,volume", *rows]) + "\n")
    row = replay_from(ticker="BTC/USDT", path=path, now=people.NOW)
    with pytest.raises(NoCandles, match="has not played a whole day"):
        request_of(wanted(market), tmp_path / "store")
    SimulatedMarket.objects.filter(pk=row.pk).update(candle=30)
    request = request_of(wanted(market), tmp_path / "store")
    assert request.source == FileSource(path)
    assert (request.since, request.until) == (BEGAN, BEGAN + DAY_MS)
    assert now_of(SimulatedMarket.objects.get(pk=row.pk)) >= BEGAN + DAY_MS


@pytest.mark.parametrize("ticker", list(LISTED))
def test_the_walk_is_the_live_markets_own_candle_by_candle(ticker: str) -> None:
    listed, seed = LISTED[ticker], 23
    made = walked(listed, seed=seed, since=BEGAN, until=BEGAN + DAY_MS, length_ms=300_000)
    live = LiveWalk(listed, seed, moment_of(BEGAN))
    minutes = [candle for number in range(1440) if (candle := live.candle(number))]
    assert len(made) == 288
    for row in range(288):
        five = minutes[row * 5 : row * 5 + 5]
        assert made.at[row] == five[0].at
        assert exact(made.open[row]) == five[0].open
        assert exact(made.high[row]) == max(one.high for one in five)
        assert exact(made.low[row]) == min(one.low for one in five)
        assert exact(made.close[row]) == five[-1].close


@pytest.mark.parametrize("tick", ["0.01", "0.025", "0.00000005", "0.3", "5"])
def test_prices_are_rounded_half_up_to_the_tick_exactly(tick: str) -> None:
    step = Decimal(tick)
    halves = np.array([float(step * number + step / 2) for number in range(1, 200)])
    prices = np.concatenate(
        [halves, np.nextafter(halves, 0), np.nextafter(halves, np.inf), halves * 0.7, [0.0]]
    )
    for price, rounded in zip(prices, on_tick(prices, step), strict=True):
        assert exact(rounded) == max(half_up_to(exact(price), step), step)


def test_a_warm_child_keeps_its_tape_until_the_candles_change(tmp_path: Path) -> None:
    store = CandleStore(tmp_path)
    name = {"exchange": "elsewhere", "ticker": "AB/CD", "timeframe": "5m"}
    store.write(**name, candles=flat(BEGAN, 500, 300_000))
    source = StoreSource(tmp_path, "elsewhere", "AB/CD", "5m")
    one = Request("dca", {"investment": "1000"}, source, since=BEGAN, until=BEGAN + DAY_MS)
    other = Request("dca", {"investment": "2000"}, source, since=BEGAN, until=BEGAN + DAY_MS)
    tape = prepared(one).tape
    assert prepared(other).tape is tape
    store.write(**name, candles=flat(BEGAN, 500, 300_000, price=101.5))
    assert prepared(one).tape.close(0) == Decimal("101.5")
